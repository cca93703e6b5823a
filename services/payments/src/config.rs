//! The settings of the service.

use crate::provider::{sandbox, stripe};
use chassis::config::{Mode, Problems, Validate, settings};
use secrecy::SecretString;
use std::time::Duration;

settings! {
    /// Authorising, capturing and giving back money through a provider.
    pub struct PaymentsConfig {
        /// Who keeps and moves the money: `sandbox`, in which no card is real, or `stripe`.
        provider: String = sandbox::NAME.to_owned();
        /// Milliseconds that whoever asks for a payment, a capture or a refund waits for the provider; then the answer is that
        /// it is pending, and the service goes on by itself.
        answer_within_ms: u64 = 2_000;
        /// Milliseconds that the service itself waits for an answer of the provider before it asks again.
        provider_timeout_ms: u64 = 10_000;
        /// Seconds that a webhook's signature holds, before and after.
        webhook_tolerance_secs: u64 = 300;
        /// Seconds between two comparisons with the provider's books.
        reconcile_secs: u64 = 3_600;
        /// How far back the provider's books are compared, in hours.
        reconcile_hours: u64 = 48;
        /// Where Stripe is.
        stripe_api_base: String = stripe::API_BASE.to_owned();
        /// Stripe's secret key, `sk_...`.
        stripe_secret_key: Option<SecretString> = None;
        /// The secret of the webhook endpoint at Stripe, `whsec_...`.
        stripe_webhook_secret: Option<SecretString> = None;
        /// Where Stripe sends buyers back to who had to prove something.
        stripe_return_url: Option<String> = None;
        /// Milliseconds that a slow card takes in the sandbox.
        sandbox_slow_ms: u64 = 1_500;
        /// How often the sandbox tells each change by webhook besides answering. What it answers late, it tells once more.
        sandbox_webhook_copies: u32 = 0;
        /// Milliseconds after a change at which the sandbox tells it, and between copies.
        sandbox_webhook_delay_ms: u64 = 0;
        /// With what the sandbox signs its webhooks; a new secret at each start when not set.
        sandbox_webhook_secret: Option<SecretString> = None;
    }
}

impl Validate for PaymentsConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        problems.range("answer_within_ms", self.answer_within_ms, 10..=30_000);
        problems.range("provider_timeout_ms", self.provider_timeout_ms, 10..=60_000);
        problems.range("webhook_tolerance_secs", self.webhook_tolerance_secs, 1..=3_600);
        problems.range("reconcile_secs", self.reconcile_secs, 1..=86_400);
        problems.range("reconcile_hours", self.reconcile_hours, 1..=720);
        problems.range("sandbox_slow_ms", self.sandbox_slow_ms, 0..=3_600_000);
        problems.range("sandbox_webhook_copies", self.sandbox_webhook_copies, 0..=10);
        problems.range("sandbox_webhook_delay_ms", self.sandbox_webhook_delay_ms, 0..=3_600_000);
        match self.provider.as_str() {
            sandbox::NAME => {}
            stripe::NAME => {
                for (field, secret) in [
                    ("stripe_secret_key", &self.stripe_secret_key),
                    ("stripe_webhook_secret", &self.stripe_webhook_secret),
                ] {
                    if secret.is_none() {
                        problems.add(field, "must be set when payments.provider is stripe");
                    }
                }
                if mode.is_production() && !self.stripe_api_base.starts_with("https://") {
                    problems.add("stripe_api_base", "must begin with https:// in production");
                }
            }
            _ => problems.add("provider", "must be sandbox or stripe"),
        }
        let is_url = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if !is_url(&self.stripe_api_base) || self.stripe_api_base.ends_with('/') {
            problems.add("stripe_api_base", "must be a URL without a slash at its end");
        }
        if self.stripe_return_url.as_deref().is_some_and(|url| !is_url(url)) {
            problems.add("stripe_return_url", "must be a URL");
        }
    }
}

impl PaymentsConfig {
    pub(crate) const fn answer_within(&self) -> Duration {
        Duration::from_millis(self.answer_within_ms)
    }

    pub(crate) const fn provider_timeout(&self) -> Duration {
        Duration::from_millis(self.provider_timeout_ms)
    }

    pub(crate) const fn webhook_tolerance(&self) -> Duration {
        Duration::from_secs(self.webhook_tolerance_secs)
    }
}
