//! How often something may happen: a sliding window, decided by GCRA.
//!
//! A window keeps one number: the time until which what was allowed so far has used it up (the "theoretical arrival
//! time"). Each unit of cost moves that time on by `window / limit`; a call that would move it further ahead of now than
//! one whole window is refused. So `limit` calls may come at once, and from then on one each `window / limit`; nothing
//! jumps back to full at the turn of a minute.
//!
//! All engines compute with whole microseconds and keep the same number, so the same calls get the same answers.

use super::StateError;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::time::Duration;

const LONGEST_WINDOW: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// One limit, as it is asked for in a call of [`State::limits`](super::State::limits).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    name: Cow<'static, str>,
    limit: u32,
    /// Microseconds that one unit of cost uses up, rounded up: never more than the limit says.
    interval: i64,
    cost: u32,
}

impl Limit {
    /// At most `limit` in `window`, which slides. The name tells it from other limits of the same subject; the same name
    /// always goes with the same limit and window.
    ///
    /// # Errors
    /// A limit of zero, a window shorter than a millisecond or longer than a year, more than one in a microsecond.
    pub fn new(name: impl Into<Cow<'static, str>>, limit: u32, window: Duration) -> Result<Self, StateError> {
        if window < Duration::from_millis(1) || window > LONGEST_WINDOW {
            return Err(StateError::Invalid("the window of a limit is between a millisecond and a year"));
        }
        let micros = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        if limit == 0 || i64::from(limit) > micros {
            return Err(StateError::Invalid("a limit is at least 1, and at most 1 in a microsecond"));
        }
        let interval = (micros + i64::from(limit) - 1) / i64::from(limit);
        Ok(Self { name: name.into(), limit, interval, cost: 1 })
    }

    /// What the call costs, instead of 1. A cost of 0 only looks.
    ///
    /// # Errors
    /// A cost above the limit: it would never be allowed.
    pub fn cost(mut self, cost: u32) -> Result<Self, StateError> {
        if cost > self.limit {
            return Err(StateError::Invalid("a cost above the limit would never be allowed"));
        }
        self.cost = cost;
        Ok(self)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn interval(&self) -> i64 {
        self.interval
    }

    /// How far ahead of now the window may be used up, in microseconds.
    pub(super) const fn capacity(&self) -> i64 {
        self.interval * self.limit as i64
    }

    /// How far the call moves it, in microseconds.
    pub(super) const fn advance(&self) -> i64 {
        self.interval * self.cost as i64
    }

    /// How far ahead of `now` a window is used up that was left at `until`. Never more than the whole window: a clock that
    /// went back, or a limit that was made smaller, must not lock anybody out for longer than that.
    pub(super) fn ahead(&self, until: i64, now: i64) -> i64 {
        until.saturating_sub(now).clamp(0, self.capacity())
    }

    fn fits(&self, ahead: i64) -> bool {
        ahead + self.advance() <= self.capacity()
    }
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// Redis: the count of all replicas.
    Redis,
    /// This process, which is configured without Redis.
    Process,
    /// This process, because Redis is away: the count of this replica alone.
    Fallback,
}

impl DecidedBy {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Process => "process",
            Self::Fallback => "fallback",
        }
    }
}

/// The answer to a call, told for one of its limits. That of [`State::limit`](super::State::limit) is about the tightest:
/// of those that refused the one with the longest wait; when all allowed it the one with the least left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the call may go on. If not, nothing was counted in any of the limits.
    pub allowed: bool,
    /// Which of the limits of the call this is about, from 0.
    pub which: usize,
    /// Its limit.
    pub limit: u32,
    /// How many of cost 1 would be allowed now.
    pub remaining: u32,
    /// When the whole window is free again.
    pub reset: Duration,
    /// When this limit would have room for the same call; zero when it has.
    pub retry_after: Duration,
    /// Who decided.
    pub by: DecidedBy,
}

/// Hardly anybody asks for more at once.
type Each = SmallVec<[Decision; 3]>;

/// The answer to a call of [`State::limits`](super::State::limits): one for all of its limits, told for each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    each: Each,
    tightest: Decision,
}

impl Decisions {
    /// Whether the call may go on. If not, nothing was counted in any of the limits.
    #[must_use]
    pub const fn allowed(&self) -> bool {
        self.tightest.allowed
    }

    /// Who decided.
    #[must_use]
    pub const fn by(&self) -> DecidedBy {
        self.tightest.by
    }

    /// The tightest: of those that refused the one with the longest wait; when all allowed it the one with the least left.
    #[must_use]
    pub const fn tightest(&self) -> &Decision {
        &self.tightest
    }

