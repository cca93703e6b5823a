//! What would become of a request, for a person who wants to know.

use super::ResponseCache;
use super::asked::{Asked, Asker};
use super::spec::CacheRule;
use super::stored::Standing;
use axum::body::Body;
use http::Request;
use std::fmt;

/// What the cache says of a request without answering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// The name that its answer is kept under: route and side, host, path with query, user, and what the route tells answers
    /// apart by; a line each. `None` when it goes past the cache.
    pub(crate) key: Option<Vec<String>>,
    /// What is kept here, in this process.
    pub(crate) kept: Option<LookKept>,
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookKept {
    pub(crate) status: u16,
    pub(crate) bytes: usize,
    pub(crate) age_secs: u64,
    /// Seconds for which it is still good; none when it is over its time.
    pub(crate) fresh_secs: Option<u64>,
    /// What a client is given now: `fresh`, `stale`, or `over` when the origin is asked first.
    pub(crate) standing: &'static str,
    /// Whether the origin can say that it still holds.
    pub(crate) is_checkable: bool,
}

impl ResponseCache {
    /// Looks without asking anybody and without changing anything.
    pub(crate) fn look(&self, rule: &CacheRule, asker: Asker, mut request: Request<Body>) -> Look {
        let asked = Asked::of(&rule.0, asker, &self.0.marks, &mut request);
        let Some(asked) = asked.filter(|_| !self.0.shelf.is_off()) else {
            return Look { key: None, kept: None };
        };
        let (found, now) = (self.0.find(&asked, &request), self.0.clock.now());
        let kept = found.stored.map(|stored| LookKept {
            status: stored.status().as_u16(),
            bytes: stored.weight(),
            age_secs: stored.age(now).as_secs(),
            fresh_secs: stored.left(now).map(|left| left.as_secs()),
            standing: match asked.standing(&stored, now) {
                Standing::Fresh => "fresh",
                Standing::Stale => "stale",
                Standing::Over => "over",
            },
            is_checkable: stored.is_checkable(),
        });
        Look { key: Some(found.key.lines().map(str::to_owned).collect()), kept }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(key) = &self.key else { return f.write_str("goes past what is kept") };
        match &self.kept {
            None => write!(f, "nothing here")?,
            Some(LookKept { status, bytes, age_secs, fresh_secs, standing, is_checkable }) => {
                write!(f, "{status}, {bytes} bytes, {age_secs} s old, {standing}")?;
                if let Some(left) = fresh_secs {
                    write!(f, " for {left} s more")?;
                }
                if *is_checkable {
                    f.write_str(", can be asked after")?;
                }
            }
        }
        write!(f, " (as {})", key.join(" "))
    }
}
