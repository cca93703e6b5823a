//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// How the platform is: alerts, incidents, uptime.
    pub struct StatusConfig {
    }
}

impl Validate for StatusConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}
