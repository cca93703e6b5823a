//! A copy, how it stands at a moment, and what a reader is told of it.

use super::epochs::Stamps;
use super::policy::Policy;
use crate::clock::Ts;
use crate::http::Caching;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// After a load that failed the next one waits this long, while older copies are given out.
const REST: Duration = Duration::from_secs(1);

/// A copy in the process.
pub(super) struct Entry<T> {
    pub(super) value: Option<Arc<T>>,
    /// When its source was asked.
    pub(super) loaded: Ts,
    /// When this process got it.
    pub(super) kept: Ts,
    pub(super) fresh_for: Duration,
    pub(super) stamps: Stamps,
    /// When the last attempt to load it again failed, in microseconds, negative for a defect; 0 when none did.
    failed: AtomicI64,
}

/// How a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    /// Fresh, and to be loaded again in the background.
    Early,
    /// Over its time, and may be given out all the same; `again` says whether to load it again in the background.
    Stale {
        because: Because,
        again: bool,
    },
    /// Of no use without a load.
    Over,
}

impl<T> Entry<T> {
    pub(super) fn new(
        value: Option<Arc<T>>,
        (loaded, kept): (Ts, Ts),
        fresh_for: Duration,
        stamps: Stamps,
    ) -> Self {
        // Another instance's clock may be ahead: what is from the future is from now.
        Self { value, loaded: loaded.min(kept), kept, fresh_for, stamps, failed: AtomicI64::new(0) }
    }

    /// Until when it is fresh; `cap` is how long a copy is good at most, whatever its time to live.
    pub(super) fn fresh_until(&self, cap: Option<Duration>) -> Ts {
        let until = self.loaded + self.fresh_for;
        cap.map_or(until, |cap| until.min(self.kept + cap))
    }

    pub(super) fn standing(&self, now: Ts, cap: Option<Duration>, policy: &Policy) -> Standing {
        let until = self.fresh_until(cap);
        let failed = self.failed.load(Ordering::Relaxed);
        let again = failed == 0 || now.since(Ts::from_micros(failed.saturating_abs())) >= REST;
        if now < until {
            let begin = if cap.is_some() { self.kept } else { self.loaded };
            let early = begin + until.since(begin).mul_f64(policy.early);
            return if now >= early && again { Standing::Early } else { Standing::Fresh };
        }
        if self.value.is_none() {
            return Standing::Over;
        }
        if cap.is_none() && now < until + policy.stale_for {
            return Standing::Stale { because: Because::Revalidating, again };
        }
        if failed > 0 && self.bridges(now, policy) {
            return Standing::Stale { because: Because::Failed, again };
        }
        Standing::Over
    }

    /// Whether it may be given out in place of a failure.
    pub(super) fn bridges(&self, now: Ts, policy: &Policy) -> bool {
        self.value.is_some() && now < self.loaded + self.fresh_for + policy.stale_if_error
    }

    /// Notes that it could not be loaded again, and whether that may pass.
    pub(super) fn failed_at(&self, now: Ts, may_pass: bool) {
        let at = if may_pass { now.micros() } else { -now.micros() };
        self.failed.store(at, Ordering::Relaxed);
    }

    /// For how long anything is kept of it from when this process got it.
    pub(super) fn retention(&self, policy: &Policy) -> Duration {
        let after = match self.value {
            Some(_) => policy.stale_for.max(policy.stale_if_error),
            None => Duration::ZERO,
        };
        (self.loaded + self.fresh_for + after).since(self.kept)
    }
}

/// Frees the memory of copies that nothing can be done with any more.
pub(super) struct Retention(pub(super) Policy);

impl<T> moka::Expiry<Arc<str>, Arc<Entry<T>>> for Retention {
    fn expire_after_create(&self, _: &Arc<str>, entry: &Arc<Entry<T>>, _: Instant) -> Option<Duration> {
        Some(entry.retention(&self.0))
    }

    fn expire_after_update(
        &self,
        _: &Arc<str>,
        entry: &Arc<Entry<T>>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.retention(&self.0))
    }
}

/// Whether a copy is within its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It is.
    Fresh,
    /// It is not, and this is why it was given out all the same.
    Stale {
        /// Since when its source was asked.
        age: Duration,
        /// Why.
        because: Because,
    },
}

/// Why a copy was given out after its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// It is being loaded again in the background.
    Revalidating,
    /// Its source does not answer.
    Failed,
}

/// What an HTTP answer is derived from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Http {
    pub(super) policy: Policy,
    pub(super) cache: &'static str,
}

