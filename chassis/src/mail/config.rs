//! The settings of the outgoing mail.

use super::smtp::{self, Smtp};
use crate::config::{Mode, Problems, Validate, settings};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

settings! {
    /// Outgoing mail.
    pub struct MailConfig {
        /// The mail server: `smtp://user:password@host:587?tls=required` or `smtps://user:password@host`. Without it mail
        /// is stored and not sent.
        smtp_url: Option<SecretString> = None, env "SMTP_URL";
        /// The sender of all mail: an address, or a name and an address in angle brackets.
        from: String = "Bowline <no-reply@localhost>".to_owned(), env "MAIL_FROM";
        /// How often a mail is tried before it is given up.
        max_attempts: u32 = 10;
        /// How long the mail server may take for one step, in milliseconds.
        timeout_ms: u64 = 15_000;
        /// How often the outbox is looked through for mail whose next try is due, in milliseconds. New mail is sent at once.
        poll_ms: u64 = 5_000;
        /// How long sent, stored and given up mail is kept, in days.
        keep_days: u32 = 30;
    }
}

impl Validate for MailConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        if smtp::mailbox(&self.from).is_err() {
            problems.add("from", "must be an address, or a name and an address in angle brackets");
        }
        if mode.is_production() && self.smtp_url.is_some() && self.from == Self::default().from {
            problems
                .add("from", "must be set in production: an address at localhost is refused by mail servers");
        }
        if let Some(url) = self.smtp_url.as_ref().map(|url| url.expose_secret()) {
            if Smtp::new(url, "x@example.org", self.timeout()).is_err() {
                problems.add("smtp_url", "must be smtp://HOST, smtp://HOST?tls=required or smtps://HOST");
            }
            if mode.is_production() && smtp::sends_password_in_clear(url) {
                problems.add(
                    "smtp_url",
                    "must be smtps:// or have ?tls=required: the password would travel in clear",
                );
            }
        }
        problems.range("max_attempts", self.max_attempts, 1..=100);
        problems.range("timeout_ms", self.timeout_ms, 100..=600_000);
        problems.range("poll_ms", self.poll_ms, 10..=600_000);
        problems.range("keep_days", self.keep_days, 1..=3_650);
    }
}

impl MailConfig {
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(super) const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(super) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 86_400)
    }

    /// How long one process has a mail for itself: longer than the handful of steps of one delivery can take.
    pub(super) const fn lease(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.saturating_mul(8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &MailConfig, mode: Mode) -> Vec<String> {
        let mut problems = Problems::new();
        config.validate(mode, &mut problems);
        problems.iter().map(|problem| problem.field.clone()).collect()
    }

    fn with_server(url: &str) -> MailConfig {
        let from = "Acme <accounts@example.org>".to_owned();
        MailConfig { smtp_url: Some(url.into()), from, ..MailConfig::default() }
    }

    #[test]
    fn production_does_not_send_from_localhost() {
        let from = MailConfig::default().from;
        let unset = MailConfig { from, ..with_server("smtps://mail.example.org") };
        assert!(problems(&unset, Mode::Development).is_empty());
        assert_eq!(problems(&unset, Mode::Production), ["from"]);
        assert!(problems(&MailConfig::default(), Mode::Production).is_empty());
    }

    #[test]
    fn production_does_not_send_a_password_in_clear() {
        let in_clear = with_server("smtp://user:hunter2@mail.example.org:587");
        assert!(problems(&in_clear, Mode::Development).is_empty());
        assert_eq!(problems(&in_clear, Mode::Production), ["smtp_url"]);
        for sealed in
            ["smtps://user:hunter2@mail.example.org", "smtp://user:hunter2@mail.example.org?tls=required"]
        {
            assert!(problems(&with_server(sealed), Mode::Production).is_empty(), "{sealed}");
        }
        assert!(problems(&with_server("smtp://relay.internal"), Mode::Production).is_empty());
    }

    #[test]
    fn a_server_or_sender_that_cannot_be_read_is_found_before_the_start() {
        assert_eq!(problems(&with_server("https://mail.example.org"), Mode::Development), ["smtp_url"]);
        let nobody = MailConfig { from: "nobody".to_owned(), ..MailConfig::default() };
        assert_eq!(problems(&nobody, Mode::Development), ["from"]);
    }
}
