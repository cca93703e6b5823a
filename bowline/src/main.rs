//! Bowline: a microservice platform in one binary. `bowline --help` says what it can do.

mod banner;
mod cli;
mod client;
mod commands;
mod demo;
mod prove;
mod services;
mod shopping;

use clap::Parser;
use std::process::ExitCode;

/// The version that `--version`, the banner and `/info` tell.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bowline: {error:#}");
            ExitCode::FAILURE
        }
    }
}
