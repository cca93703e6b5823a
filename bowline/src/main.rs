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
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A request takes its memory on one thread and gives it back there, which this one makes cheap (docs/performance.md).
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

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
