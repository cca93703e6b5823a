//! An answer that is kept, and how it is given out: its age, what a client has already, and what must not be in it.

use super::policy::{self, Terms};
use axum::body::Body;
use bytes::Bytes;
use chassis::clock::Ts;
use chassis::http::etag::bare_tag;
use http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, Entry, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER,
};
use http::{Response, StatusCode};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// After an origin has failed, an old answer is given out for this long before it is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// What an entry costs besides its bytes.
const OVERHEAD: usize = 400;

/// An answer that is kept.
pub(super) struct Stored {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    terms: Terms,
    came: Ts,
    /// What it can be purged by, and since when.
    pub(super) cells: Box<[u32]>,
    pub(super) since: u64,
    /// Microseconds since 1970 until which the origin is not asked again because it failed.
    quiet_until: AtomicI64,
}

/// How good it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    /// Over its time, and good while it is asked for again.
    Stale,
    /// To be asked for before it is given out.
    Over,
}

impl Stored {
    pub(super) fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        body: Bytes,
        terms: Terms,
        came: Ts,
        cells: Box<[u32]>,
        since: u64,
    ) -> Self {
        clean(&mut headers);
        Self { status, headers, body, terms, came, cells, since, quiet_until: AtomicI64::new(0) }
    }

    pub(super) const fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn age(&self, now: Ts) -> Duration {
        self.terms.age + now.since(self.came)
    }

    /// How long it is still good; `None` when it is over its time.
    pub(super) fn left(&self, now: Ts) -> Option<Duration> {
        self.terms.fresh.checked_sub(self.age(now)).filter(|left| !left.is_zero())
    }

    pub(super) fn over(&self, now: Ts) -> Duration {
        self.age(now).saturating_sub(self.terms.fresh)
    }

    pub(super) fn standing(&self, now: Ts) -> Standing {
        if self.left(now).is_some() {
            return Standing::Fresh;
        }
        let good = self.over(now) < self.terms.while_revalidate;
        if good || (self.bridges(now) && now.micros() < self.quiet_until.load(Ordering::Relaxed)) {
            Standing::Stale
        } else {
            Standing::Over
        }
    }

    /// Whether it may stand in for an origin that fails.
    pub(super) fn bridges(&self, now: Ts) -> bool {
        self.over(now) < self.terms.if_error
    }

    /// Whether it may be given out over its time to somebody who does not mind.
    pub(super) fn may_be_old(&self, now: Ts) -> bool {
        self.over(now) < self.terms.while_revalidate.max(self.terms.if_error)
    }

    /// Notes that the origin has failed.
    pub(super) fn failed(&self, now: Ts) {
        self.quiet_until.store((now + AGAIN_AFTER).micros(), Ordering::Relaxed);
    }

    /// Whether the origin is left alone because it has just failed.
    pub(super) fn is_quiet(&self, now: Ts) -> bool {
        now.micros() < self.quiet_until.load(Ordering::Relaxed)
    }

    /// For how long it is of any use from when it came; what can be checked is of use after its time as well.
    pub(super) fn of_use(&self) -> Duration {
        let Terms { age, fresh, while_revalidate, if_error, .. } = self.terms;
        let good = (fresh + while_revalidate.max(if_error)).saturating_sub(age);
        // As long again, and at least a while: an origin that says 304 sends no body.
        if self.is_checkable() { good.saturating_mul(2).max(Duration::from_secs(60)) } else { good }
    }

    pub(super) fn is_checkable(&self) -> bool {
        self.headers.contains_key(ETAG) || self.headers.contains_key(LAST_MODIFIED)
    }

    /// Asks the origin only whether it still holds.
    pub(super) fn ask_whether(&self, request: &mut HeaderMap) {
        for (of, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
            if let Some(value) = self.headers.get(of) {
                request.insert(condition, value.clone());
            }
        }
    }

    /// What a 304 that came at `now` makes of it: what that says holds from now on (RFC 9111, section 4.3.4).
    pub(super) fn renewed(
        &self,
        mut said: HeaderMap,
        terms: Terms,
        now: Ts,
        since: u64,
        cells: Box<[u32]>,
    ) -> Self {
        for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
            said.remove(name);
        }
        let headers = self.merged(&said);
        Self::new(self.status, headers, self.body.clone(), terms, now, cells, since)
    }

    /// Its headers with those over them that a 304 brings.
    pub(super) fn merged(&self, said: &HeaderMap) -> HeaderMap {
        let mut headers = self.headers.clone();
        for name in said.keys() {
            headers.remove(name);
        }
        for (name, value) in said {
            headers.append(name, value.clone());
        }
        headers
    }

    /// Bytes that it takes.
    pub(super) fn weight(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64);
        OVERHEAD + self.body.len() + headers.sum::<usize>()
    }

    /// As it is given to a client. The body is not copied.
    pub(super) fn give(&self, conditions: &Conditions, head: bool, now: Ts) -> Response<Body> {
        let mut headers = self.headers.clone();
        headers.insert(AGE, HeaderValue::from(self.age(now).as_secs()));
        let length = self.body.len();
        let body = if head {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
            Body::empty()
        } else {
            Body::from(self.body.clone())
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        conditions.apply(&mut response);
        response
    }
}

/// What belongs to one answer alone, or to the connection that it came by.
fn clean(headers: &mut HeaderMap) {
    crate::headers::outbound(headers);
    let one = |name: &HeaderName| {
        let name = name.as_str();
        matches!(
            name,
            "x-request-id" | "x-correlation-id" | "api-version" | "age" | "content-length" | "traceparent"
        ) || *name == RETRY_AFTER
            || name.starts_with("ratelimit")
            || name.starts_with("x-ratelimit")
    };
    let those: Vec<HeaderName> = headers.keys().filter(|name| one(name)).cloned().collect();
    for name in those {
        headers.remove(name);
    }
}

/// What a client says that it has already. Only one of them counts (RFC 9110, section 13.2.2).
#[derive(Debug, Default)]
pub(super) struct Conditions {
    none_match: Vec<HeaderValue>,
    modified_since: Option<HeaderValue>,
}

impl Conditions {
    /// Takes them out of a request: the origin is asked for the whole answer, or for what the copy here says.
    pub(super) fn take(headers: &mut HeaderMap) -> Self {
        let none_match = match headers.entry(IF_NONE_MATCH) {
            Entry::Occupied(entry) => entry.remove_entry_mult().1.collect(),
            Entry::Vacant(_) => Vec::new(),
        };
        let modified_since = headers.remove(IF_MODIFIED_SINCE).filter(|_| none_match.is_empty());
        Self { none_match, modified_since }
    }

    /// Says 304 in place of what the client has.
    pub(super) fn apply(&self, response: &mut Response<Body>) {
        if response.status() != StatusCode::OK || !self.know(response.headers()) {
            return;
        }
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
            response.headers_mut().remove(name);
        }
    }

    fn know(&self, headers: &HeaderMap) -> bool {
        if !self.none_match.is_empty() {
            let current = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
            let lines = self.none_match.iter().filter_map(|line| line.to_str().ok());
            return lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| {
                let same = |current: &str| bare_tag(current) == bare_tag(tag);
                tag == "*" || current.is_some_and(same)
            });
        }
        let since = self.modified_since.as_ref().and_then(policy::read_date);
        let changed = policy::date(headers, &LAST_MODIFIED);
        since.zip(changed).is_some_and(|(since, changed)| changed <= since)
    }
}
