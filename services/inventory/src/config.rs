//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Stock, reservations, the ledger of every change.
    pub struct InventoryConfig {
        /// Seconds that stock is kept for a checkout that is not completed.
        hold_secs: u64 = 900;
        /// Seconds between two looks for reservations whose time is over.
        sweep_secs: u64 = 10;
        /// Of so many or fewer that can be had, everybody is told that few are left; 0 tells nobody.
        few_left: u32 = 5;
        /// The reorder level that a new product begins with.
        reorder_level: u32 = 10;
        /// The reorder quantity that a new product begins with.
        reorder_quantity: u32 = 50;
    }
}

impl InventoryConfig {
    /// How long stock is kept for a checkout.
    pub(crate) const fn hold(&self) -> Duration {
        Duration::from_secs(self.hold_secs)
    }

    /// The time between two looks for reservations whose time is over.
    pub(crate) const fn sweep_every(&self) -> Duration {
        Duration::from_secs(self.sweep_secs)
    }
}

impl Validate for InventoryConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("hold_secs", self.hold_secs, 1..=86_400);
        problems.range("sweep_secs", self.sweep_secs, 1..=3_600);
        problems.range("few_left", self.few_left, 0..=1_000_000);
        problems.range("reorder_level", self.reorder_level, 0..=1_000_000);
        problems.range("reorder_quantity", self.reorder_quantity, 1..=1_000_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_that_ends_at_once_is_refused_at_the_start() {
        let config = InventoryConfig { hold_secs: 0, ..InventoryConfig::default() };
        let mut problems = Problems::new();
        config.validate(Mode::Development, &mut problems);
        assert_eq!(problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), ["hold_secs"]);
    }
}
