//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// E-mails from events, preferences, and a log of what was sent.
    pub struct NotificationsConfig {
        /// Addresses that are told when there is too little of a product in stock.
        low_stock_to: Vec<String> = Vec::new();
        /// What the shop calls itself in its mail.
        shop_name: String = "Bowline".to_owned();
        /// A folder with templates that take the place of those built in: `order_confirmed.txt` and so on. What is wrong
        /// with one is told at the start.
        templates_dir: Option<String> = None;
        /// Days that the log of what was sent is kept. Longer than delivery.keep_days, so that nothing is sent again.
        keep_days: u32 = 400;
    }
}

impl Validate for NotificationsConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        for address in &self.low_stock_to {
            if garde::rules::email::apply(&address.as_str(), ()).is_err() {
                problems.add("low_stock_to", format!("`{address}` is not an e-mail address"));
            }
        }
        if self.shop_name.trim().is_empty() || self.shop_name.chars().any(char::is_control) {
            problems.add("shop_name", "must be one line that is not blank");
        }
        problems.range("keep_days", self.keep_days, 30..=3_650);
    }
}

impl NotificationsConfig {
    pub(crate) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_told_before_anything_starts() {
        let config = NotificationsConfig {
            low_stock_to: vec!["stock@example.org".to_owned(), "stock at example".to_owned()],
            shop_name: "Bow\nline".to_owned(),
            keep_days: 1,
            ..NotificationsConfig::default()
        };
        let mut problems = Problems::new();
        config.validate(Mode::Development, &mut problems);
        let fields: Vec<String> = problems.iter().map(|problem| problem.field.clone()).collect();
        assert_eq!(fields, ["low_stock_to", "shop_name", "keep_days"]);
    }
}
