//! Entity tags (RFC 9110, section 8.8): a reader saves a transfer, a writer does not overwrite what it has not seen.
//!
//! A handler names the version of what it returns ([`super::Reply::version`]); the edge answers `If-None-Match` with 304.
//! A handler that changes something takes [`IfMatch`] and checks it inside its transaction.

pub use super::compress::bare_tag;
use crate::error::{ApiError, ApiResult};
use axum::body::Body;
use axum::extract::FromRequestParts;
use contract::error::ErrorCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use std::fmt::Display;

/// The strong entity tag of a version. The version must be plain text without quotes; others are hashed away by a caller.
pub fn of(version: impl Display) -> HeaderValue {
    let plain: String = version.to_string().chars().filter(|c| c.is_ascii_graphic() && *c != '"').collect();
    HeaderValue::try_from(format!("\"{plain}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The condition of a write: any version, or one of those listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Whether the condition allows a change of this version. Without the header every version is allowed.
    ///
    /// # Errors
    /// 412 when the client has seen another version.
    pub fn check(&self, current: impl Display) -> ApiResult<()> {
        let current = of(current);
        let allowed = self
            .0
            .as_ref()
            .is_none_or(|tags| tags.iter().any(|tag| tag == "*" || tag.as_bytes() == current.as_bytes()));
        if allowed {
            return Ok(());
        }
        Err(ApiError::new(ErrorCode::PreconditionFailed, "It was changed since you read it. Read it again.")
            .header(ETAG, current))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let present = parts.headers.contains_key(IF_MATCH);
        Ok(Self(present.then(|| tags(&parts.headers, IF_MATCH).map(str::to_owned).collect())))
    }
}

/// The conditions of a read, taken before the request goes into the router.
pub(super) struct Conditions(HeaderMap);

impl Conditions {
    pub(super) fn of(request: &Request<Body>) -> Self {
        // An empty map is free, and nearly every request has no condition.
        let mut kept = HeaderMap::new();
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            for value in request.headers().get_all(IF_NONE_MATCH) {
                kept.append(IF_NONE_MATCH, value.clone());
            }
        }
        Self(kept)
    }

    /// Answers 304 instead of what the client has already (RFC 9110, section 15.4.5).
    pub(super) fn apply(&self, response: &mut Response<Body>) {
        if self.0.is_empty() || response.status() != StatusCode::OK {
            return;
        }
        if response.headers().get(ETAG).is_some_and(|tag| is_known(&self.0, tag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
                response.headers_mut().remove(name);
            }
        }
    }
}

/// Whether the client already has the version of this tag (weak comparison).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(current) = etag.to_str() else { return false };
    let current = bare_tag(current);
    tags(headers, IF_NONE_MATCH).any(|tag| tag == "*" || bare_tag(tag) == current)
}

fn tags(headers: &HeaderMap, name: http::HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_who_saw_an_older_version_is_refused() {
        let seen = IfMatch(Some(vec!["\"3\"".to_owned()]));
        assert!(seen.check(3).is_ok());
        assert_eq!(seen.check(4).unwrap_err().code(), ErrorCode::PreconditionFailed);
    }

    #[test]
    fn without_the_header_there_is_no_condition() {
        assert!(IfMatch(None).check(1).is_ok());
    }

    #[test]
    fn a_reader_who_has_it_is_known_also_by_a_weak_tag() {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, "\"1\", W/\"2\"".parse().unwrap());
        assert!(is_known(&headers, &of(2)));
        assert!(!is_known(&headers, &of(3)));
    }
}
