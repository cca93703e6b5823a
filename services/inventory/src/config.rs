//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// Stock, reservations, the ledger of every change.
    pub struct InventoryConfig {
        /// Seconds that stock is kept for a checkout that is not completed.
        hold_secs: u64 = 900;
    }
}

impl Validate for InventoryConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("hold_secs", self.hold_secs, 1..=86_400);
    }
}
