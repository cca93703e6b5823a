//! `cargo xtask bench start`: how long until the platform is ready, and what it holds when idle.

use super::proc::{megabytes, memory, tree};
use super::proxies::bowline;
use super::{http, machine, median, table};
use crate::process::{Supervised, interrupted};
use anyhow::{Result, bail};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use testkit::Folder;
use testkit::servers::free_ports;

const AIM_MILLISECONDS: f64 = 100.0;
const AIM_MEGABYTES: f64 = 40.0;
/// From ready until the memory is looked at: what starting needed for a moment is given back by then.
const IDLE: Duration = Duration::from_secs(2);
const START_LIMIT: Duration = Duration::from_secs(30);
/// Between two questions whether it is ready: a hundredth of what is measured.
const PAUSE: Duration = Duration::from_micros(500);

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench start                   ten runs of a fresh release build
  cargo xtask bench start --no-build --runs 3   a quick look

A run is `bowline run` with its defaults in a temporary folder: everything in one process, on SQLite. Ready means that
GET /ready on the operations port answers 200.")]
pub(crate) struct Arguments {
    /// Starts of each kind.
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
}

/// What one start cost.
struct Start {
    milliseconds: f64,
    megabytes: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let binary = super::bowline(arguments.no_build)?;
    let machine = machine();
    let kept = Folder::new("bench")?;
    let (mut first, mut again) = (Vec::new(), Vec::new());
    start(&binary, kept.path())?;
    for run in 1..=arguments.runs {
        eprintln!("==> run {run} of {}", arguments.runs);
        first.push(start(&binary, Folder::new("bench")?.path())?);
        again.push(start(&binary, kept.path())?);
    }
    report(&binary, &first, &again, &machine)
}

fn start(binary: &Path, home: &Path) -> Result<Start> {
    let [port, ops_port] = free_ports()?;
    let mut command = bowline(binary, home, port, ops_port);
    let log = File::create(home.join("log"))?;
    command.arg("run").current_dir(home).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let begin = Instant::now();
    let mut process = Supervised::spawn(&mut command)?;
    while http::status(ops_port, "/ready").ok() != Some(200) {
        if !process.is_running() || begin.elapsed() > START_LIMIT || interrupted() {
            bail!("bowline was not ready:\n{}", std::fs::read_to_string(home.join("log"))?);
        }
        std::thread::sleep(PAUSE);
    }
    let ready = begin.elapsed();
    std::thread::sleep(IDLE);
    let memory = memory(&tree(process.id())?)?;
    if !process.stop()? {
        bail!("bowline did not stop in order:\n{}", std::fs::read_to_string(home.join("log"))?);
    }
    Ok(Start { milliseconds: ready.as_secs_f64() * 1e3, megabytes: megabytes(memory) })
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(binary: &Path, first: &[Start], again: &[Start], machine: &str) -> Result<()> {
    let times = |starts: &[Start]| starts.iter().map(|s| s.milliseconds).collect::<Vec<_>>();
    let memory: Vec<_> = again.iter().map(|s| s.megabytes).collect();
    let rows = [
        row("exec to ready, new data folder", &times(first), "ms", AIM_MILLISECONDS),
        row("exec to ready, started before", &times(again), "ms", AIM_MILLISECONDS),
        row("idle memory, 2 s after", &memory, "MB", AIM_MEGABYTES),
    ];
    println!(
        "\nbowline run, {} starts each; the binary has {:.1} MB",
        first.len(),
        megabytes(binary.metadata()?.len())
    );
    println!("{machine}\n");
    println!("{}", table::render(["", "median", "min", "max", "aim", ""], &rows));
    Ok(())
}

fn row(name: &str, values: &[f64], unit: &str, aim: f64) -> [String; 6] {
    let show = |value: f64| format!("{value:.1} {unit}");
    let middle = median(values);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    let verdict = if middle <= aim { "met" } else { "missed" };
    [name.to_owned(), show(middle), show(least), show(most), format!("{aim:.0} {unit}"), verdict.to_owned()]
}
