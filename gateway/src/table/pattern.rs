//! Patterns of paths, such as `/shop/{id}/{*rest}`, and what is made of them (`/v2/{id}/{rest}`).
//!
//! What must hold: a pattern matches the path that a server behind would read. So paths are brought into one form first
//! ([`plain`]): letters that were escaped without need are written as they are (RFC 3986, section 6.2.2.2) and slashes that
//! follow each other count once. A path in which a slash, a backslash or a NUL is hidden is refused: servers disagree on it.

use std::borrow::Cow;

/// A pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    parts: Vec<Part>,
    /// Whether anything may follow, and its name.
    rest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Named(String),
}

/// How narrow a pattern is; of two that match, the greater one is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Narrowness(Vec<u8>);

impl Pattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some(inner) = text.strip_prefix('/') else {
            return Err("must begin with a slash, such as /shop/{*rest}".to_owned());
        };
        if text.contains(['?', '#']) {
            return Err("is a path only: what the query has to be goes into `query`".to_owned());
        }
        if !matches!(plain(text), Ok(Cow::Borrowed(_))) {
            return Err(
                "must be written plainly: no double slash, and nothing escaped that need not be".into()
            );
        }
        let (mut parts, mut rest) = (Vec::new(), None);
        let mut segments = inner.split('/').peekable();
        while let Some(segment) = segments.next() {
            let braced = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
            match braced {
                Some(name) => match name.strip_prefix('*') {
                    Some(_) if segments.peek().is_some() => {
                        return Err(format!("`{segment}` takes all that follows, so it must be the last"));
                    }
                    Some(name) => rest = Some(named(name)?),
                    None => parts.push(Part::Named(named(name)?)),
                },
                None if segment.contains(['{', '}']) => {
                    return Err(format!("`{segment}`: a parameter is a whole segment, such as /{{id}}/"));
                }
                None => parts.push(Part::Literal(segment.to_owned())),
            }
        }
        let pattern = Self { text: text.to_owned(), parts, rest };
        let mut names: Vec<&str> = pattern.names().collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("names `{}` twice", pair[0])),
            None => Ok(pattern),
        }
    }

    /// The pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.parts.iter().filter_map(|part| match part {
            Part::Named(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        });
        named.chain(self.rest.as_deref())
    }

    /// The first segment, when only one will do.
    pub(crate) fn first(&self) -> Option<&str> {
        match self.parts.first() {
            Some(Part::Literal(first)) => Some(first),
            _ => None,
        }
    }

    /// Literal segments are narrower than named ones, and those narrower than the rest.
    pub(crate) fn narrowness(&self) -> Narrowness {
        let rank = |part: &Part| if matches!(part, Part::Literal(_)) { 3 } else { 2 };
        let end = if self.rest.is_some() { 0 } else { 1 };
        Narrowness(self.parts.iter().map(rank).chain([end]).collect())
    }

    /// Whether another pattern matches the same paths, however its parameters are named.
    pub(crate) fn means_as(&self, other: &Self) -> bool {
        let nameless = |pattern: &Self| -> Vec<Option<String>> {
            let literal = |part: &Part| match part {
                Part::Literal(literal) => Some(literal.clone()),
                Part::Named(_) => None,
            };
            pattern.parts.iter().map(literal).collect()
        };
        nameless(self) == nameless(other) && self.rest.is_some() == other.rest.is_some()
    }

    /// Whether a path in its plain form is one of these.
    pub(crate) fn matches(&self, path: &str) -> bool {
        self.walk(path, |_, _| {}).is_some()
    }

    /// What a path has in the places of the parameters.
    pub(crate) fn captures<'a>(&'a self, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let mut found = Vec::new();
        self.walk(path, |name, value| found.push((name, value)))?;
        Some(found)
    }

    fn walk<'a>(&'a self, path: &'a str, mut found: impl FnMut(&'a str, &'a str)) -> Option<()> {
        let mut left = Some(path.strip_prefix('/')?);
        for part in &self.parts {
            let (segment, next) = match left?.split_once('/') {
                Some((segment, next)) => (segment, Some(next)),
                None => (left?, None),
            };
            match part {
                Part::Literal(literal) if literal == segment => {}
                Part::Named(name) if !segment.is_empty() => found(name, segment),
                Part::Literal(_) | Part::Named(_) => return None,
            }
            left = next;
        }
        match (&self.rest, left) {
            (Some(name), rest) => found(name, rest.unwrap_or_default()),
            (None, Some(_)) => return None,
            (None, None) => {}
        }
        Some(())
    }
}

fn named(name: &str) -> Result<String, String> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.is_empty() && name.bytes().all(fine) {
        return Ok(name.to_owned());
    }
    Err(format!("`{{{name}}}`: a parameter is named by letters, digits and _, such as {{id}} or {{*rest}}"))
}

/// A text with parameters in it, such as the path that an upstream is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

impl Template {
    /// Reads a template whose parameters are those of a pattern.
    pub(crate) fn parse(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let (mut pieces, mut left) = (Vec::new(), text);
        while let Some((before, after)) = left.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!("`{text}` has a brace that is not closed"));
            };
            let name = name.strip_prefix('*').unwrap_or(name);
            if !pattern.names().any(|known| known == name) {
                let known: Vec<_> = pattern.names().collect();
                return Err(format!(
                    "`{{{name}}}` is no parameter of {}; there is: {}",
                    pattern.as_str(),
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                ));
            }
            pieces.extend([Piece::Text(before.to_owned()), Piece::Parameter(name.to_owned())]);
            left = after;
        }
        pieces.push(Piece::Text(left.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// The text with these in the places of its parameters.
    pub(crate) fn fill(&self, captures: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Parameter(name) => {
                    let value = captures.iter().find(|(known, _)| known == name);
                    filled.push_str(value.map_or("", |(_, value)| value));
                }
            }
        }
        filled
    }
}

