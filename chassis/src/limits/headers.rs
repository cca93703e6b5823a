//! What clients are told about limits: `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10, with
//! every policy that was decided, and the older `X-RateLimit-*` with the tightest of them. Times are whole seconds from
//! now, rounded up.

use super::rule::Quota;
use crate::state::Decision;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write as _;
use std::time::Duration;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What is told about one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told<'a> {
    name: &'a str,
    limit: u32,
    window: u64,
    remaining: u32,
    /// Until the whole window is free again.
    reset: u64,
}

impl<'a> Told<'a> {
    pub(super) fn new(name: &'a str, quota: &Quota, decision: &Decision) -> Self {
        Self {
            name,
            limit: quota.limit,
            window: quota.window.as_secs(),
            remaining: decision.remaining,
            reset: secs(decision.reset),
        }
    }
}

/// Whole seconds, rounded up.
fn secs(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Adds what is told to an answer on which a policy that was decided after these may have told its own.
pub(super) fn tell(headers: &mut HeaderMap, told: &[Told<'_>]) {
    let Some(tightest) = told.iter().min_by_key(|told| told.remaining) else { return };
    let mut list = String::with_capacity(128);
    before(headers, RATELIMIT, &mut list, told, |Told { name, remaining, reset, .. }, list| {
        write!(list, "\"{name}\";r={remaining};t={reset}")
    });
    before(headers, RATELIMIT_POLICY, &mut list, told, |Told { name, limit, window, .. }, list| {
        write!(list, "\"{name}\";q={limit};w={window}")
    });
    let other = headers.get(X_RATELIMIT_REMAINING).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if other.is_none_or(|other| tightest.remaining < other) {
        headers.insert(X_RATELIMIT_LIMIT, HeaderValue::from(tightest.limit));
        headers.insert(X_RATELIMIT_REMAINING, HeaderValue::from(tightest.remaining));
        headers.insert(X_RATELIMIT_RESET, HeaderValue::from(tightest.reset));
    }
}

/// Puts members before those of the list that is there (RFC 9651, section 3.1). `list` is where the text is put together.
fn before(
    headers: &mut HeaderMap,
    name: HeaderName,
    list: &mut String,
    told: &[Told<'_>],
    member: impl Fn(&Told<'_>, &mut String) -> std::fmt::Result,
) {
    list.clear();
    for told in told {
        if !list.is_empty() {
            list.push_str(", ");
        }
        // Writing to a string cannot fail.
        member(told, list).unwrap_or_default();
    }
    for there in headers.get_all(&name).iter().filter_map(|value| value.to_str().ok()) {
        list.push_str(", ");
        list.push_str(there);
    }
    if let Ok(list) = HeaderValue::from_str(list) {
        headers.insert(name, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, limit: u32, window: u64, remaining: u32) -> Told<'_> {
        Told { name, limit, window, remaining, reset: 7 }
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).unwrap().to_str().unwrap()
    }

    #[test]
    fn all_policies_are_told_and_the_tightest_in_the_old_way() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, &[told("auth", 5, 900, 4)]);
        tell(&mut headers, &[told("public", 300, 60, 299), told("api", 100, 60, 98)]);
        assert_eq!(text(&headers, "ratelimit"), r#""public";r=299;t=7, "api";r=98;t=7, "auth";r=4;t=7"#);
        assert_eq!(
            text(&headers, "ratelimit-policy"),
            r#""public";q=300;w=60, "api";q=100;w=60, "auth";q=5;w=900"#
        );
        assert_eq!(
            (text(&headers, "x-ratelimit-limit"), text(&headers, "x-ratelimit-remaining")),
            ("5", "4")
        );
        assert_eq!(text(&headers, "x-ratelimit-reset"), "7");
    }

    #[test]
    fn the_old_headers_are_of_one_policy() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, &[told("auth", 5, 900, 4)]);
        tell(&mut headers, &[told("public", 300, 60, 0)]);
        assert_eq!(
            (text(&headers, "x-ratelimit-limit"), text(&headers, "x-ratelimit-remaining")),
            ("300", "0")
        );
    }

    #[test]
    fn a_second_that_has_begun_is_not_told_as_over() {
        assert_eq!(secs(Duration::from_millis(1)), 1);
        assert_eq!(secs(Duration::from_secs(1)), 1);
        assert_eq!(secs(Duration::ZERO), 0);
    }
}
