//! Whether Redis is asked to count limits, or this process counts them alone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// After a failure limits are decided locally for this long before Redis is asked again.
const LIMITS_PAUSE: Duration = Duration::from_millis(500);

/// Keeps limits from waiting for a Redis that is away: after a failure one call in each pause asks it again.
#[derive(Debug)]
pub(super) struct Gate {
    began: Instant,
    /// Milliseconds after `began` until which Redis is not asked; 0 while all is well.
    closed_until: AtomicU64,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), closed_until: AtomicU64::new(0) }
    }

    pub(super) fn lets_through(&self) -> bool {
        let until = self.closed_until.load(Ordering::Relaxed);
        let (now, next) = self.now_and_next();
        let swap = || self.closed_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed);
        until == 0 || (now >= until && swap().is_ok())
    }

    pub(super) fn open(&self) {
        if self.closed_until.load(Ordering::Relaxed) != 0 {
            self.closed_until.store(0, Ordering::Relaxed);
            tracing::info!("limits are counted by Redis again");
        }
    }

    /// Whether it was open.
    pub(super) fn close(&self) -> bool {
        self.closed_until.swap(self.now_and_next().1, Ordering::Relaxed) == 0
    }

    fn now_and_next(&self) -> (u64, u64) {
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let now = ms(self.began.elapsed());
        (now, now + ms(LIMITS_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_call_a_pause_asks_again() {
        let gate = Gate::new();
        assert!(gate.lets_through() && gate.lets_through());
        assert!(gate.close());
        assert!(!gate.lets_through());
        assert!(!gate.close());
        gate.open();
        assert!(gate.lets_through());
    }
}
