//! What is read again while the process runs: the settings that may change without a restart.

use crate::clock::Clock;
use crate::config::{ConfigErrors, Loader, Mode, Origin};
use crate::flags::Flags;
use crate::identity::{IdentityConfig, ServiceKeys};
use crate::stop::Stop;
use crate::vault::{Vault, VaultConfig};
use metrics::counter;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// What follows the settings.
#[derive(Clone)]
pub(super) struct Reload {
    pub(super) origin: Origin,
    pub(super) every: Duration,
    pub(super) mode: Mode,
    pub(super) flags: Flags,
    pub(super) keys: Arc<ServiceKeys>,
    pub(super) clock: Clock,
}

impl Reload {
    /// Reads again until the process stops. What cannot be read, or is wrong, changes nothing and is told once.
    pub(super) async fn follow(self, stop: Stop) {
        let (mut settings, mut secrets) = (Told::default(), Told::default());
        loop {
            tokio::select! {
                () = sleep(self.every) => {}
                () = stop.stopping() => return,
            }
            let again = self.clone();
            // A disk, or a network behind it, may take its time.
            let reading = tokio::task::spawn_blocking(move || (again.flags(), again.secrets()));
            let (flags, keys) = tokio::select! {
                read = reading => match read {
                    Ok(read) => read,
                    Err(error) => {
                        tracing::error!(%error, "reading the settings again failed");
                        continue;
                    }
                },
                // Vault may hang; what it would have said no longer matters.
                () = stop.stopping() => return,
            };
            if flags.is_err() {
                counter!("settings_reload_failures_total").increment(1);
            }
            if keys.is_err() {
                counter!("secret_reload_failures_total").increment(1);
            }
            if let Some(error) = settings.news(flags) {
                tracing::warn!(error, "the settings were changed and are wrong: those of before hold");
            }
            if let Some(error) = secrets.news(keys) {
                tracing::warn!(error, "secrets cannot be read again: those of before hold");
            }
        }
    }

    fn flags(&self) -> Result<(), ConfigErrors> {
        self.flags.take_over(self.origin.read()?)
    }

    /// Reads the secrets again that may change: their files and Vault's token too.
    fn secrets(&self) -> Result<(), ConfigErrors> {
        let mut loader = Loader::new(self.origin.read()?, self.mode);
        let vault: VaultConfig = loader.section("vault");
        loader.resolve_with(Arc::new(Vault::new(&vault, self.mode)));
        let identity: IdentityConfig = loader.section("identity");
        loader.finish_part()?;
        // One that nobody set was made up at the start, and stays.
        let Some(current) = &identity.service_key else { return Ok(()) };
        if self.keys.take_over(current, identity.service_key_previous.as_ref(), &self.clock) {
            counter!("secret_rotations_total", "secret" => "identity.service_key").increment(1);
            let signs_in = identity.service_key_wait_secs;
            tracing::info!(signs_in, "identity.service_key was changed: the new one is accepted from now on");
        }
        Ok(())
    }
}

/// What was told of failures, so that each is told once.
#[derive(Default)]
struct Told(Option<String>);

impl Told {
    /// The failure, when it is another than the last.
    fn news(&mut self, outcome: Result<(), ConfigErrors>) -> Option<String> {
        match outcome {
            Ok(()) => {
                if self.0.take().is_some() {
                    tracing::info!("what could not be read again can be, and holds");
                }
                None
            }
            Err(errors) => {
                let error = errors.to_string();
                let new = self.0.as_ref() != Some(&error);
                self.0 = Some(error.clone());
                new.then_some(error)
            }
        }
    }
}
