//! The settings of requests with a key.

use crate::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Requests that carry an `Idempotency-Key`.
    pub struct IdempotencyConfig {
        /// How long an answer is kept to be given again, in hours. Afterwards the key is as good as new.
        keep_hours: u32 = 24;
        /// How often answers are removed whose time is over, in seconds.
        sweep_secs: u32 = 60;
    }
}

impl Validate for IdempotencyConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("keep_hours", self.keep_hours, 1..=8_760);
        problems.range("sweep_secs", self.sweep_secs, 1..=86_400);
    }
}

impl IdempotencyConfig {
    pub(super) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_hours) * 3_600)
    }

    pub(super) fn sweep_every(&self) -> Duration {
        Duration::from_secs(u64::from(self.sweep_secs))
    }
}
