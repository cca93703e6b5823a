//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// Events of organisations: written, submitted, approved or sent back.
    pub struct EventsConfig {
    }
}

impl Validate for EventsConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}
