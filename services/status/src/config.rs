//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// A shorter secret can be guessed.
const SHORTEST_TOKEN: usize = 16;

settings! {
    /// How the platform is: alerts, incidents, uptime.
    pub struct StatusConfig {
        /// What Alertmanager sends as its bearer token, 16 characters at least. Without it no alert is taken.
        alertmanager_token: Option<SecretString> = None;
        /// The name of the platform on the public page.
        page_title: String = "Bowline".to_owned();
        /// Seconds between two looks at the services.
        every_secs: u64 = 15;
        /// Milliseconds that a service may take to say whether it is ready.
        patience_ms: u64 = 3_000;
        /// Seconds for which a service is not ready before that is an incident, and for which it is ready before the incident
        /// is over.
        incident_after_secs: u64 = 60;
        /// Hours after which an alert is over that fires and was not sent again. More than Alertmanager's repeat_interval.
        alert_expires_hours: u64 = 24;
        /// Alerts of one notification at most; those behind are left out.
        max_alerts: usize = 500;
        /// Days for which alerts that do not fire and incidents that are over are kept.
        keep_days: u32 = 400;
    }
}

impl Validate for StatusConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        if self.alertmanager_token.as_ref().is_some_and(|token| token.expose_secret().len() < SHORTEST_TOKEN)
        {
            problems.add("alertmanager_token", "must have 16 characters at least");
        }
        if self.page_title.trim().is_empty() || self.page_title.chars().count() > 60 {
            problems.add("page_title", "must have 1 to 60 characters");
        }
        problems.range("every_secs", self.every_secs, 1..=300);
        problems.range("patience_ms", self.patience_ms, 10..=30_000);
        problems.range("incident_after_secs", self.incident_after_secs, 0..=86_400);
        problems.range("alert_expires_hours", self.alert_expires_hours, 1..=720);
        problems.range("max_alerts", self.max_alerts, 1..=10_000);
        problems.range("keep_days", self.keep_days, 1..=3_650);
    }
}

impl StatusConfig {
    pub(crate) const fn every(&self) -> Duration {
        Duration::from_secs(self.every_secs)
    }

    pub(crate) const fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }

    pub(crate) const fn incident_after(&self) -> Duration {
        Duration::from_secs(self.incident_after_secs)
    }

    pub(crate) const fn alert_expires(&self) -> Duration {
        Duration::from_secs(self.alert_expires_hours * 3_600)
    }

    pub(crate) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 86_400)
    }
}
