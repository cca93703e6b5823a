//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// Carts, checkout, orders and their history.
    pub struct OrdersConfig {
        /// Milliseconds that a checkout is waited for before its answer says that it is still being processed.
        checkout_wait_ms: u64 = 3_000;
    }
}

impl Validate for OrdersConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("checkout_wait_ms", self.checkout_wait_ms, 0..=30_000);
    }
}
