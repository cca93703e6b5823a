//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// E-mails from events, preferences, and a log of what was sent.
    pub struct NotificationsConfig {
        /// Addresses that are told when there is too little of a product in stock.
        low_stock_to: Vec<String> = Vec::new();
    }
}

impl Validate for NotificationsConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}
