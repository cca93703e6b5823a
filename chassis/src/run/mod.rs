//! The life of a process: boot, serve, stop.
//!
//! Boot: bind the operations and the public listener (an address in use ends it at once), open and migrate databases,
//! build services, connect them, start workers, serve, turn ready. There is no order among services: an absent peer is a
//! 503, never a deadlock.
//!
//! Stop, on SIGTERM, SIGINT or a worker's end: turn unready, wait `drain_secs`, stop accepting, let requests and workers
//! finish what they have in hand, close databases, flush traces. `stop_timeout_secs` bounds all of it; a second signal
//! ends the process at once.

mod assemble;
mod boot;
mod foundation;
mod halt;
mod offline;
mod reload;
mod secrets;
mod settings;

pub use assemble::Assembled;
pub use offline::{migrate, offline, offline_by_name};
pub use secrets::secret;
pub use settings::{Platform, ProcessConfig};

use crate::config::nearest;
use crate::service::Registration;
use crate::stop;
use crate::telemetry::{self, Telemetry};
use anyhow::{Context as _, bail};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// What a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets(Vec<&'static str>);

impl Targets {
    /// Parses `all` or names with commas between.
    ///
    /// # Errors
    /// For a name that no service has, with the nearest one.
    pub fn parse(text: &str, services: &[Registration]) -> anyhow::Result<Self> {
        let known = || services.iter().map(|service| service.spec.name);
        let mut names = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name == "all" {
                return Ok(Self(known().collect()));
            }
            let Some(found) = known().find(|known| *known == name) else {
                let hint = nearest(name, known()).map(|near| format!("; did you mean `{near}`?"));
                let hint = hint.unwrap_or_else(|| ".".to_owned());
                bail!(
                    "there is no target `{name}`{hint} There is: all, {}.",
                    known().collect::<Vec<_>>().join(", ")
                )
            };
            if !names.contains(&found) {
                names.push(found);
            }
        }
        if names.is_empty() {
            bail!("name at least one target: all, {}", known().collect::<Vec<_>>().join(", "));
        }
        Ok(Self(names))
    }

    pub(crate) fn one(name: &'static str) -> Self {
        Self(vec![name])
    }

    /// The names, in the order that they were given.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }

    /// Whether a service runs here.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// What is told when a process has become ready to serve.
#[derive(Debug, Clone)]
pub struct Started {
    /// Where the public listener is.
    pub public: SocketAddr,
    /// Where it speaks HTTPS, if it does.
    pub secure: Option<SocketAddr>,
    /// Where the operations listener is.
    pub ops: SocketAddr,
    /// Where each service keeps its data.
    pub databases: Vec<(&'static str, String)>,
    /// How long the boot took.
    pub took: Duration,
}

/// Runs services until the stop and says how it ended: 0 when it was asked to stop and nothing was cut off.
///
/// # Errors
/// When the boot fails.
pub fn run(
    platform: Platform,
    targets: &Targets,
    version: &'static str,
    on_start: impl FnOnce(&Started),
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("main")
        .build()
        .context("cannot make the runtime")?;
    let ended = runtime.block_on(async {
        let telemetry = telemetry::init(&platform.telemetry, version)?;
        let ended = serve(platform, targets, version, &telemetry, on_start).await;
        telemetry.shutdown().await;
        ended
    });
    // Dropping it would wait for blocking work that hangs, and the stop has a deadline.
    runtime.shutdown_timeout(Duration::from_millis(500));
    ended
}

async fn serve(
    platform: Platform,
    targets: &Targets,
    version: &'static str,
    telemetry: &Telemetry,
    on_start: impl FnOnce(&Started),
) -> anyhow::Result<ExitCode> {
    let mut signals = std::pin::pin!(stop::signals().context("cannot listen for signals")?);
    let running = tokio::select! {
        running = boot::boot(platform, targets, version, telemetry) => running?,
        signal = &mut signals => {
            tracing::info!(signal = signal.name(), "told to stop before it had started");
            return Ok(ExitCode::SUCCESS);
        }
    };
    on_start(&running.started);
    Ok(running.until_stopped(signals).await)
}
