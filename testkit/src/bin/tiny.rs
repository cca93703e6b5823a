//! The tiny services as a real process, with settings from the environment as the platform's own binary has them.

use chassis::config::Sources;
use chassis::run::{Platform, Targets};
use clap::Parser;
use std::process::ExitCode;
use testkit::tiny::ALL;

/// The ledger and the counter of the tests.
#[derive(Debug, Parser)]
#[command(name = "tiny", version, about)]
struct Cli {
    /// What to run: all, or names with commas between
    #[arg(long, short, default_value = "all", value_name = "NAMES")]
    target: String,
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let platform = Platform::load(ALL, Sources::read(None)?)?;
    let targets = Targets::parse(&cli.target, ALL)?;
    chassis::run::run(platform, &targets, env!("CARGO_PKG_VERSION"), |_| ())
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tiny: {error:#}");
            ExitCode::FAILURE
        }
    }
}
