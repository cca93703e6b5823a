//! API keys in the headers of a request: `X-Api-Key`, or `Authorization: ApiKey ..`.
//!
//! Two keys are none: what stands behind could read another one than the door did. A header that carries something else, such
//! as the key of an upstream's own, is that upstream's and left alone.

use crate::keys::PREFIX;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SCHEME: &[u8] = b"apikey ";

/// What came in place of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SentKey<'a> {
    None,
    One(&'a [u8]),
    Several,
}

impl<'a> SentKey<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let named = headers.get_all(X_API_KEY).iter().map(HeaderValue::as_bytes);
        let mut all = named.chain(headers.get_all(AUTHORIZATION).iter().filter_map(by_scheme));
        match (all.next(), all.next()) {
            (None, _) => Self::None,
            (Some(key), None) => Self::One(key),
            (Some(_), Some(_)) => Self::Several,
        }
    }
}

/// What stands in `Authorization`, as a token. What is none, or stands beside another one, verifies nowhere.
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let first = all.next()?;
    let token = first.to_str().ok().and_then(|text| text.split_once(' '));
    match (token, all.next()) {
        (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ => Some(""),
    }
}

/// The key of an `Authorization` header, when it is of that scheme.
fn by_scheme(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, key) = value.as_bytes().split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| key.trim_ascii())
}

/// Takes keys of this door out.
pub(super) fn remove_keys(headers: &mut HeaderMap) {
    let is_ours = |key: &[u8]| key.trim_ascii().starts_with(PREFIX.as_bytes());
    if headers.get_all(X_API_KEY).iter().any(|value| is_ours(value.as_bytes())) {
        headers.remove(X_API_KEY);
    }
    if headers.get_all(AUTHORIZATION).iter().filter_map(by_scheme).any(is_ours) {
        headers.remove(AUTHORIZATION);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_key_is_found_by_its_header_and_by_its_scheme() {
        assert_eq!(SentKey::of(&headers(&[("x-api-key", "bwl_1")])), SentKey::One(b"bwl_1"));
        assert_eq!(SentKey::of(&headers(&[("authorization", "apiKEY  bwl_1")])), SentKey::One(b"bwl_1"));
        assert_eq!(SentKey::of(&headers(&[("authorization", "Bearer bwl_1")])), SentKey::None);
        assert_eq!(SentKey::of(&headers(&[("authorization", "ApiKey")])), SentKey::None);
        let both = [("authorization", "ApiKey bwl_1"), ("x-api-key", "bwl_1")];
        assert_eq!(SentKey::of(&headers(&both)), SentKey::Several);
        assert_eq!(SentKey::of(&headers(&[("x-api-key", "a"), ("x-api-key", "b")])), SentKey::Several);
    }

    #[test]
    fn keys_of_this_door_are_taken_out_and_others_left() {
        let mut ours = headers(&[("x-api-key", "bwl_1"), ("authorization", "ApiKey bwl_1"), ("a", "b")]);
        remove_keys(&mut ours);
        assert_eq!(ours, headers(&[("a", "b")]));
        let theirs = headers(&[("x-api-key", "sk_1"), ("authorization", "Bearer x")]);
        let mut after = theirs.clone();
        remove_keys(&mut after);
        assert_eq!(after, theirs);
    }
}
