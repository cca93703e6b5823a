//! Keeps reads from waiting for a Redis that is away: after a failure one read in each pause asks it again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Gate {
    began: Instant,
    /// Milliseconds after `began` until which nothing is asked; 0 while all is well.
    closed_until: AtomicU64,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), closed_until: AtomicU64::new(0) }
    }

    pub(super) fn lets_through(&self) -> bool {
        let until = self.closed_until.load(Ordering::Relaxed);
        let now = self.now();
        let swap =
            |next| self.closed_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed);
        until == 0 || (now >= until && swap(after(now)).is_ok())
    }

    pub(super) fn open(&self) {
        if self.closed_until.load(Ordering::Relaxed) != 0 {
            self.closed_until.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn close(&self) {
        self.closed_until.store(after(self.now()), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn after(now: u64) -> u64 {
    // Never 0, which says that it is open.
    now + PAUSE.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_nothing_is_asked_for_a_while() {
        let gate = Gate::new();
        assert!(gate.lets_through() && gate.lets_through());
        gate.close();
        assert!(!gate.lets_through());
        gate.open();
        assert!(gate.lets_through());
    }
}
