//! The settings of rate limits.

use super::rule::{By, NamedRule, Rule};
use crate::config::{Mode, Problems, Validate, setting_enum, settings};
use std::time::Duration;

setting_enum! {
    /// What happens to limits while Redis is away.
    pub enum WhenAway {
        /// Each process counts alone, by the same limits.
        Local = "local",
        /// What would be counted is refused with 503.
        Closed = "closed",
        /// What would be counted is let through.
        Open = "open",
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// The policies that are always there.
pub(super) const NAMES: [&str; 5] = ["public", "api", "auth", "orders", "payments"];

settings! {
    /// Rate limits.
    ///
    /// A rule says how many requests in which time (s, m, h, d), and by what they are told apart: `5 per 15m by ip`. That
    /// is `ip`, `user`, `key` (X-Api-Key, within an address) or `route`, or several joined by `+`. `off` turns a policy off.
    pub struct LimitsConfig {
        /// For every request from outside.
        public: Rule = Rule::per(300, MINUTE, By::IP);
        /// For every request from outside by somebody who is logged in.
        api: Rule = Rule::per(100, MINUTE, By::USER);
        /// For attempts that a password, a link or an address could be guessed by: log in, register, reset a password,
        /// prove an address; one count for all of them. Not to be turned off in production.
        auth: Rule = Rule::per(5, 15 * MINUTE, By::IP);
        /// For what begins a sale or undoes one: place an order, pay it again, cancel it; one count for all of them.
        orders: Rule = Rule::per(30, MINUTE, By::USER);
        /// For what a buyer does to a payment, such as to prove that it is theirs.
        payments: Rule = Rule::per(30, MINUTE, By::USER);
        /// Further policies for requests from outside below a path, such as `search: 30 per 1m by user at /api/v1/users`.
        more: Vec<NamedRule> = Vec::new();
        /// While Redis is away each process counts alone (local), or what would be counted is refused with 503 (closed)
        /// or let through (open).
        when_redis_is_away: WhenAway = WhenAway::Local;
    }
}

impl Validate for LimitsConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        if mode.is_production() && self.auth.quota().is_none() {
            problems.add(
                "auth",
                "must not be off in production: it keeps passwords and links from being guessed",
            );
        }
        let mut names = NAMES.to_vec();
        for more in &self.more {
            if names.contains(&&*more.name) {
                problems.add("more", format!("has two policies of the name `{}`", more.name));
            }
            names.push(&more.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Raw, Value};

    fn problems(config: &LimitsConfig, mode: Mode) -> Vec<String> {
        let mut problems = Problems::new();
        config.validate(mode, &mut problems);
        problems.iter().map(|problem| problem.field.clone()).collect()
    }

    #[test]
    fn the_defaults_are_those_that_the_documents_promise() {
        let config = LimitsConfig::default();
        let text = [&config.public, &config.api, &config.auth, &config.orders, &config.payments];
        let promised = ["300 per 1m by ip", "100 per 1m by user", "5 per 15m by ip"];
        let promised = [&promised[..], &["30 per 1m by user"; 2]].concat();
        assert_eq!(
            text.map(Value::render).to_vec(),
            promised.iter().map(|rule| format!("{rule:?}")).collect::<Vec<_>>()
        );
        assert_eq!(config.when_redis_is_away, WhenAway::Local);
        assert!(problems(&config, Mode::Production).is_empty());
    }

    #[test]
    fn guessing_is_not_made_free_in_production() {
        let config = LimitsConfig { auth: Rule::OFF, ..LimitsConfig::default() };
        assert_eq!(problems(&config, Mode::Production), ["auth"]);
        assert!(problems(&config, Mode::Development).is_empty());
    }

    #[test]
    fn a_name_stands_for_one_policy() {
        let named = |text: &str| NamedRule::parse(&Raw::Text(text.to_owned())).unwrap();
        let search = "search: 30 per 1m by user at /api/v1/users";
        for more in [vec![named(search), named(search)], vec![named("orders: 3 per 1s by ip at /")]] {
            let config = LimitsConfig { more, ..LimitsConfig::default() };
            assert_eq!(problems(&config, Mode::Development), ["more"]);
        }
    }
}
