//! `cargo xtask bench`: what a release build costs, in figures that can be taken again.
//!
//! What must hold: everything that is compared ran in the same minutes on the same machine, by turns; a run with a
//! single wrong answer is no result; the figures of a busy machine are worth nothing, so the load is shown beside them.

mod checkout;
mod credentials;
mod data;
mod gateway;
pub(crate) mod http;
mod live;
mod load;
mod proc;
mod proxies;
mod requests;
mod soak;
mod start;
pub(crate) mod table;
pub(crate) mod upstream;
mod wire;

use crate::process::{self, cargo};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    /// From exec to ready, and the memory of an idle process.
    Start(start::Arguments),
    /// Events and sagas: latency, throughput, beside what the database alone commits.
    Data(data::Arguments),
    /// Requests: what each layer costs, a call to a peer, operations a second, what timeouts leave behind.
    Requests(requests::Arguments),
    /// Orders a second and products read a second, beside the database alone and a bare handler behind nginx.
    Checkout(checkout::Arguments),
    /// Ten thousand WebSocket clients on one gateway: memory of each, and how late messages reach them.
    Live(live::Arguments),
    /// CPU time a request of the gateway in front of a trivial upstream, beside nginx, HAProxy and Caddy.
    Gateway(gateway::Arguments),
    /// A million requests through the gateway, some of which time out: memory, and connections that are used again.
    Soak(soak::Arguments),
}

pub(crate) fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Start(arguments) => start::run(arguments),
        Bench::Data(arguments) => data::run(arguments),
        Bench::Requests(arguments) => requests::run(arguments),
        Bench::Checkout(arguments) => checkout::run(arguments),
        Bench::Live(arguments) => live::run(arguments),
        Bench::Gateway(arguments) => gateway::run(arguments),
        Bench::Soak(arguments) => soak::run(arguments),
    }
}

/// The binary that was named; without one the release build.
fn binary(named: Option<&Path>, no_build: bool) -> Result<PathBuf> {
    match named {
        Some(path) if !path.is_file() => bail!("there is no binary at {}", path.display()),
        // Processes are started in folders of their own.
        Some(path) => Ok(std::path::absolute(path)?),
        None => bowline(no_build),
    }
}

/// The release binary, built first unless it is taken as it is.
fn bowline(no_build: bool) -> Result<PathBuf> {
    if !no_build {
        eprintln!("==> release build (minutes, when it is the first)");
        process::run(&mut cargo(["build", "--release", "--locked", "--package", "bowline"]))?;
    }
    let output = cargo(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .output()
        .context("cannot run cargo")?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    let binary = PathBuf::from(target).join("release/bowline");
    if !binary.is_file() {
        bail!("there is no release build; run this without --no-build");
    }
    Ok(binary)
}

/// What else keeps the machine busy, and what it is: without it the figures say little.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let load = read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned();
    let cpuinfo = read("/proc/cpuinfo");
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, {}, load before the run {load}", model.trim_start_matches(['\t', ' ', ':']))
}

/// The middle value; the mean of the two middle ones where the count is even.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!(median(&[]).is_nan());
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
