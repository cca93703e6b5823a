//! `Cache-Status` (RFC 9211): what this cache did, behind what others say that the answer came through.

use super::policy::Refusal;
use super::stored::Stored;
use chassis::clock::Ts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went to the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fwd {
    Bypass,
    Method,
    Miss,
    Stale,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Came {
    Kept(StatusCode),
    Not(StatusCode, Refusal),
    /// It failed, and an old answer stands in for it.
    Failed(StatusCode),
}

impl Fwd {
    const fn text(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }

    pub(super) fn tell(self, headers: &mut HeaderMap, came: Option<Came>) {
        let fwd = self.text();
        let text = match came {
            None => format!("bowline; fwd={fwd}"),
            Some(Came::Kept(status)) => format!("bowline; fwd={fwd}; fwd-status={}; stored", status.as_u16()),
            Some(Came::Not(status, why)) => {
                format!("bowline; fwd={fwd}; fwd-status={}; detail={}", status.as_u16(), why.text())
            }
            Some(Came::Failed(status)) => {
                format!("bowline; fwd={fwd}; fwd-status={}; detail=stale-if-error", status.as_u16())
            }
        };
        add(headers, text);
    }
}

/// It was here.
pub(super) fn hit(headers: &mut HeaderMap, stored: &Stored, now: Ts, collapsed: bool) {
    let ttl = stored.left(now).unwrap_or_default().as_secs();
    add(
        headers,
        if collapsed {
            "bowline; fwd=miss; collapsed".to_owned()
        } else {
            format!("bowline; hit; ttl={ttl}")
        },
    );
}

/// It was here, over its time.
pub(super) fn old(headers: &mut HeaderMap, stored: &Stored, now: Ts) {
    let why = if stored.is_quiet(now) { "stale-if-error" } else { "stale-while-revalidate" };
    add(headers, format!("bowline; hit; ttl=-{}; detail={why}", stored.over(now).as_secs()));
}

fn add(headers: &mut HeaderMap, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.append(CACHE_STATUS, value);
    }
}
