//! Where answers stand: under the name of what was asked for, and those that differ by headers of the request under one more
//! name each. Bounded in bytes; what is rarely asked for goes first.

use super::asked;
use super::stored::Stored;
use http::{HeaderMap, HeaderName};
use metrics::counter;
use moka::Expiry;
use moka::notification::RemovalCause;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For how long it is remembered that the answers to something cannot be kept, so that nobody waits for another one's.
const PASS_FOR: Duration = Duration::from_secs(10);
/// For how long it is remembered by which headers answers differ.
const VARIES_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// What an entry costs that is no answer.
const SMALL: usize = 128;

/// What stands under a name.
#[derive(Clone)]
enum Kept {
    Answer(Arc<Stored>),
    /// Answers stand under a name each, by these headers of the request.
    Varies(Arc<[HeaderName]>),
    /// The answers cannot be kept.
    Pass,
}

pub(super) struct Shelf {
    kept: Cache<Arc<str>, Kept>,
    is_off: bool,
}

/// What there is for a request.
pub(super) struct Found {
    /// The name under which its answer stands, or would.
    pub(super) key: Arc<str>,
    pub(super) stored: Option<Arc<Stored>>,
    /// Whether nobody is to wait for another one's answer.
    pub(super) passes: bool,
}

impl Shelf {
    pub(super) fn new(bytes: u64) -> Self {
        let evictions = counter!("gateway_cache_evictions_total");
        let kept = Cache::builder()
            .max_capacity(bytes)
            .weigher(|name: &Arc<str>, kept: &Kept| {
                let bytes = match kept {
                    Kept::Answer(stored) => stored.weight(),
                    Kept::Varies(names) => SMALL + names.len() * 32,
                    Kept::Pass => SMALL,
                };
                u32::try_from(name.len() + bytes).unwrap_or(u32::MAX)
            })
            .expire_after(Retention)
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    evictions.increment(1);
                }
            })
            .build();
        Self { kept, is_off: bytes == 0 }
    }

    pub(super) const fn is_off(&self) -> bool {
        self.is_off
    }

    pub(super) fn find(&self, base: &str, headers: &HeaderMap) -> Found {
        let found = |key: &str, kept| {
            let (stored, passes) = match kept {
                Some(Kept::Answer(stored)) => (Some(stored), false),
                Some(Kept::Pass) => (None, true),
                Some(Kept::Varies(_)) | None => (None, false),
            };
            Found { key: key.into(), stored, passes }
        };
        match self.kept.get(base) {
            Some(Kept::Varies(names)) => {
                let key = variant(base, &names, headers);
                let kept = self.kept.get(key.as_str());
                found(&key, kept)
            }
            kept => found(base, kept),
        }
    }

    /// Keeps an answer to a request with these headers, which differs by those that are named.
    pub(super) fn keep(
        &self,
        base: &str,
        mut names: Vec<HeaderName>,
        headers: &HeaderMap,
        stored: Arc<Stored>,
    ) {
        let known = match self.kept.get(base) {
            Some(Kept::Varies(known)) => Some(known),
            _ => None,
        };
        // What another answer to the same differs by, this one is told apart by as well.
        let before = known.as_deref().unwrap_or_default();
        names.extend(before.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        if names.is_empty() {
            self.kept.insert(base.into(), Kept::Answer(stored));
            return;
        }
        names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        let key = variant(base, &names, headers);
        if before != names.as_slice() {
            self.kept.insert(base.into(), Kept::Varies(names.into()));
        }
        self.kept.insert(key.into(), Kept::Answer(stored));
    }

    /// Notes that the answers to something cannot be kept. One that is kept stays.
    pub(super) fn pass(&self, key: &Arc<str>) {
        if self.kept.get(key).is_none() {
            self.kept.insert(Arc::clone(key), Kept::Pass);
        }
    }

    pub(super) fn remove(&self, key: &str) {
        self.kept.invalidate(key);
    }

    pub(super) fn clear(&self) {
        self.kept.invalidate_all();
    }

    /// Removes what is over; how much there is, in entries and bytes.
    pub(super) fn tidy(&self) -> (u64, u64) {
        self.kept.run_pending_tasks();
        (self.kept.entry_count(), self.kept.weighted_size())
    }
}

/// The name of what is asked for with these headers.
fn variant(base: &str, names: &[HeaderName], headers: &HeaderMap) -> String {
    let mut key = String::with_capacity(base.len() + 64);
    key.push_str(base);
    // More than any name without variants has at its end.
    key.push_str("\n\n");
    asked::vary(&mut key, names, headers);
    key
}

/// How long something stands here at most.
struct Retention;

impl Retention {
    fn of(kept: &Kept) -> Duration {
        match kept {
            Kept::Answer(stored) => stored.of_use(),
            Kept::Varies(_) => VARIES_FOR,
            Kept::Pass => PASS_FOR,
        }
    }
}

impl Expiry<Arc<str>, Kept> for Retention {
    fn expire_after_create(&self, _: &Arc<str>, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(Self::of(kept))
    }

    fn expire_after_update(
        &self,
        _: &Arc<str>,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(Self::of(kept))
    }
}
