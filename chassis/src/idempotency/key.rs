//! The header `Idempotency-Key`, and what it stands for.

use crate::error::{ApiError, ApiResult};
use aws_lc_rs::digest::{Context, SHA256};
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

/// Names one request of a client, so that sending it again is the same request.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The most characters that a key may have.
const LONGEST: usize = 255;

/// A key: 1 to 255 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(Box<str>);

/// Not the key itself: a client may have put anything into it.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.0.len()).finish()
    }
}

impl Key {
    /// The key of a request.
    ///
    /// # Errors
    /// 400 when there is more than one, or one that is no key.
    pub(super) fn of(headers: &HeaderMap) -> ApiResult<Self> {
        let mut lines = headers.get_all(IDEMPOTENCY_KEY).into_iter();
        let key = match (lines.next(), lines.next()) {
            (Some(line), None) => line.to_str().ok().and_then(Self::parse),
            _ => None,
        };
        key.ok_or_else(|| {
            let message = "must be given once, with 1 to 255 visible ASCII characters";
            ApiError::invalid_field("Idempotency-Key", message)
        })
    }

    /// Reads it as it is, or in quotes as a string of RFC 9651 (section 3.3.3), which is how the draft of the header writes
    /// it. Both ways name the same key.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let key = match text.strip_prefix('"') {
            Some(rest) => unescape(rest.strip_suffix('"')?)?,
            None => text.to_owned(),
        };
        let fits = (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(key.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands between the quotes; `None` when a quote or a backslash in it is not escaped.
fn unescape(quoted: &str) -> Option<String> {
    let mut plain = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '"' => return None,
            '\\' => letters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
            other => other,
        });
    }
    Some(plain)
}

/// A SHA-256.
pub(super) type Digest = [u8; 32];

/// Over several parts, none of which can be taken for another.
pub(super) fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// What makes a request the same as another one: method, whole path and query, the condition, the type and the bytes of
/// its body. Headers that change with each try (trace, time left, credentials) are no part of it.
pub(super) fn fingerprint(parts: &Parts, body: &[u8]) -> Digest {
    let header = |name| parts.headers.get(name).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let method = parts.method.as_str().as_bytes();
    digest(&[method, target.as_bytes(), header(IF_MATCH), header(CONTENT_TYPE), body])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};
    use proptest::prelude::*;

    fn parts(method: &str, uri: &str, content_type: &str) -> Parts {
        let request = Request::builder().method(method).uri(uri).header(CONTENT_TYPE, content_type);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_key_in_quotes_is_the_same_key() {
        assert_eq!(Key::parse("\"abc-1\"").unwrap().as_str(), "abc-1");
        assert_eq!(Key::parse("abc-1"), Key::parse("\"abc-1\""));
        assert_eq!(Key::parse(r#""a\"b\\c""#).unwrap().as_str(), r#"a"b\c"#);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", " ", "\"\"", "\"", "\"a", "a b", "\"a b\"", "\"a\"b\"", r#""a\b""#, "\"a\";p=1", "ä"]
        {
            assert_eq!(Key::parse(text), None, "{text}");
        }
        assert!(Key::parse(&"k".repeat(255)).is_some());
        assert_eq!(Key::parse(&"k".repeat(256)), None);
    }

    #[test]
    fn two_keys_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        assert!(Key::of(&headers).is_ok());
        headers.append(IDEMPOTENCY_KEY, HeaderValue::from_static("a"));
        let refused = Key::of(&headers).unwrap_err();
        assert_eq!(refused.status(), 400);
        assert!(format!("{refused:?}").contains("Idempotency-Key"), "{refused:?}");
    }

    #[test]
    fn every_part_of_a_request_counts() {
        let one = fingerprint(&parts("POST", "/a/1?b=2", "application/json"), b"{}");
        for other in [
            fingerprint(&parts("PUT", "/a/1?b=2", "application/json"), b"{}"),
            fingerprint(&parts("POST", "/a/2?b=2", "application/json"), b"{}"),
            fingerprint(&parts("POST", "/a/1?b=3", "application/json"), b"{}"),
            fingerprint(&parts("POST", "/a/1?b=2", "text/plain"), b"{}"),
            fingerprint(&parts("POST", "/a/1?b=2", "application/json"), b"{ }"),
        ] {
            assert_ne!(one, other);
        }
        let mut conditional = parts("POST", "/a/1?b=2", "application/json");
        conditional.headers.insert(IF_MATCH, HeaderValue::from_static("\"1\""));
        assert_ne!(one, fingerprint(&conditional, b"{}"));
        assert_eq!(one, fingerprint(&parts("POST", "/a/1?b=2", "application/json"), b"{}"));
    }

    #[test]
    fn the_end_of_one_part_is_not_the_beginning_of_the_next() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"", b"a"]), digest(&[b"a", b""]));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_a_key(text in "\\PC{0,300}") {
            if let Some(key) = Key::parse(&text) {
                prop_assert!((1..=LONGEST).contains(&key.as_str().len()));
                prop_assert!(key.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }

        #[test]
        fn every_key_comes_back_from_its_quotes(key in "[!-~]{1,255}") {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(Key::parse(&quoted).map(|key| key.as_str().to_owned()), Some(key));
        }

        #[test]
        fn every_key_without_quotes_is_taken_as_it_is(key in "[!#-~][!-~]{0,254}") {
            prop_assert_eq!(Key::parse(&key).map(|key| key.as_str().to_owned()), Some(key));
        }
    }
}
