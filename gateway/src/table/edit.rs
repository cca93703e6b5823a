//! What a route does to headers.

use super::file::EditSpec;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// What belongs to a connection or says where a message ends is nobody's to set.
const FRAMING: [HeaderName; 7] = [CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// What is done to headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Edit {
    set: Vec<(HeaderName, HeaderValue)>,
    remove: Vec<HeaderName>,
}

impl Edit {
    /// What a route says; what is wrong with it is told.
    pub(super) fn of(spec: &EditSpec, mut say: impl FnMut(String)) -> Self {
        let mut edit = Self::default();
        let mut name = |text: &str| match HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) if FRAMING.contains(&name) => {
                say(format!("`{name}` belongs to the connection and cannot be changed by a route"));
                None
            }
            Ok(name) => Some(name),
            Err(_) => {
                say(format!("`{text}` is no name of a header"));
                None
            }
        };
        edit.remove = spec.remove.iter().filter_map(|text| name(text)).collect();
        let named: Vec<_> = spec.set.iter().filter_map(|(text, value)| Some((name(text)?, value))).collect();
        for (name, value) in named {
            match HeaderValue::from_str(value) {
                Ok(value) => edit.set.push((name, value)),
                Err(_) => say(format!("the value of `{name}` has letters that no header has")),
            }
        }
        edit
    }

    /// Does it.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(set: &[(&str, &str)], remove: &[&str]) -> (Edit, Vec<String>) {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let spec = EditSpec { set, remove: remove.iter().map(|name| (*name).to_owned()).collect() };
        let mut told = Vec::new();
        (Edit::of(&spec, |what| told.push(what)), told)
    }

    #[test]
    fn headers_are_removed_and_set() {
        let (edit, told) = edit(&[("x-a", "1")], &["X-B"]);
        assert!(told.is_empty());
        let mut headers = HeaderMap::new();
        headers.append("x-a", HeaderValue::from_static("0"));
        headers.append("x-a", HeaderValue::from_static("00"));
        headers.append("x-b", HeaderValue::from_static("2"));
        edit.apply(&mut headers);
        assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1"]);
        assert!(!headers.contains_key("x-b"));
    }

    #[test]
    fn what_says_where_a_message_ends_cannot_be_changed() {
        for (set, remove) in [
            (&[("Content-Length", "1")][..], &[][..]),
            (&[], &["transfer-encoding"]),
            (&[("a b", "1")], &[]),
            (&[("a", "x\ny")], &[]),
        ] {
            assert_eq!(edit(set, remove).1.len(), 1, "{set:?} {remove:?}");
        }
    }
}
