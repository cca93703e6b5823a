//! How long to wait before the next attempt.

use std::time::Duration;
use uuid::Uuid;

/// Growing pauses with full jitter: each is anything between nothing and a bound that doubles up to a cap, so that those who
/// failed together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    bound: Duration,
}

impl Backoff {
    /// Pauses of at most `first`, then at most twice that, and so on; never more than `cap`.
    #[must_use]
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, bound: first.min(cap) }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        let bound = self.bound;
        self.bound = bound.saturating_mul(2).min(self.cap);
        // 32 bits of the id are random; a jitter needs no more.
        bound.mul_f64(f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX))
    }

    /// Begins with the first pause again, after an attempt that succeeded.
    pub fn reset(&mut self) {
        self.bound = self.first.min(self.cap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const CAP: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_up_to_the_cap_and_are_spread_over_all_that_is_below() {
        let bounds = [100, 200, 400, 800, 1_000, 1_000].map(Duration::from_millis);
        let mut sums = [Duration::ZERO; 6];
        const RUNS: u32 = 400;
        for _ in 0..RUNS {
            let mut backoff = Backoff::new(FIRST, CAP);
            for (bound, sum) in bounds.iter().zip(&mut sums) {
                let pause = backoff.next_pause();
                assert!(pause <= *bound, "{pause:?} is more than {bound:?}");
                *sum += pause;
            }
        }
        for (bound, sum) in bounds.iter().zip(sums) {
            let mean = (sum / RUNS).as_secs_f64() / bound.as_secs_f64();
            assert!((0.4..0.6).contains(&mean), "pauses below {bound:?} are {mean} of it on average");
        }
    }

    #[test]
    fn after_a_success_it_begins_again() {
        let mut backoff = Backoff::new(FIRST, CAP);
        for _ in 0..5 {
            backoff.next_pause();
        }
        backoff.reset();
        assert!(backoff.next_pause() <= FIRST);
    }

    #[test]
    fn a_cap_below_the_first_pause_holds() {
        assert!(Backoff::new(CAP, FIRST).next_pause() <= FIRST);
    }
}
