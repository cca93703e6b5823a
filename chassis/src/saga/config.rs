//! The settings of sagas.

use crate::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Sagas.
    pub struct SagaConfig {
        /// How many sagas of a service one process carries out at once.
        concurrency: u32 = 64;
        /// How long a process has a saga for itself, in milliseconds: so soon do others go on after a crash. A step that may
        /// take longer extends it.
        lease_ms: u64 = 15_000;
        /// How often due sagas are looked for, in milliseconds. New ones are carried out at once.
        poll_ms: u64 = 500;
        /// How long ended sagas are kept, in days.
        keep_days: u32 = 30;
    }
}

impl Validate for SagaConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("concurrency", self.concurrency, 1..=10_000);
        problems.range("lease_ms", self.lease_ms, 100..=600_000);
        problems.range("poll_ms", self.poll_ms, 10..=60_000);
        problems.range("keep_days", self.keep_days, 1..=3_650);
    }
}

impl SagaConfig {
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
