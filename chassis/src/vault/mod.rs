//! Secrets from HashiCorp Vault: version 2 of its KV engine, over HTTP.
//!
//! Wherever a setting is a secret, `vault:<mount>/<path>#<field>` may stand in its place. It is resolved while the settings
//! are loaded, so that what was read is validated as if it had been written there.
//!
//! What must hold:
//! - Each path is asked for once a load. Once Vault did not answer, nothing more is asked in that load: the time that it takes
//!   is bounded by the timeout and the time of what was answered.
//! - The token goes to the address of the settings and nowhere else: redirections are not followed, and outside of
//!   development nothing is sent without TLS, except to this machine.
//! - No value and no token is in an error: they name the path and what was wrong, never what the answer said.
//!
//! What it does not do: it does not log in, and it renews no token. That is the work of whoever writes the file of the token,
//! such as Vault Agent.

mod ask;
mod config;

pub use config::VaultConfig;

use crate::config::{Mode, Reference, SecretStore};
use ask::{Failure, Fields};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// One load's view of Vault. It remembers what it was told, so another load needs another.
pub struct Vault {
    config: VaultConfig,
    mode: Mode,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    paths: BTreeMap<String, Result<Fields, Failure>>,
    /// That it did not answer, and so is not asked again.
    silent: Option<Failure>,
}

impl Vault {
    /// For one load of the settings.
    #[must_use]
    pub fn new(config: &VaultConfig, mode: Mode) -> Self {
        Self { config: config.clone(), mode, told: Mutex::default() }
    }

    fn read(&self, told: &mut Told, path: &str) -> Result<Fields, Failure> {
        if let Some(silent) = &told.silent {
            return Err(silent.clone());
        }
        let outcome = match self.config.place(self.mode) {
            Ok(address) => ask::ask(&self.config, &address, path),
            Err(wrong) => Err(Failure::answered(format!("vault.address {wrong}"))),
        };
        told.silent = outcome.as_ref().err().filter(|failure| failure.silent).cloned();
        outcome
    }
}

impl SecretStore for Vault {
    fn secret(&self, reference: &Reference) -> Result<SecretString, String> {
        let path = format!("{}/data/{}", reference.mount(), reference.path());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let fields = match told.paths.get(&path) {
            Some(known) => known.clone(),
            None => {
                let fields = self.read(&mut told, &path);
                told.paths.insert(path, fields.clone());
                fields
            }
        };
        let fields = fields.map_err(|failure| failure.what)?;
        match fields.get(reference.field()) {
            Some(Some(secret)) => Ok(secret.clone()),
            Some(None) => Err("the field is there and is no text".to_owned()),
            None => Err("the secret is there and has no such field".to_owned()),
        }
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("address", &self.config.address).finish_non_exhaustive()
    }
}
