//! The settings of identity.

use crate::domain::password::Cost;
use crate::domain::session::Limits;
use chassis::config::{Mode, Problems, Validate, settings};
use secrecy::SecretString;
use std::time::Duration;

settings! {
    /// Identity: accounts, sessions, tokens, organisations, audit.
    pub struct AuthConfig {
        /// Secret that seals the signing keys in the database. Made in the data folder in development when not set.
        master_key: Option<SecretString> = None;
        /// Seconds that an access token holds.
        access_token_secs: u64 = 900;
        /// Seconds after which a session that is not used ends.
        session_idle_secs: u64 = 7 * 86_400;
        /// Seconds after which a session ends in any case.
        session_max_secs: u64 = 30 * 86_400;
        /// Sessions that a person has at most; one more ends the one that was longest unused.
        max_sessions: u32 = 10;
        /// Seconds within which a refresh token that was just used gets the same answer again, as two tabs of a browser
        /// ask for it. Later use is theft and ends the session.
        refresh_grace_secs: u64 = 10;
        /// Seconds between making a signing key and signing with it, for verifiers to learn of it.
        key_activation_secs: u64 = 60;
        /// Seconds that the link to prove an address works.
        verify_link_secs: u64 = 2 * 86_400;
        /// Seconds that the link to set a new password works.
        reset_link_secs: u64 = 1_800;
        /// Seconds that an invitation to an organisation works.
        invitation_secs: u64 = 7 * 86_400;
        /// Where the pages are that mailed links lead to. Empty means the platform's public URL.
        links_url: Option<String> = None;
        /// Threads that hash passwords.
        hash_threads: usize = 2;
        /// Passwords that may wait to be hashed; further ones are refused with 503.
        hash_queue: usize = 64;
        /// Memory of a password hash in KiB.
        hash_memory_kib: u32 = Cost::RECOMMENDED.memory_kib;
        /// Passes of a password hash over its memory.
        hash_passes: u32 = Cost::RECOMMENDED.passes;
    }
}

const DAY: u64 = 86_400;

impl Validate for AuthConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        problems.secret("master_key", self.master_key.as_ref(), mode);
        problems.range("access_token_secs", self.access_token_secs, 10..=DAY);
        problems.range("session_idle_secs", self.session_idle_secs, 60..=366 * DAY);
        problems.range("session_max_secs", self.session_max_secs, 60..=366 * DAY);
        problems.range("max_sessions", self.max_sessions, 1..=1_000);
        problems.range("refresh_grace_secs", self.refresh_grace_secs, 0..=60);
        problems.range("key_activation_secs", self.key_activation_secs, 2..=DAY);
        problems.range("verify_link_secs", self.verify_link_secs, 60..=30 * DAY);
        problems.range("reset_link_secs", self.reset_link_secs, 60..=DAY);
        problems.range("invitation_secs", self.invitation_secs, 60..=90 * DAY);
        problems.range("hash_threads", self.hash_threads, 1..=256);
        problems.range("hash_queue", self.hash_queue, 1..=100_000);
        // Argon2 needs eight blocks at least; production has the cost that OWASP asks for.
        let least = if mode.is_production() { Cost::RECOMMENDED } else { Cost { memory_kib: 8, passes: 1 } };
        problems.range("hash_memory_kib", self.hash_memory_kib, least.memory_kib..=4_194_304);
        problems.range("hash_passes", self.hash_passes, least.passes..=100);
        if let Some(url) = &self.links_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            problems.add("links_url", "must begin with http:// or https://");
        }
    }
}

impl AuthConfig {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            idle: Duration::from_secs(self.session_idle_secs),
            absolute: Duration::from_secs(self.session_max_secs),
            per_user: usize::try_from(self.max_sessions).unwrap_or(usize::MAX),
        }
    }

    pub(crate) const fn cost(&self) -> Cost {
        Cost { memory_kib: self.hash_memory_kib, passes: self.hash_passes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &AuthConfig, mode: Mode) -> Vec<String> {
        let mut problems = Problems::new();
        config.validate(mode, &mut problems);
        problems.iter().map(|problem| problem.field.clone()).collect()
    }

    #[test]
    fn the_defaults_are_fit_for_development() {
        assert!(problems(&AuthConfig::default(), Mode::Development).is_empty());
    }

    #[test]
    fn production_needs_a_master_key_and_the_recommended_cost() {
        let cheap = AuthConfig { hash_memory_kib: 64, hash_passes: 1, ..AuthConfig::default() };
        assert_eq!(problems(&cheap, Mode::Production), ["master_key", "hash_memory_kib", "hash_passes"]);
        assert!(problems(&cheap, Mode::Development).is_empty());
    }
}
