//! Whether an answer may be kept and for how long it is good (RFC 9111, sections 3 and 4.2; RFC 5861).

use super::control::{Control, secs};
use super::spec::Rule;
use chassis::clock::Ts;
use http::header::{
    ACCEPT_ENCODING, AGE, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, EXPIRES, LAST_MODIFIED, SET_COOKIE,
    VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Headers that an answer may differ by.
pub(super) const MOST_VARY: usize = 16;

/// For how long an answer is good, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// How old it was when it came.
    pub(super) age: Duration,
    /// How old it may be and count as new.
    pub(super) fresh: Duration,
    /// For how long after that it may be given out while it is asked for again.
    pub(super) while_revalidate: Duration,
    /// For how long after that it may be given out while its origin fails.
    pub(super) if_error: Duration,
    /// Whether it may be given to somebody with credentials although it was not kept for them alone.
    pub(super) shareable: bool,
}

/// Why an answer is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Status,
    NoStore,
    Private,
    Cookie,
    Credentials,
    Varies,
    Tags,
    Stream,
    /// It could never be given out.
    Useless,
    TooLarge,
    /// Its body broke off, or brings more than a body.
    Body,
    /// It has no body, because none was asked for.
    Head,
}

impl Refusal {
    /// As it stands in `Cache-Status`.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Cookie => "set-cookie",
            Self::Credentials => "credentials",
            Self::Varies => "vary",
            Self::Tags => "tags",
            Self::Stream => "stream",
            Self::Useless => "no-lifetime",
            Self::TooLarge => "too-large",
            Self::Body => "body",
            Self::Head => "head",
        }
    }
}

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Nobody in particular.
    Anybody,
    /// Somebody with credentials.
    Somebody,
    /// One user, for whom answers are kept apart.
    User,
}

/// Decides about an answer that came at `now`.
pub(super) fn judge(
    rule: &Rule,
    who: Who,
    status: StatusCode,
    headers: &HeaderMap,
    now: Ts,
) -> Result<Terms, Refusal> {
    let control = Control::of_answer(headers);
    if !may_be_kept(status) {
        return Err(Refusal::Status);
    }
    // One that is for nobody to keep, not even for who asked, is no answer whose time a rule could set: such as one put together
    // while a part was missing.
    if control.no_store && (!rule.overrides || control.private) {
        return Err(Refusal::NoStore);
    }
    if control.private && who != Who::User {
        return Err(Refusal::Private);
    }
    if headers.contains_key(SET_COOKIE) {
        return Err(Refusal::Cookie);
    }
    let shareable = control.public || control.s_maxage.is_some() || control.must_revalidate;
    if who == Who::Somebody && !shareable {
        return Err(Refusal::Credentials);
    }
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return Err(Refusal::Stream);
    }
    let terms = terms(rule, &control, status, headers, now, shareable);
    let is_checkable = headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED);
    let good_for = terms.fresh + terms.while_revalidate.max(terms.if_error);
    if good_for <= terms.age && !is_checkable {
        return Err(Refusal::Useless);
    }
    Ok(terms)
}

/// The terms of an answer that may be kept.
fn terms(
    rule: &Rule,
    control: &Control,
    status: StatusCode,
    headers: &HeaderMap,
    now: Ts,
    shareable: bool,
) -> Terms {
    let age = age(headers, now);
    if rule.overrides {
        let (fresh, max) = (rule.ttl, rule.max_stale);
        return Terms { age, fresh, while_revalidate: max, if_error: max, shareable };
    }
    let told = control.s_maxage.or(control.max_age).map(secs).or_else(|| expires(headers, now));
    let fresh = match told {
        _ if control.no_cache => Duration::ZERO,
        Some(told) => told,
        None if good_unasked(status) => rule.ttl,
        None => Duration::ZERO,
    };
    // Of an answer for which a cache must ask there is no old copy; one with `s-maxage` has only what it says itself.
    let never = control.no_cache || control.must_revalidate || control.proxy_revalidate;
    let stale = |told: Option<u32>| match told {
        _ if never => Duration::ZERO,
        Some(told) => secs(told).min(rule.max_stale),
        None if control.s_maxage.is_some() => Duration::ZERO,
        None => rule.max_stale,
    };
    let (while_revalidate, if_error) = (stale(control.stale_while_revalidate), stale(control.stale_if_error));
    Terms { age, fresh, while_revalidate, if_error, shareable }
}

/// How old an answer is when it comes (section 4.2.3).
fn age(headers: &HeaderMap, now: Ts) -> Duration {
    let said =
        headers.get(AGE).and_then(|age| super::control::seconds(age.as_bytes())).map_or(Duration::ZERO, secs);
    let sent = date(headers, &DATE).unwrap_or(now);
    // A header's time is in whole seconds.
    said.max(Duration::from_secs(now.since(sent).as_secs()))
}

/// What `Expires` says; what is no date is over (section 5.3).
fn expires(headers: &HeaderMap, now: Ts) -> Option<Duration> {
    let mut lines = headers.get_all(EXPIRES).iter();
    let first = lines.next()?;
    let until = if lines.next().is_some() { None } else { read_date(first) };
    let sent = date(headers, &DATE).unwrap_or(now);
    Some(until.map_or(Duration::ZERO, |until| until.since(sent)))
}

pub(super) fn date(headers: &HeaderMap, name: &HeaderName) -> Option<Ts> {
    headers.get(name).and_then(read_date)
}

/// A date as HTTP writes it since 1994. The two older forms are not read: what has them is not kept for longer than
/// something without a date.
pub(super) fn read_date(value: &HeaderValue) -> Option<Ts> {
    let text = value.to_str().ok().filter(|text| text.ends_with("GMT"))?;
    OffsetDateTime::parse(text, &Rfc2822).ok().map(Ts::from_datetime)
}

/// The final answers that are about what was asked for, and whole.
fn may_be_kept(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 302 | 307 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The answers for which `ttl_secs` holds. That there is nothing is kept only when the origin says for how long.
fn good_unasked(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308)
}

/// The headers of requests that an answer differs by; an error when nobody could tell.
pub(super) fn varies(headers: &HeaderMap) -> Result<Vec<HeaderName>, Refusal> {
    let mut names = Vec::new();
    for line in headers.get_all(VARY) {
        let line = line.to_str().map_err(|_| Refusal::Varies)?;
        for name in line.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            // Not a name, but everything about the request.
            if name == "*" {
                return Err(Refusal::Varies);
            }
            let name = HeaderName::try_from(name).map_err(|_| Refusal::Varies)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if headers.contains_key(CONTENT_ENCODING) && !names.contains(&ACCEPT_ENCODING) {
        // Its origin forgot to say so.
        names.push(ACCEPT_ENCODING);
    }
    if names.len() > MOST_VARY {
        return Err(Refusal::Varies);
    }
    // One order for all that name the same.
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    Ok(names)
}
