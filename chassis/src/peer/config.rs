//! The settings of calls to peers.

use crate::config::{Mode, Problems, Validate, settings};
use crate::resilience::{BreakerConfig, BudgetConfig, BulkheadConfig};
use std::time::Duration;

settings! {
    /// Calls to services that run in another process.
    ///
    /// A call in the same process is none of this: it has its caller's deadline, and nothing between that could fail.
    pub struct CallsConfig {
        /// How often one call may be sent at most, the first time included. 1 turns retries off.
        tries: u32 = 3;
        /// Retries and hedges that a peer may be sent, in percent of the calls.
        retry_percent: u32 = 10;
        /// Retries and hedges a second that a peer may be sent besides, for when there are few calls.
        retry_floor: u32 = 2;
        /// Milliseconds that opening a connection may take.
        connect_timeout_ms: u64 = 1_000;
        /// Milliseconds after which a read that may be hedged is sent to a second instance too.
        hedge_after_ms: u64 = 100;
        /// Calls at once to one peer.
        concurrent: usize = 1_024;
        /// Calls that may wait for one of those to end; further ones are refused.
        queue: usize = 256;
        /// Percent of an instance's calls that must fail for it to be left alone.
        breaker_failure_percent: u32 = 50;
        /// Percent of an instance's calls that must be slow for it to be left alone.
        breaker_slow_percent: u32 = 80;
        /// Milliseconds after which a call is slow, and from which on one that got no answer in time counts as failed.
        breaker_slow_ms: u64 = 5_000;
        /// With fewer calls in ten seconds nothing is concluded.
        breaker_minimum_calls: u32 = 10;
        /// Milliseconds that an instance is left alone before a few calls find out whether it is well again.
        breaker_probe_ms: u64 = 5_000;
    }
}

impl Validate for CallsConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("tries", self.tries, 1..=10);
        problems.range("retry_percent", self.retry_percent, 0..=100);
        problems.range("retry_floor", self.retry_floor, 0..=10_000);
        problems.range("connect_timeout_ms", self.connect_timeout_ms, 10..=60_000);
        problems.range("hedge_after_ms", self.hedge_after_ms, 1..=60_000);
        problems.range("concurrent", self.concurrent, 1..=1_000_000);
        problems.range("queue", self.queue, 0..=1_000_000);
        problems.range("breaker_failure_percent", self.breaker_failure_percent, 1..=100);
        problems.range("breaker_slow_percent", self.breaker_slow_percent, 1..=100);
        problems.range("breaker_slow_ms", self.breaker_slow_ms, 10..=3_600_000);
        problems.range("breaker_minimum_calls", self.breaker_minimum_calls, 1..=1_000_000);
        problems.range("breaker_probe_ms", self.breaker_probe_ms, 10..=600_000);
    }
}

impl CallsConfig {
    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) fn hedge_after(&self) -> Duration {
        Duration::from_millis(self.hedge_after_ms)
    }

    pub(super) fn slow_after(&self) -> Duration {
        Duration::from_millis(self.breaker_slow_ms)
    }

    pub(super) fn breaker(&self) -> BreakerConfig {
        BreakerConfig {
            failure_rate: f64::from(self.breaker_failure_percent) / 100.0,
            slow_rate: f64::from(self.breaker_slow_percent) / 100.0,
            slow_after: self.slow_after(),
            minimum_calls: self.breaker_minimum_calls,
            probe_interval: Duration::from_millis(self.breaker_probe_ms),
            ..BreakerConfig::default()
        }
    }

    pub(super) fn budget(&self) -> BudgetConfig {
        BudgetConfig { ratio: f64::from(self.retry_percent) / 100.0, floor: f64::from(self.retry_floor) }
    }

    pub(super) const fn bulkhead(&self) -> BulkheadConfig {
        BulkheadConfig { concurrent: self.concurrent, queue: self.queue }
    }
}
