//! Who is asking: access tokens of people, credentials of services, and the permissions that follow.
//!
//! Tokens are verified by whoever receives them, with keys and revocations from the auth service's feed; nobody trusts a
//! header that another may have written. In one process the verified principal is handed on instead.
//!
//! What must hold: the algorithm is pinned, unknown means refused, and a verifier that has not heard from the feed for
//! too long refuses with 503 instead of guessing.

mod extract;
mod follow;
mod principal;
mod service_keys;
mod verifier;

pub use extract::{Can, MaybePrincipal, Permit, ServiceCaller, permits};
pub use follow::{AUTH, follow};
pub use principal::Principal;
pub use service_keys::ServiceKeys;
pub use verifier::{Ended, TokenError, Verifier};

use crate::config::{Mode, Problems, Validate, settings};
use secrecy::SecretString;
use std::time::Duration;

settings! {
    /// Tokens of people and credentials of services: the same in every process of a platform.
    pub struct IdentityConfig {
        /// Who issues access tokens (`iss`).
        issuer: String = "bowline".to_owned();
        /// Whom access tokens are for (`aud`).
        audience: String = "bowline".to_owned();
        /// Seconds of difference between clocks that are forgiven.
        leeway_secs: u64 = 5;
        /// Verified tokens that are remembered at most.
        token_cache: u64 = 100_000;
        /// Seconds without news from the auth service after which tokens are refused with 503.
        max_stale_secs: u64 = 60;
        /// Secret that services sign their credentials with. Made in the data folder in development when not set.
        service_key: Option<SecretString> = None;
        /// The secret before the last rotation, still accepted; unset it when every process has the new one.
        service_key_previous: Option<SecretString> = None;
        /// Seconds that a secret which was found while the process runs is only accepted, before it signs: longer than the
        /// slowest process takes to find it.
        service_key_wait_secs: u64 = 120;
    }
}

impl IdentityConfig {
    /// How long a new secret is accepted before it signs.
    #[must_use]
    pub fn service_key_wait(&self) -> Duration {
        Duration::from_secs(self.service_key_wait_secs)
    }

    /// Time without news after which tokens are refused.
    #[must_use]
    pub fn max_stale(&self) -> Duration {
        Duration::from_secs(self.max_stale_secs)
    }
}

impl Validate for IdentityConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        problems.secret("service_key", self.service_key.as_ref(), mode);
        if self.service_key_previous.is_some() {
            problems.secret("service_key_previous", self.service_key_previous.as_ref(), mode);
        }
        problems.range("service_key_wait_secs", self.service_key_wait_secs, 1..=3_600);
        problems.range("leeway_secs", self.leeway_secs, 0..=60);
        problems.range("max_stale_secs", self.max_stale_secs, 10..=3_600);
        problems.range("token_cache", self.token_cache, 100..=10_000_000);
        for (field, value) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            if value.trim().is_empty() {
                problems.add(field, "must not be empty");
            }
        }
    }
}
