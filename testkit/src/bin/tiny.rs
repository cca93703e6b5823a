//! The tiny services as a real process, with settings from the environment as the platform's own binary has them.

use chassis::config::Sources;
use chassis::run::{Platform, Targets};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use testkit::tiny::bench::{self, Measure};

/// The ledger and the counter of the tests.
#[derive(Debug, Parser)]
#[command(name = "tiny", version, about)]
struct Cli {
    /// What to run: all, or names with commas between
    #[arg(long, short, default_value = "all", value_name = "NAMES")]
    target: String,

    #[command(subcommand)]
    measure: Option<Bench>,
}

/// What `cargo xtask bench data` measures; each prints its figures as JSON.
#[derive(Debug, Subcommand)]
enum Bench {
    /// From the commit of an event to its handler
    #[command(hide = true, name = "bench-latency")]
    Latency {
        #[arg(long)]
        rate: u32,
        #[arg(long)]
        events: u32,
    },
    /// Events through outbox, bus, inbox and handler
    #[command(hide = true, name = "bench-throughput")]
    Throughput {
        #[arg(long)]
        events: u32,
    },
    /// What the database alone commits
    #[command(hide = true, name = "bench-commits")]
    Commits {
        #[arg(long)]
        rows: u32,
    },
    /// Sagas of five steps
    #[command(hide = true, name = "bench-sagas")]
    Sagas {
        #[arg(long)]
        sagas: u32,
        #[arg(long, default_value_t = 0)]
        open: u32,
        #[arg(long)]
        server: Option<u32>,
    },
}

impl From<Bench> for Measure {
    fn from(bench: Bench) -> Self {
        match bench {
            Bench::Latency { rate, events } => Self::Latency { rate, events },
            Bench::Throughput { events } => Self::Throughput { events },
            Bench::Commits { rows } => Self::Commits { rows },
            Bench::Sagas { sagas, open, server } => Self::Sagas { sagas, open, server },
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the result of the command")]
fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Some(measure) = cli.measure {
        println!("{}", bench::run(measure.into())?);
        return Ok(ExitCode::SUCCESS);
    }
    let services = testkit::tiny::ALL;
    let platform = Platform::load(services, Sources::read(None)?)?;
    let targets = Targets::parse(&cli.target, services)?;
    chassis::run::run(platform, &targets, env!("CARGO_PKG_VERSION"), |_| ())
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tiny: {error:#}");
            ExitCode::FAILURE
        }
    }
}
