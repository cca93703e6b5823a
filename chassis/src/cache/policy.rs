//! How long a copy is good, and for whom.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How a cache keeps what it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    pub(super) ttl: Duration,
    pub(super) jitter: f64,
    pub(super) early: f64,
    pub(super) negative: Duration,
    pub(super) stale_for: Duration,
    pub(super) stale_if_error: Duration,
    pub(super) max_entries: u64,
    pub(super) load_within: Duration,
    pub(super) shared: bool,
    pub(super) public: bool,
    pub(super) max_age: Duration,
}

impl Policy {
    /// Copies that are good for `ttl`, less up to a tenth; that there is no such thing for at most five seconds. They are
    /// loaded again in the background in the last fifth of that time, when somebody asks. At most 10,000 are kept in the
    /// process; a load may take ten seconds. Clients keep nothing without asking again.
    #[must_use]
    pub const fn of(ttl: Duration) -> Self {
        const NEGATIVE: Duration = Duration::from_secs(5);
        Self {
            ttl,
            jitter: 0.1,
            early: 0.8,
            negative: if ttl.as_nanos() < NEGATIVE.as_nanos() { ttl } else { NEGATIVE },
            stale_for: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            max_entries: 10_000,
            load_within: Duration::from_secs(10),
            shared: true,
            public: false,
            max_age: Duration::ZERO,
        }
    }

    /// By which part of its time, at most, a copy ends earlier, so that copies made together do not end together: 0 to 0.9.
    #[must_use]
    pub const fn jitter(self, jitter: f64) -> Self {
        Self { jitter, ..self }
    }

    /// After which part of its time a copy that is asked for is loaded again in the background: above 0; 1 is never.
    #[must_use]
    pub const fn early(self, early: f64) -> Self {
        Self { early, ..self }
    }

    /// How long it is kept that there is no such thing; zero does not keep it.
    #[must_use]
    pub const fn negative(self, ttl: Duration) -> Self {
        Self { negative: ttl, ..self }
    }

    /// How long after its time a copy is still given out, at once and marked, while it is loaded again in the background.
    /// Only where changes elsewhere are heard, or the cache is of the process alone.
    #[must_use]
    pub const fn stale_for(self, span: Duration) -> Self {
        Self { stale_for: span, ..self }
    }

    /// How long after its time a copy is given out, marked, in place of a failure that may pass. A copy that was
    /// invalidated never is.
    #[must_use]
    pub const fn stale_if_error(self, span: Duration) -> Self {
        Self { stale_if_error: span, ..self }
    }

    /// How many copies the process keeps; the ones asked for least make room.
    #[must_use]
    pub const fn max_entries(self, entries: u64) -> Self {
        Self { max_entries: entries, ..self }
    }

    /// How long one load may take.
    #[must_use]
    pub const fn load_within(self, span: Duration) -> Self {
        Self { load_within: span, ..self }
    }

    /// For what belongs to this process alone: it is not kept in Redis, and what others change does not matter to it.
    #[must_use]
    pub const fn in_process(self) -> Self {
        Self { shared: false, ..self }
    }

    /// Everybody gets the same answer, so that proxies may keep it too, for `max_age` or what is left of its time. Without
    /// this an answer is one person's: only their own client may keep it, and asks each time whether it still holds.
    #[must_use]
    pub const fn public(self, max_age: Duration) -> Self {
        Self { public: true, max_age, ..self }
    }

    /// How long at most anything is kept of what was loaded.
    pub(super) fn longest(&self) -> Duration {
        self.ttl + self.stale_for.max(self.stale_if_error)
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.ttl.is_zero() && self.longest() <= LONGEST,
            "a copy is kept between 0 and 7 days"
        );
        anyhow::ensure!(self.negative <= self.ttl, "what is absent is kept no longer than what is there");
        anyhow::ensure!((0.0..=0.9).contains(&self.jitter), "jitter is between 0 and 0.9");
        anyhow::ensure!(self.early > 0.0 && self.early <= 1.0, "early is above 0 and at most 1");
        anyhow::ensure!(self.max_entries > 0, "a cache has room for one entry at least");
        anyhow::ensure!(!self.load_within.is_zero(), "a load takes some time");
        Ok(())
    }

    /// For how long something that is loaded now is fresh; `chance` is between 0 and 1.
    pub(super) fn fresh_for(&self, is_there: bool, chance: f64) -> Duration {
        let ttl = if is_there { self.ttl } else { self.negative };
        ttl.mul_f64(1.0 - self.jitter * chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_shortens_and_never_by_more_than_its_part() {
        let policy = Policy::of(Duration::from_secs(100)).jitter(0.2);
        assert_eq!(policy.fresh_for(true, 0.0), Duration::from_secs(100));
        assert_eq!(policy.fresh_for(true, 1.0), Duration::from_secs(80));
        assert_eq!(policy.fresh_for(false, 0.0), Duration::from_secs(5));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let good = Policy::of(Duration::from_secs(10));
        assert!(good.check().is_ok());
        let wrong = [
            Policy::of(Duration::ZERO),
            good.negative(Duration::from_secs(11)),
            good.jitter(1.0),
            good.early(0.0),
            good.max_entries(0),
            good.load_within(Duration::ZERO),
            good.stale_if_error(LONGEST),
        ];
        for policy in wrong {
            assert!(policy.check().is_err(), "{policy:?}");
        }
    }
}
