//! `cargo xtask`: the development tasks that need more than one cargo command.
//!
//! What must hold: it builds in seconds (it depends on nothing of the platform but the standard-library part of
//! `testkit`, and on the same cryptography as the platform for what `bench` shows under load), it leaves no process behind, and
//! what it says on failure is enough to do the same step by hand.

mod bench;
mod ci;
mod debian;
mod kafka;
mod process;
mod prove;
mod test;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use std::path::Path;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Development tasks of Bowline", version)]
#[command(after_help = "Examples:
  cargo xtask test                    all tests, on SQLite and on a private PostgreSQL
  cargo xtask test -p auth            the tests of one crate
  cargo xtask ci                      what every change must pass, cheapest first
  cargo xtask prove --quick           kills and outages under load: nothing is lost or doubled
  cargo xtask bench start             what starting and idling cost
  cargo xtask bench gateway           what the gateway costs a request, beside other proxies")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Starts the servers that tests need, builds, and runs the tests.
    Test(test::Arguments),
    /// Runs everything that a change must pass: format, files, links, lints, docs, licences, tests.
    Ci,
    /// Kills processes and stops servers under load, then compares the books entry by entry.
    Prove(prove::Arguments),
    /// Measures a release build against its aims and against others.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// The trivial upstream of `bench gateway`, in a process of its own.
    #[command(hide = true)]
    BenchUpstream(bench::upstream::Arguments),
}

fn run(task: Task) -> Result<()> {
    // cargo says where the manifest is; the paths of every task start at the workspace's root, one folder above.
    if let Some(root) =
        std::env::var_os("CARGO_MANIFEST_DIR").as_deref().and_then(|xtask| Path::new(xtask).parent())
    {
        std::env::set_current_dir(root).context("cannot enter the workspace's folder")?;
    }
    process::forward_signals()?;
    match task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Ci => ci::run(),
        Task::Prove(arguments) => prove::run(&arguments),
        Task::Bench(bench) => bench::run(&bench),
        Task::BenchUpstream(arguments) => bench::upstream::run(&arguments),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if process::interrupted() => ExitCode::from(130),
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
