//! What is read again while the process runs: the settings that may change without a restart.

use crate::config::Origin;
use crate::flags::Flags;
use crate::stop::Stop;
use metrics::counter;
use std::time::Duration;
use tokio::time::sleep;

/// What follows the settings.
pub(super) struct Reload {
    pub(super) origin: Origin,
    pub(super) every: Duration,
    pub(super) flags: Flags,
}

impl Reload {
    /// Reads again until the process stops. What cannot be read, or is wrong, changes nothing and is told once.
    pub(super) async fn follow(self, stop: Stop) {
        let mut wrong = None;
        loop {
            tokio::select! {
                () = sleep(self.every) => {}
                () = stop.stopping() => return,
            }
            let (origin, flags) = (self.origin.clone(), self.flags.clone());
            // A disk, or a network behind it, may take its time.
            let reading = tokio::task::spawn_blocking(move || flags.take_over(origin.read()?));
            let outcome = match reading.await {
                Ok(outcome) => outcome.map_err(|errors| errors.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match outcome {
                Ok(()) if wrong.take().is_some() => {
                    tracing::info!("the settings can be read again, and hold");
                }
                Ok(()) => {}
                Err(error) => {
                    counter!("settings_reload_failures_total").increment(1);
                    if wrong.as_ref() != Some(&error) {
                        tracing::warn!(
                            error,
                            "the settings were changed and are wrong: those of before hold"
                        );
                        wrong = Some(error);
                    }
                }
            }
        }
    }
}
