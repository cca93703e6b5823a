//! What an answer says to caches: the client's own and those on the way (RFC 9111, RFC 5861, RFC 9211).

use axum::response::{IntoResponseParts, ResponseParts};
use http::header::{AGE, AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, VARY};
use std::convert::Infallible;
use std::time::Duration;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Who may keep an answer and for how long, and whether it is older than it should be. Put before the body of an answer,
/// or given to [`Reply::cached`](super::Reply::cached).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caching {
    public: bool,
    control: String,
    /// In seconds, and what the cache says of itself.
    stale: Option<(u64, String)>,
}

impl Caching {
    /// For the client alone, who asks each time whether it still holds. With an entity tag that costs no transfer.
    #[must_use]
    pub fn private() -> Self {
        Self { public: false, control: "private, no-cache".to_owned(), stale: None }
    }

    /// For everybody, for `max_age`; then for `stale_for` while it is asked again and `stale_if_error` while that fails.
    /// With no time at all everybody asks each time whether it still holds.
    #[must_use]
    pub fn public(max_age: Duration, stale_for: Duration, stale_if_error: Duration) -> Self {
        if max_age.as_secs() == 0 {
            return Self { public: true, control: "public, no-cache".to_owned(), stale: None };
        }
        let mut control = format!("public, max-age={}", max_age.as_secs());
        for (name, span) in [("stale-while-revalidate", stale_for), ("stale-if-error", stale_if_error)] {
            if span.as_secs() > 0 {
                control.push_str(&format!(", {name}={}", span.as_secs()));
            }
        }
        Self { public: true, control, stale: None }
    }

    /// An answer that `cache` gave although it is over its time. Nobody is to keep it, and it says so.
    #[must_use]
    pub fn stale(self, cache: &str, age: Duration, detail: &str) -> Self {
        let control = if self.public { "public, no-cache" } else { "private, no-cache" };
        let status = format!("{cache}; hit; detail={detail}");
        Self { control: control.to_owned(), stale: Some((age.as_secs(), status)), ..self }
    }

    /// Puts it on an answer.
    pub fn apply(&self, headers: &mut HeaderMap) {
        if let Ok(control) = HeaderValue::try_from(&self.control) {
            headers.insert(CACHE_CONTROL, control);
        }
        if !self.public {
            headers.append(VARY, HeaderValue::from(AUTHORIZATION));
        }
        if let Some((age, status)) = &self.stale {
            headers.insert(AGE, HeaderValue::from(*age));
            if let Ok(status) = HeaderValue::try_from(status) {
                headers.insert(CACHE_STATUS, status);
            }
        }
    }
}

impl IntoResponseParts for Caching {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.apply(parts.headers_mut());
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: Duration = Duration::from_secs(1);

    fn headers(caching: &Caching) -> HeaderMap {
        let mut headers = HeaderMap::new();
        caching.apply(&mut headers);
        headers
    }

    #[test]
    fn one_persons_answer_is_kept_by_nobody_else_and_for_nobody_else() {
        let headers = headers(&Caching::private());
        assert_eq!(headers[CACHE_CONTROL], "private, no-cache");
        assert_eq!(headers[VARY], "authorization");
    }

    #[test]
    fn everybodys_answer_says_how_long_it_holds() {
        let headers = headers(&Caching::public(30 * SEC, 10 * SEC, 60 * SEC));
        let expected = "public, max-age=30, stale-while-revalidate=10, stale-if-error=60";
        assert_eq!(headers[CACHE_CONTROL], expected);
        assert!(!headers.contains_key(VARY) && !headers.contains_key(AGE));
    }

    #[test]
    fn an_answer_over_its_time_says_so_and_is_kept_by_nobody() {
        let stale = Caching::public(30 * SEC, SEC, SEC).stale("users", 90 * SEC, "stale-if-error");
        let headers = headers(&stale);
        assert_eq!(headers[CACHE_CONTROL], "public, no-cache");
        assert_eq!(headers[AGE], "90");
        assert_eq!(headers[CACHE_STATUS], "users; hit; detail=stale-if-error");
    }
}
