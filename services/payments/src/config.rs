//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// Authorising, capturing and giving back money through a provider.
    pub struct PaymentsConfig {
        /// Seconds between two comparisons with the provider's books.
        reconcile_secs: u64 = 3_600;
    }
}

impl Validate for PaymentsConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("reconcile_secs", self.reconcile_secs, 1..=86_400);
    }
}
