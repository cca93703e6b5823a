//! The settings of jobs.

use crate::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Jobs: periodic work and work that was put off.
    pub struct JobsConfig {
        /// Whether this process carries out jobs. One that does not puts work into the queue all the same.
        enabled: bool = true;
        /// How many queued jobs of a service one process carries out at once. Periodic ones come on top.
        concurrency: u32 = 16;
        /// How long a process has a job for itself without renewing that, in milliseconds: so soon do others go on after a
        /// crash.
        lease_ms: u64 = 15_000;
        /// How often due jobs are looked for, in milliseconds. Those that were queued by this process, or by another one
        /// with Redis between them, are carried out at once.
        poll_ms: u64 = 1_000;
        /// How long queued jobs are kept that are done, in days. Those that failed stay until somebody decides.
        keep_days: u32 = 7;
    }
}

impl Validate for JobsConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("concurrency", self.concurrency, 1..=10_000);
        problems.range("lease_ms", self.lease_ms, 100..=600_000);
        problems.range("poll_ms", self.poll_ms, 10..=60_000);
        problems.range("keep_days", self.keep_days, 1..=3_650);
    }
}

impl JobsConfig {
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
