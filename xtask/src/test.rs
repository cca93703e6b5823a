//! `cargo xtask test`: the servers, the build, the tests.

use crate::debian;
use crate::kafka;
use crate::process::{self, cargo, output};
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::process::Command;
use std::time::Instant;
use testkit::engines::{NATS_VARIABLE, POSTGRES_VARIABLE, REDIS_CLUSTER_VARIABLE, REDIS_VARIABLE};
use testkit::servers::{Nats, Postgres, Redis, RedisCluster};

/// How many tests the runner has at once, unless its arguments say so.
const THREADS_VARIABLE: &str = "NEXTEST_TEST_THREADS";

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask test                          everything
  cargo xtask test -p auth refresh          tests of crate auth whose name contains `refresh`
  cargo xtask test --filter 'test(/^api::/)' -p auth   a nextest expression; it comes first
  cargo xtask test --no-servers             on SQLite only: no package is installed, no server started
  cargo xtask test -- --test-threads 1      one after the other; without it three for two cores, eight at most

A server of your own is used instead of a private one when BOWLINE_TEST_POSTGRES, BOWLINE_TEST_REDIS,
BOWLINE_TEST_REDIS_CLUSTER or BOWLINE_TEST_NATS holds its URL.")]
pub(crate) struct Arguments {
    /// Only tests that match this nextest expression.
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Test on SQLite only, without Redis and NATS.
    #[arg(long)]
    no_servers: bool,
    /// Handed on to the test runner.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUNNER ARGUMENTS")]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut rest = arguments.rest.clone();
    if let Some(filter) = &arguments.filter {
        rest.extend(["-E".to_owned(), filter.clone()]);
    }
    test(&rest, !arguments.no_servers)
}

/// Runs the tests with these further arguments for the runner. The last line of the output is the runner's summary.
///
/// # Errors
/// A server did not start, the build failed, or a test failed.
pub(crate) fn test(rest: &[String], servers: bool) -> Result<()> {
    // Stopped when this function ends, however the tests ended.
    let (_postgres, _redis, _cluster, _nats);
    let mut command = runner(rest, servers)?;
    if servers {
        let wanted = |variable| std::env::var_os(variable).is_none_or(|url| url.is_empty());
        let (postgres, redis) = (wanted(POSTGRES_VARIABLE), wanted(REDIS_VARIABLE));
        let cluster = wanted(REDIS_CLUSTER_VARIABLE);
        let nats = wanted(NATS_VARIABLE);
        kafka::install_missing()?;
        install_missing(postgres, redis || cluster, nats)?;
        if postgres {
            let server = started("PostgreSQL", Postgres::start, Postgres::port)?;
            command.env(POSTGRES_VARIABLE, server.url("postgres"));
            _postgres = server;
        }
        if redis {
            let server = started("Redis", Redis::start, Redis::port)?;
            command.env(REDIS_VARIABLE, server.url());
            _redis = server;
        }
        if cluster {
            let server = started("Redis Cluster", RedisCluster::start, RedisCluster::port)?;
            command.env(REDIS_CLUSTER_VARIABLE, server.url());
            _cluster = server;
        }
        if nats {
            let server = started("NATS", Nats::start, Nats::port)?;
            command.env(NATS_VARIABLE, server.url());
            _nats = server;
        }
    }
    eprintln!("==> {}", process::words(&command));
    process::run(&mut command)
}

/// Installs the server programs that are wanted and missing.
///
/// # Errors
/// As [`debian::install_servers`].
pub(crate) fn install_missing(postgres: bool, redis: bool, nats: bool) -> Result<()> {
    let mut missing = Vec::new();
    if postgres && Postgres::installed().is_none() {
        missing.push("postgresql");
    }
    if redis && Redis::installed().is_none() {
        missing.push("redis-server");
    }
    if nats && Nats::installed().is_none() {
        missing.push("nats-server");
    }
    if missing.is_empty() { Ok(()) } else { debian::install_servers(&missing) }
}

fn started<S>(name: &str, start: impl FnOnce() -> Result<S>, port: impl FnOnce(&S) -> u16) -> Result<S> {
    let began = Instant::now();
    let server = start()?;
    if process::interrupted() {
        bail!("interrupted");
    }
    eprintln!("==> private {name} on port {} ({:.1} s)", port(&server), began.elapsed().as_secs_f32());
    Ok(server)
}

/// cargo-nextest, which runs each test in a process of its own: some tests set up what a process has once, such as
/// signals and telemetry.
fn runner(rest: &[String], with_kafka: bool) -> Result<Command> {
    if output("cargo-nextest", &["nextest", "--version"]).is_none() {
        eprintln!("==> building cargo-nextest, the test runner; this takes some minutes, once");
        process::run(&mut cargo(["install", "cargo-nextest", "--locked"]))?;
    }
    let mut command = cargo(["nextest", "run", "--no-tests=fail"]);
    if !names_a_package(rest) {
        command.arg("--workspace");
    }
    if with_kafka {
        command.args(kafka::features(rest));
    }
    if std::env::var_os(THREADS_VARIABLE).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        command.env(THREADS_VARIABLE, at_once(cores).to_string());
    }
    command.args(rest.iter().map(OsString::from));
    Ok(command)
}

/// How many tests run at once. Half of their time most tests wait, so there are three for two cores; of those that keep a
/// core busy one a core (`.config/nextest.toml`). More than the private servers have connections for would only wait for
/// those.
fn at_once(cores: usize) -> usize {
    const MOST: usize = 8;
    (3 * cores).div_ceil(2).min(MOST)
}

/// Whether only some packages are tested.
fn names_a_package(rest: &[String]) -> bool {
    let is_package = |word: &str| {
        word.starts_with("-p")
            || word == "--package"
            || word.starts_with("--package=")
            || word == "--workspace"
    };
    rest.iter().take_while(|word| *word != "--").any(|word| is_package(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_named(words: &[&str]) -> bool {
        names_a_package(&words.iter().map(|&w| w.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn three_tests_run_for_two_cores_and_no_more_than_the_servers_can_carry() {
        assert_eq!([1, 2, 4, 64].map(at_once), [2, 3, 6, 8]);
    }

    #[test]
    fn the_whole_workspace_is_tested_unless_a_package_is_named() {
        assert!(!is_named(&[]));
        assert!(!is_named(&["refresh", "--", "-p"]));
        assert!(is_named(&["-p", "auth"]));
        assert!(is_named(&["--package=auth"]));
    }
}