/// A thing from a cache, or just loaded, and how old it is.
#[derive(Debug)]
pub struct Cached<T> {
    value: Arc<T>,
    http: Http,
    age: Duration,
    left: Duration,
    freshness: Freshness,
}

impl<T> Cached<T> {
    pub(super) fn new(
        value: Arc<T>,
        http: Http,
        age: Duration,
        left: Duration,
        freshness: Freshness,
    ) -> Self {
        Self { value, http, age, left, freshness }
    }

    pub(super) fn just_loaded(value: Arc<T>, http: Http, _: Ts) -> Self {
        // Nothing is kept here, so nobody is told to keep it.
        Self { value, http, age: Duration::ZERO, left: Duration::ZERO, freshness: Freshness::Fresh }
    }

    /// Whether it is within its time.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Since when its source was asked.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// What the HTTP answer that is made of it says to caches on its way and to the client.
    #[must_use]
    pub fn caching(&self) -> Caching {
        let policy = &self.http.policy;
        let max_age = policy.max_age.min(self.left);
        let fresh = match policy.public {
            true => Caching::public(max_age, policy.stale_for, policy.stale_if_error),
            false => Caching::private(),
        };
        match self.freshness {
            Freshness::Fresh => fresh,
            Freshness::Stale { age, because } => {
                let detail = match because {
                    Because::Revalidating => "stale-while-revalidate",
                    Because::Failed => "stale-if-error",
                };
                fresh.stale(self.http.cache, age, detail)
            }
        }
    }

    /// The thing itself.
    #[must_use]
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        Arc::unwrap_or_clone(self.value)
    }
}

impl<T> Deref for Cached<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::super::epochs::Epochs;
    use super::*;

    const SEC: Duration = Duration::from_secs(1);

    fn policy() -> Policy {
        Policy::of(10 * SEC).stale_for(5 * SEC).stale_if_error(60 * SEC)
    }

    fn entry(value: Option<i32>) -> Entry<i32> {
        let at = Ts::from_secs(100);
        Entry::new(value.map(Arc::new), (at, at), 10 * SEC, Epochs::new().stamps("a", &[]))
    }

    fn at(entry: &Entry<i32>, secs: u32, cap: Option<Duration>) -> Standing {
        entry.standing(Ts::from_secs(100) + secs * SEC, cap, &policy())
    }

    #[test]
    fn a_copy_is_fresh_then_early_then_stale_then_over() {
        let entry = entry(Some(1));
        let revalidate = Standing::Stale { because: Because::Revalidating, again: true };
        let expected = [
            (0, Standing::Fresh),
            (7, Standing::Fresh),
            (8, Standing::Early),
            (9, Standing::Early),
            (10, revalidate),
            (14, revalidate),
            (15, Standing::Over),
        ];
        for (secs, standing) in expected {
            assert_eq!(at(&entry, secs, None), standing, "after {secs} s");
        }
    }

    #[test]
    fn that_there_is_nothing_is_never_given_out_after_its_time() {
        assert_eq!(at(&entry(None), 10, None), Standing::Over);
    }

    #[test]
    fn after_a_failure_it_is_given_out_and_tried_again_once_a_second() {
        let entry = entry(Some(1));
        entry.failed_at(Ts::from_secs(120), true);
        let failing = |again| Standing::Stale { because: Because::Failed, again };
        assert_eq!(at(&entry, 20, None), failing(false));
        assert_eq!(at(&entry, 21, None), failing(true));
        assert_eq!(at(&entry, 69, None), failing(true));
        assert_eq!(at(&entry, 70, None), Standing::Over);
    }

    #[test]
    fn after_a_defect_it_rests_too_and_is_not_given_out_over_its_time() {
        let entry = entry(Some(1));
        entry.failed_at(Ts::from_secs(108), false);
        assert_eq!(at(&entry, 8, None), Standing::Fresh);
        assert_eq!(at(&entry, 9, None), Standing::Early);
        assert_eq!(at(&entry, 20, None), Standing::Over);
    }

    #[test]
    fn while_nobody_is_heard_a_copy_is_good_for_a_moment_only() {
        let entry = entry(Some(1));
        let cap = Some(3 * SEC);
        assert_eq!(at(&entry, 2, cap), Standing::Fresh);
        assert_eq!(at(&entry, 3, cap), Standing::Over);
    }

    #[test]
    fn what_is_from_the_future_is_from_now() {
        let (ahead, now) = (Ts::from_secs(200), Ts::from_secs(100));
        let entry = Entry::new(Some(Arc::new(1)), (ahead, now), 10 * SEC, Epochs::new().stamps("a", &[]));
        assert_eq!(entry.fresh_until(None), now + 10 * SEC);
    }
}
