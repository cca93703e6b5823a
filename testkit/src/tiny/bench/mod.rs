//! Measurements of the data side, inside one process, so that one clock sees both ends.
//!
//! The service `probe` stands on the chassis like any other: its own database, its outbox, a subscription to its own
//! events over whatever bus the settings name. `cargo xtask bench data` starts the servers, runs each measurement in a
//! process of its own, and puts the figures into a table.
//!
//! What must hold: a figure counts work that has been committed, and a run in which anything is missing is an error.

pub mod bare;
mod commits;
mod cpu;
pub mod herald;
mod latency;
mod probe;
pub mod requests;
mod sagas;
mod throughput;

use anyhow::Context as _;
use chassis::clock::Clock;
use chassis::config::Sources;
use chassis::run::{Assembled, Platform, Targets};
use chassis::service::Registration;
use chassis::stop;
use probe::Probe;
use serde_json::Value;
use std::time::Duration;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// From the commit of an event to its handler, at `rate` events a second.
    Latency {
        /// Events a second.
        rate: u32,
        /// How many events.
        events: u32,
    },
    /// Events through outbox, bus, inbox and handler, as fast as they go.
    Throughput {
        /// How many events.
        events: u32,
    },
    /// What the database alone commits: single inserts, and inserts in batches.
    Commits {
        /// How many rows of each.
        rows: u32,
    },
    /// Sagas of five steps, as fast as they go.
    Sagas {
        /// How many.
        sagas: u32,
        /// How many others wait meanwhile.
        open: u32,
        /// The process id of the database server, whose CPU time counts too.
        server: Option<u32>,
    },
}

/// Measures with the settings of the environment, and returns the figures.
///
/// # Errors
/// When the services cannot be built, or something did not come through.
pub fn run(measure: Measure) -> anyhow::Result<Value> {
    let services = [Registration::of::<Probe>()];
    let platform = Platform::load(&services, Sources::read(None)?)?;
    let targets = Targets::parse("all", &services)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (stopper, stop) = stop::channel();
        let assembled = Assembled::of(platform, &targets, None, Clock::system(), stop).await?;
        let means = probe::means().context("the probe was not built")?;
        let figures = match measure {
            Measure::Latency { rate, events } => latency::measure(&means, rate, events).await,
            Measure::Throughput { events } => throughput::measure(&means, events).await,
            Measure::Commits { rows } => commits::measure(&means, rows).await,
            Measure::Sagas { sagas, open, server } => sagas::measure(&means, sagas, open, server).await,
        };
        stopper.stop();
        drop(assembled);
        figures
    })
}

/// Tasks that publish or insert at once: what a busy service has in hand.
const TASKS: u32 = 32;
/// Not measured: connections, prepared statements, the first lease.
const WARM_UP: u32 = 100;
/// Nothing that is measured takes this long unless it hangs.
const LIMIT: Duration = Duration::from_secs(120);
