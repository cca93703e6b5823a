//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Events of organisations: written, submitted, approved or sent back.
    pub struct EventsConfig {
        /// Days that an approved event stays in calendar feeds after it has begun.
        calendar_past_days: u32 = 90;
        /// Events in a calendar feed at most, the earliest first.
        calendar_most: u32 = 1_000;
        /// Days that the history of an event is kept after the event was removed.
        keep_deleted_days: u32 = 400;
    }
}

impl Validate for EventsConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("calendar_past_days", self.calendar_past_days, 0..=3_650);
        problems.range("calendar_most", self.calendar_most, 1..=10_000);
        problems.range("keep_deleted_days", self.keep_deleted_days, 1..=3_650);
    }
}

/// So many days.
pub(crate) fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 86_400)
}
