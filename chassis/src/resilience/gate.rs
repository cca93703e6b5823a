//! Keeps calls from waiting for a dependency that was away a moment ago, where something else is at hand instead.
//!
//! A breaker needs some calls to fail before it opens. Where doing without costs little, such as asking the source in
//! place of a shared copy, one failure is enough: then one call in each pause asks again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Open until a failure; then one call in each pause gets through.
#[derive(Debug)]
pub struct Gate {
    pause: Duration,
    began: Instant,
    /// Milliseconds after `began` until which nothing is asked; 0 while all is well.
    closed_until: AtomicU64,
}

impl Gate {
    /// An open gate.
    #[must_use]
    pub fn new(pause: Duration) -> Self {
        Self { pause, began: Instant::now(), closed_until: AtomicU64::new(0) }
    }

    /// Whether this call may ask.
    #[must_use]
    pub fn lets_through(&self) -> bool {
        let until = self.closed_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let (now, next) = self.now_and_next();
        let swap = || self.closed_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed);
        now >= until && swap().is_ok()
    }

    /// The dependency has answered. Says whether it was closed.
    pub fn open(&self) -> bool {
        self.closed_until.load(Ordering::Relaxed) != 0 && self.closed_until.swap(0, Ordering::Relaxed) != 0
    }

    /// The dependency has not answered. Says whether it was open.
    pub fn close(&self) -> bool {
        self.closed_until.swap(self.now_and_next().1, Ordering::Relaxed) == 0
    }

    /// The end of the next pause is never 0, which says that it is open.
    fn now_and_next(&self) -> (u64, u64) {
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let now = ms(self.began.elapsed());
        (now, now + ms(self.pause).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_nothing_is_asked_for_a_while() {
        let gate = Gate::new(Duration::from_secs(3_600));
        assert!(gate.lets_through() && gate.lets_through());
        assert!(gate.close());
        assert!(!gate.lets_through());
        assert!(!gate.close());
        assert!(gate.open());
        assert!(gate.lets_through());
        assert!(!gate.open());
    }

    #[test]
    fn one_call_in_each_pause_asks_again() {
        let gate = Gate::new(Duration::from_millis(20));
        gate.close();
        let end = Instant::now() + Duration::from_secs(10);
        while !gate.lets_through() {
            assert!(Instant::now() < end, "it stayed closed");
        }
        assert!(!gate.lets_through(), "the pause begins anew");
    }
}
