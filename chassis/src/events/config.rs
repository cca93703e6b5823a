//! The settings of events: the outbox, the inbox, retries.

use crate::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Events between services: how they are sent, received and retried. Where the bus is, section `bus` says.
    pub struct EventsConfig {
        /// The largest event that may be published, with its envelope, in bytes.
        max_bytes: u32 = 262_144;
        /// How many events are sent, received or handled together at most.
        batch: u32 = 256;
        /// How long a handler may take for one event, in milliseconds.
        handler_timeout_ms: u64 = 5_000;
        /// How many batches of one subscription a process handles at once on PostgreSQL. SQLite has one writer.
        concurrency: u32 = 4;
        /// How often an event is tried before it becomes a dead letter.
        max_attempts: u32 = 10;
        /// The pause after the first failure, in milliseconds; it doubles each time, plus up to as much again by chance.
        first_pause_ms: u64 = 200;
        /// The longest pause between two tries, in milliseconds.
        longest_pause_ms: u64 = 60_000;
        /// How long work stays with a process that has died, in milliseconds.
        lease_ms: u64 = 5_000;
        /// How often is looked for work that nobody was woken for, in milliseconds.
        poll_ms: u64 = 500;
        /// How long the mark that an event was handled is kept, in days. Longer than the bus keeps events.
        keep_days: u32 = 14;
        /// How many of a hundred events are published twice on purpose, to try that nothing counts twice. Not in production.
        repeat_percent: u32 = 0;
        /// How long a batch of events is held back at most on purpose before it is published, in milliseconds, to try that
        /// nothing depends on haste. Not in production.
        hold_back_ms: u64 = 0;
    }
}

const HOUR_MS: u64 = 3_600_000;

impl Validate for EventsConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        problems.range("max_bytes", self.max_bytes, 1_024..=16_777_216);
        problems.range("batch", self.batch, 1..=10_000);
        problems.range("handler_timeout_ms", self.handler_timeout_ms, 10..=HOUR_MS);
        problems.range("concurrency", self.concurrency, 1..=64);
        problems.range("max_attempts", self.max_attempts, 1..=1_000);
        problems.range("first_pause_ms", self.first_pause_ms, 1..=HOUR_MS);
        problems.range("longest_pause_ms", self.longest_pause_ms, 1..=24 * HOUR_MS);
        if self.longest_pause_ms < self.first_pause_ms {
            problems.add("longest_pause_ms", "must not be less than first_pause_ms");
        }
        problems.range("lease_ms", self.lease_ms, 100..=HOUR_MS);
        problems.range("poll_ms", self.poll_ms, 10..=HOUR_MS);
        problems.range("keep_days", self.keep_days, 1..=3_650);
        problems.range("repeat_percent", self.repeat_percent, 0..=100);
        problems.range("hold_back_ms", self.hold_back_ms, 0..=self.lease_ms / 2);
        for (name, on) in
            [("repeat_percent", self.repeat_percent > 0), ("hold_back_ms", self.hold_back_ms > 0)]
        {
            if mode.is_production() && on {
                problems.add(name, "is for trials: it must be 0 in production");
            }
        }
    }
}

impl EventsConfig {
    pub(super) const fn handler_timeout(&self) -> Duration {
        Duration::from_millis(self.handler_timeout_ms)
    }

    /// How long claimed events are a worker's own: it stops taking up more of a batch after one timeout, the one in hand
    /// may take another, and then there is the commit.
    pub(super) const fn claim(&self) -> Duration {
        Duration::from_millis(self.handler_timeout_ms * 2 + self.handler_timeout_ms / 2)
    }

    pub(super) const fn first_pause(&self) -> Duration {
        Duration::from_millis(self.first_pause_ms)
    }

    pub(super) const fn longest_pause(&self) -> Duration {
        Duration::from_millis(self.longest_pause_ms)
    }

    pub(super) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    pub(super) const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longest_pause_below_the_first_is_refused() {
        let config = EventsConfig { first_pause_ms: 500, longest_pause_ms: 400, ..EventsConfig::default() };
        let mut problems = Problems::new();
        config.validate(Mode::Development, &mut problems);
        assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["longest_pause_ms"]);
    }
}