    /// One for each limit, in the order of the call.
    #[must_use]
    pub fn each(&self) -> &[Decision] {
        &self.each
    }
}

/// Whether all limits have room for the call, given how far ahead each window is used up.
pub(super) fn allows(asked: &[(&str, &Limit)], ahead: &[i64]) -> bool {
    asked.iter().zip(ahead).all(|((_, limit), ahead)| limit.fits(*ahead))
}

/// The answer, given how far ahead each window was used up before the call.
pub(super) fn decide(asked: &[(&str, &Limit)], ahead: &[i64], by: DecidedBy) -> Decisions {
    let allowed = allows(asked, ahead);
    let answer = |(which, ((_, limit), ahead)): (usize, (&(&str, &Limit), &i64))| {
        let used = if allowed { ahead + limit.advance() } else { *ahead };
        let wait = if allowed { 0 } else { (ahead + limit.advance() - limit.capacity()).max(0) };
        Decision {
            allowed,
            which,
            limit: limit.limit,
            remaining: u32::try_from((limit.capacity() - used) / limit.interval).unwrap_or(0),
            reset: micros(used),
            retry_after: micros(wait),
            by,
        }
    };
    let each: Each = asked.iter().zip(ahead).enumerate().map(answer).collect();
    // Longest wait, then least left, then latest reset; the first of equals.
    let tightest = each.iter().copied().reduce(|a, b| {
        let rank = |d: &Decision| (d.retry_after, std::cmp::Reverse(d.remaining), d.reset);
        if rank(&b) > rank(&a) { b } else { a }
    });
    // Callers have refused an empty list; were there one, nothing would be allowed.
    let nothing = Duration::ZERO;
    let tightest = tightest.unwrap_or(Decision {
        allowed: false,
        which: 0,
        limit: 0,
        remaining: 0,
        reset: nothing,
        retry_after: nothing,
        by,
    });
    Decisions { each, tightest }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn limit(limit: u32, secs: u64) -> Limit {
        Limit::new("test", limit, Duration::from_secs(secs)).unwrap()
    }

    #[test]
    fn what_can_never_be_meant_is_refused() {
        assert!(Limit::new("a", 0, Duration::from_secs(1)).is_err());
        assert!(Limit::new("a", 1, Duration::ZERO).is_err());
        assert!(Limit::new("a", 1_001, Duration::from_millis(1)).is_err());
        assert!(Limit::new("a", 1, Duration::from_secs(400 * 24 * 3_600)).is_err());
        assert!(limit(5, 1).cost(6).is_err());
    }

    #[test]
    fn a_limit_that_does_not_divide_its_window_is_never_exceeded() {
        let limit = limit(7, 1);
        assert!(limit.interval() * 7 >= SECOND && limit.interval() * 7 < SECOND + 7);
    }

    #[test]
    fn the_tightest_of_those_that_refuse_is_the_one_with_the_longest_wait() {
        let limits = [limit(1, 1), limit(2, 60), limit(100, 1)];
        let decisions = decide(
            &limits.each_ref().map(|limit| ("somebody", limit)),
            &[SECOND / 2, 45 * SECOND, 0],
            DecidedBy::Process,
        );
        let decision = decisions.tightest();
        assert!(!decision.allowed && !decisions.allowed());
        assert_eq!((decision.which, decision.retry_after), (1, Duration::from_secs(15)));
        assert_eq!((decision.limit, decision.remaining), (2, 0));
        // Of the others it is told what they have, as nothing was counted in them.
        let each: Vec<_> = decisions.each().iter().map(|one| (one.which, one.remaining)).collect();
        assert_eq!(each, [(0, 0), (1, 0), (2, 100)]);
    }

    #[test]
    fn the_tightest_of_those_that_allow_is_the_one_with_the_least_left() {
        let limits = [limit(10, 1), limit(3, 60)];
        let decisions =
            decide(&limits.each_ref().map(|limit| ("somebody", limit)), &[0, 0], DecidedBy::Process);
        let decision = decisions.tightest();
        assert!(decision.allowed);
        assert_eq!((decision.which, decision.remaining), (1, 2));
        assert_eq!((decision.reset, decision.retry_after), (Duration::from_secs(20), Duration::ZERO));
    }

    #[test]
    fn a_clock_that_went_back_locks_nobody_out_for_longer_than_a_window() {
        assert_eq!(limit(1, 60).ahead(10_000 * SECOND, 0), 60 * SECOND);
        assert_eq!(limit(1, 60).ahead(0, 10_000 * SECOND), 0);
    }
}
