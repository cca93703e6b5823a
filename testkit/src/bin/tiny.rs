//! The tiny services as a real process, with settings from the environment as the platform's own binary has them.

use chassis::config::Sources;
use chassis::run::{Platform, Targets};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::time::Duration;
use testkit::tiny::bench::requests::{self, Ask, Never, Requests, Telling};
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

/// What `cargo xtask bench data` and `bench requests` measure; each prints its figures as JSON.
#[derive(Debug, Subcommand)]
enum Bench {
    /// The request side
    #[command(hide = true, name = "bench-requests")]
    Requests {
        #[command(subcommand)]
        what: Side,
        #[arg(long, global = true, value_enum, default_value_t = Telling::Nothing)]
        telling: Telling,
        #[arg(long, global = true, default_value_t = 2.0)]
        seconds: f64,
        /// A setting, such as BOWLINE_HTTP__COMPRESSION=false
        #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = setting)]
        settings: Vec<(String, String)>,
    },
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
    /// A bare handler that answers every path with a file, for `cargo xtask bench checkout`
    #[command(hide = true, name = "bench-bare")]
    Bare {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        body: std::path::PathBuf,
    },
    /// What publishes to very many people, for `cargo xtask bench live`
    #[command(hide = true, name = "bench-herald")]
    Herald,
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

#[derive(Debug, Subcommand)]
enum Side {
    /// A request through the layers
    Layers {
        #[arg(value_enum)]
        ask: Ask,
    },
    /// A call in this process
    PeerInProcess,
    /// A call over HTTP
    PeerOverHttp,
    /// Parts on their own
    Operations,
    /// Requests that end by their deadline
    Timeouts {
        #[arg(value_enum)]
        never: Never,
        #[arg(long)]
        requests: usize,
    },
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be like NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn figures(bench: Bench) -> anyhow::Result<serde_json::Value> {
    match bench {
        Bench::Requests { what, telling, seconds, settings } => {
            let what = match what {
                Side::Layers { ask } => Requests::Layers(ask),
                Side::PeerInProcess => Requests::PeerInProcess,
                Side::PeerOverHttp => Requests::PeerOverHttp,
                Side::Operations => Requests::Operations,
                Side::Timeouts { never, requests } => Requests::Timeouts(never, requests),
            };
            requests::run(&what, telling, Duration::from_secs_f64(seconds), &settings)
        }
        Bench::Latency { rate, events } => bench::run(Measure::Latency { rate, events }),
        Bench::Throughput { events } => bench::run(Measure::Throughput { events }),
        Bench::Commits { rows } => bench::run(Measure::Commits { rows }),
        Bench::Bare { port, body } => bench::bare::serve(port, &body),
        Bench::Herald => bench::herald::serve(),
        Bench::Sagas { sagas, open, server } => bench::run(Measure::Sagas { sagas, open, server }),
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the result of the command")]
fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Some(measure) = cli.measure {
        println!("{}", figures(measure)?);
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