/// Why a path is refused before anybody looks for its route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// A path in the one form in which it is matched and passed on.
pub(crate) fn plain(path: &str) -> Result<Cow<'_, str>, Ambiguous> {
    if !path.contains("//") && !path.contains(['%', '\\']) {
        return Ok(Cow::Borrowed(path));
    }
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let mut byte = bytes[at];
        at += 1;
        let mut escaped = false;
        if byte == b'%' {
            let digits = bytes.get(at..at + 2).and_then(|digits| std::str::from_utf8(digits).ok());
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let Some(value) = value.filter(|_| !bytes[at].eq(&b'+')) else { return Err(Ambiguous) };
            if matches!(value, b'/' | b'\\' | 0) {
                return Err(Ambiguous);
            }
            if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~') {
                (byte, at) = (value, at + 2);
            } else {
                escaped = true;
            }
        }
        if byte == b'\\' {
            return Err(Ambiguous);
        }
        if escaped {
            plain.push(b'%');
            plain.extend(bytes[at..at + 2].iter().map(u8::to_ascii_uppercase));
            at += 2;
        } else if !(byte == b'/' && plain.last() == Some(&b'/')) {
            plain.push(byte);
        }
    }
    let plain = String::from_utf8(plain).map_err(|_| Ambiguous)?;
    Ok(if plain == path { Cow::Borrowed(path) } else { Cow::Owned(plain) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_matches_whole_segments() {
        for (text, yes, no) in [
            ("/", &["/"][..], &["/a", "/a/"][..]),
            ("/a", &["/a"], &["/", "/ab", "/a/", "/a/b"]),
            ("/a/{id}", &["/a/1", "/a/x.json"], &["/a", "/a/", "/a/1/", "/a/1/2", "/b/1"]),
            ("/a/{*rest}", &["/a", "/a/", "/a/1/2"], &["/ab", "/", "/b/a"]),
            ("/{*rest}", &["/", "/a", "/a/b/"], &[]),
            ("/{shop}/x", &["/1/x"], &["//x", "/x", "/1/x/"]),
        ] {
            for path in yes {
                assert!(pattern(text).matches(path), "{text} {path}");
            }
            for path in no {
                assert!(!pattern(text).matches(path), "{text} {path}");
            }
        }
    }

    #[test]
    fn what_stands_in_the_places_of_parameters_is_put_into_a_template() {
        let pattern = pattern("/shop/{id}/{*rest}");
        let template = Template::parse("/v2/{rest}/of/{id}", &pattern).unwrap();
        let captures = pattern.captures("/shop/7/a/b").unwrap();
        assert_eq!(captures, [("id", "7"), ("rest", "a/b")]);
        assert_eq!(template.fill(&captures), "/v2/a/b/of/7");
    }

    #[test]
    fn a_pattern_that_means_nothing_is_refused() {
        for wrong in
            ["", "a", "/a/{*rest}/b", "/a/{}", "/a/x{id}", "/{a}/{a}", "/a?b=1", "//a", "/%61", "/{a b}"]
        {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Template::parse("/{who}", &pattern("/a/{id}")).unwrap_err().contains("id"));
        assert!(Template::parse("/{id", &pattern("/a/{id}")).is_err());
    }

    #[test]
    fn the_narrower_pattern_is_meant() {
        let ordered = ["/{*rest}", "/{a}", "/{a}/{b}", "/{a}/b", "/a/{*rest}", "/a/{b}", "/a/b"];
        for pair in ordered.windows(2) {
            assert!(pattern(pair[0]).narrowness() < pattern(pair[1]).narrowness(), "{pair:?}");
        }
    }

    #[test]
    fn a_path_has_one_form() {
        for (path, form) in [
            ("/a/b", "/a/b"),
            ("/%61/%7e", "/a/~"),
            ("//a///b/", "/a/b/"),
            ("/a%20b%c3%a4", "/a%20b%C3%A4"),
            ("/%2e%2E/x", "/../x"),
        ] {
            assert_eq!(plain(path).unwrap(), form, "{path}");
        }
        for hidden in ["/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/a%00", "/a%", "/a%2", "/a%zz", "/a%+1"] {
            assert_eq!(plain(hidden), Err(Ambiguous), "{hidden}");
        }
    }

    proptest! {
        #[test]
        fn the_one_form_of_a_path_is_its_own_form(path in "(/|%[0-9a-f]{2}|[a-z.~]){0,20}") {
            if let Ok(form) = plain(&path) {
                prop_assert_eq!(plain(&form).unwrap(), form.as_ref());
                prop_assert!(!form.contains("//"));
            }
        }

        #[test]
        fn what_a_pattern_was_made_of_is_what_it_captures(a in "[a-z0-9]{1,8}", rest in "[a-z0-9/]{0,12}") {
            let pattern = pattern("/x/{a}/{*rest}");
            let path = format!("/x/{a}/{rest}");
            let captures = pattern.captures(&path).unwrap();
            prop_assert_eq!(captures, vec![("a", a.as_str()), ("rest", rest.as_str())]);
        }

        #[test]
        fn no_pattern_is_too_strange_to_be_refused(text in "\\PC{0,30}") {
            drop(Pattern::parse(&text));
        }
    }
}
