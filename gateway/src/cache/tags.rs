//! What answers can be purged by besides their path: tags that the route gives, and those that the origin names in
//! `Cache-Tag` or `Surrogate-Key`, which nobody else is told.

use http::{HeaderMap, HeaderName};

/// Separated by commas.
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
/// Separated by spaces.
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Tags of one answer, and bytes of one.
const MOST: usize = 64;
pub(super) const LONGEST: usize = 200;

/// Whether something can be a tag: it stands in both headers, whatever separates them there.
pub(super) fn is_tag(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// A tag of a route, in which `{name}` stands for a parameter of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Box<[Piece]>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Parameter(Box<str>),
}

impl Template {
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let inside = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let Some((name, after)) = inside.filter(|(name, _)| !name.is_empty() && !name.contains('{'))
            else {
                return Err(format!("`{text}` has a brace that does not enclose the name of a parameter"));
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            pieces.push(Piece::Parameter(name.into()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        if !is_tag(text) {
            return Err(format!("`{text}` must be 1 to {LONGEST} visible characters without a comma"));
        }
        Ok(Self(pieces.into()))
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(&**name),
            Piece::Text(_) => None,
        })
    }

    /// The tag for these parameters. What a client put into them cannot be another tag's separator.
    pub(super) fn fill<'a>(&self, parameter: impl Fn(&str) -> Option<&'a str>) -> String {
        let mut tag = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => tag.push_str(text),
                Piece::Parameter(name) => tag.push_str(parameter(name).unwrap_or_default()),
            }
        }
        tag
    }
}

/// Takes the tags out of an answer. `None` when there are more than can be kept: then a purge would not find it.
pub(super) fn take(headers: &mut HeaderMap) -> Option<Vec<String>> {
    let mut tags = Vec::new();
    let mut whole = true;
    for (name, separators) in [(&CACHE_TAG, &[','][..]), (&SURROGATE_KEY, &[' ', '\t'])] {
        if !headers.contains_key(name) {
            continue;
        }
        for line in headers.get_all(name) {
            let Ok(line) = line.to_str() else {
                whole = false;
                continue;
            };
            for tag in line.split(separators).map(str::trim).filter(|tag| !tag.is_empty()) {
                whole &= is_tag(tag);
                tags.push(tag.to_owned());
            }
        }
        headers.remove(name);
    }
    (whole && tags.len() <= MOST).then_some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_takes_the_parameters_of_the_path() {
        let template = Template::parse("shop:{shop}/product:{id}").unwrap();
        let values = [("id", "7"), ("shop", "north")];
        let find = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        assert_eq!(template.fill(find), "shop:north/product:7");
        for wrong in ["", "a b", "a,b", "{", "}", "{}", "a{b", "a}b", "{a{b}}", &"x".repeat(201)] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_of_the_origin_are_read_from_both_headers_and_taken_out() {
        let mut headers = HeaderMap::new();
        headers.append("cache-tag", "a, b".parse().unwrap());
        headers.append("cache-tag", "c".parse().unwrap());
        headers.append("surrogate-key", "d  e".parse().unwrap());
        headers.append("etag", "\"1\"".parse().unwrap());
        assert_eq!(take(&mut headers).unwrap(), ["a", "b", "c", "d", "e"]);
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn an_answer_with_more_tags_than_can_be_kept_is_not_kept() {
        for line in [vec!["t"; MOST + 1].join(","), "x".repeat(LONGEST + 1)] {
            let mut headers = HeaderMap::new();
            headers.append("cache-tag", line.parse().unwrap());
            assert_eq!(take(&mut headers), None);
            assert!(headers.is_empty());
        }
    }
}
