//! How many calls may be made a second time.
//!
//! Retries help against faults that are rare and make those worse that are not: a dependency that fails all calls would get
//! every call three times. So retries are a share of what was sent in the last ten seconds, with a floor that lets a quiet
//! caller retry at all.

use super::Monotonic;
use super::window::{SPAN, Window};
use std::sync::{Arc, Mutex, PoisonError};

/// How large a budget is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetConfig {
    /// Retries for each call that was sent.
    pub ratio: f64,
    /// Retries a second that are allowed however little was sent.
    pub floor: f64,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { ratio: 0.1, floor: 1.0 }
    }
}

/// Counts calls and grants retries. Cheap to clone; clones share the counts.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: BudgetConfig,
    time: Monotonic,
    /// Calls sent, retries granted.
    window: Mutex<Window<2>>,
}

impl Budget {
    /// A budget of which nothing is spent.
    #[must_use]
    pub fn new(config: BudgetConfig) -> Self {
        Self::with_time(config, Monotonic::system())
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_time(config: BudgetConfig, time: Monotonic) -> Self {
        Self(Arc::new(Inner { config, time, window: Mutex::new(Window::new()) }))
    }

    /// Notes that a call is sent for the first time.
    pub fn sent(&self) {
        self.sent_many(1);
    }

    /// The same for so many calls, which were sent since somebody noted some last.
    pub fn sent_many(&self, calls: u32) {
        let now = self.0.time.now();
        self.0.window.lock().unwrap_or_else(PoisonError::into_inner).add(now, [calls, 0]);
    }

    /// Whether a call may be sent once more; if so it is spent.
    #[must_use]
    pub fn try_retry(&self) -> bool {
        let Inner { config, time, window } = &*self.0;
        let now = time.now();
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        let [sent, retried] = window.totals(now);
        let allowed = config.ratio * f64::from(sent) + config.floor * SPAN.as_secs_f64();
        let granted = f64::from(retried) + 1.0 <= allowed;
        if granted {
            window.add(now, [0, 1]);
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn budget(floor: f64) -> (Budget, Monotonic) {
        let time = Monotonic::manual();
        (Budget::with_time(BudgetConfig { ratio: 0.1, floor }, time.clone()), time)
    }

    fn granted(budget: &Budget) -> usize {
        std::iter::repeat_with(|| budget.try_retry()).take_while(|granted| *granted).take(10_000).count()
    }

    #[test]
    fn retries_are_a_tenth_of_what_was_sent() {
        let (budget, _) = budget(0.0);
        assert!(!budget.try_retry(), "nothing was sent, and there is no floor");
        (0..1_000).for_each(|_| budget.sent());
        assert_eq!(granted(&budget), 100);
    }

    #[test]
    fn a_quiet_caller_may_retry_up_to_the_floor() {
        let (budget, time) = budget(0.5);
        assert_eq!(granted(&budget), 5, "half a retry a second, over ten seconds");
        time.advance(Duration::from_secs(9));
        assert_eq!(granted(&budget), 0);
        time.advance(Duration::from_secs(1));
        assert_eq!(granted(&budget), 5);
    }

    #[test]
    fn what_was_sent_long_ago_pays_for_no_retry() {
        let (budget, time) = budget(0.0);
        (0..1_000).for_each(|_| budget.sent());
        time.advance(Duration::from_secs(10));
        assert_eq!(granted(&budget), 0);
    }
}
