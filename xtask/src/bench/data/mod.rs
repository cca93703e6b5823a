//! `cargo xtask bench data`: what the data side does, beside what the database alone can do in the same minutes.
//!
//! Every measurement is a process of its own with a fresh database and fresh topics, on servers that commit to the disk:
//! PostgreSQL with fsync, SQLite with synchronous=full. It measures itself, so that one clock sees both ends, and
//! prints its figures as JSON.

mod events;
mod ground;
mod sagas;

use super::machine;
use crate::process::Hold;
use crate::prove::build::{Profile, Tiny};
use anyhow::Result;
pub(super) use ground::{Ground, middle, verdict};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench data                        everything, three rounds of a fresh release build
  cargo xtask bench data --rounds 1 --no-build  a quick look with the release build as it is
  cargo xtask bench data --only sagas           one of: latency, throughput, sagas

Dapr publishes 57 to 98 workflows a second for its own engine; the aims here are 300 sagas of five steps a second and
core on PostgreSQL, and 150 on SQLite with full sync.")]
pub(crate) struct Arguments {
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Events of one throughput run; latency takes a tenth.
    #[arg(long, default_value_t = 10_000)]
    events: u32,
    /// Sagas of one run.
    #[arg(long, default_value_t = 2_000)]
    sagas: u32,
    /// Only this measurement.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }
}

/// Measures and prints.
///
/// # Errors
/// When a server does not start, or a run was incomplete.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let _hold = Hold::new();
    let tiny = Tiny::build(Profile::Release, arguments.no_build)?;
    let machine = machine();
    let ground = Ground::lay(tiny)?;
    println!("{machine}");
    println!("SQLite with synchronous=full, PostgreSQL with fsync; median of {} rounds", arguments.rounds);
    if arguments.wants("latency") {
        events::latency(arguments, &ground)?;
    }
    if arguments.wants("throughput") {
        events::throughput(arguments, &ground)?;
    }
    if arguments.wants("sagas") {
        sagas::run(arguments, &ground)?;
    }
    Ok(())
}
