//! Measurements of the request side, inside one process, without a load generator: what each layer costs a request, what
//! a call to a peer costs, how many operations a second the parts do, and what very many timeouts leave behind.
//!
//! `cargo xtask bench requests` runs each of them in a process of its own, with settings that switch layers on and off,
//! and puts the figures into a table. Requests go straight to what stands behind the listener: the kernel's part is the
//! same for everybody and measured by `cargo xtask bench gateway`.

mod asked;
mod gauge;
mod ground;
mod layers;
mod operations;
mod peers;
mod timeouts;

pub use layers::Ask;
pub use timeouts::Never;

use anyhow::Context as _;
use chassis::telemetry::{self, TelemetryConfig};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What is measured on the request side.
#[derive(Debug, Clone)]
pub enum Requests {
    /// A request as it passes the layers.
    Layers(Ask),
    /// A call to a peer in this process.
    PeerInProcess,
    /// The same call over HTTP.
    PeerOverHttp,
    /// What the parts do in a second.
    Operations,
    /// This many requests that end by their deadline.
    Timeouts(Never, usize),
}

/// What the process says of itself meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Telling {
    /// Nothing.
    Nothing,
    /// It counts.
    Metrics,
    /// It counts and writes a line a request, which goes nowhere.
    Log,
}

/// Measures with these settings, and returns the figures.
///
/// # Errors
/// When the services cannot be built, or one answer is another than expected.
pub fn run(
    what: &Requests,
    telling: Telling,
    long: Duration,
    settings: &[(String, String)],
) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tell(telling)?;
        match what {
            Requests::Layers(ask) => layers::measure(*ask, long, settings).await,
            Requests::PeerInProcess => peers::measure(false, long, settings).await,
            Requests::PeerOverHttp => peers::measure(true, long, settings).await,
            Requests::Operations => operations::measure(long, settings).await,
            Requests::Timeouts(never, requests) => timeouts::measure(*never, *requests, settings).await,
        }
    })
}

fn tell(telling: Telling) -> anyhow::Result<()> {
    let level = match telling {
        Telling::Nothing => return Ok(()),
        Telling::Metrics => "off",
        Telling::Log => "info",
    };
    let config = TelemetryConfig { log_level: level.to_owned(), ..TelemetryConfig::default() };
    let bytes = AtomicUsize::new(0);
    let sink = Arc::new(move |line: &[u8]| {
        bytes.fetch_add(line.len(), Ordering::Relaxed);
    });
    let (dispatch, _) = telemetry::scoped(&config, env!("CARGO_PKG_VERSION"), sink)?;
    tracing::dispatcher::set_global_default(dispatch).context("it was said before what to tell")
}
