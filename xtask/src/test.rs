//! `cargo xtask test`: the servers, the build, the tests.

use crate::debian;
use crate::process::{self, cargo, output};
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::process::Command;
use std::time::Instant;
use testkit::engines::POSTGRES_VARIABLE;
use testkit::servers::Postgres;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask test                          everything
  cargo xtask test -p auth refresh          tests of crate auth whose name contains `refresh`
  cargo xtask test --filter 'test(/^api::/)'   a nextest expression
  cargo xtask test --no-postgres            on SQLite only: no package is installed, no server started

A server of your own is used instead of a private one when BOWLINE_TEST_POSTGRES holds its URL.")]
pub(crate) struct Arguments {
    /// Only tests that match this nextest expression.
    #[arg(long, value_name = "EXPRESSION")]
    filter: Option<String>,
    /// Test on SQLite only.
    #[arg(long)]
    no_postgres: bool,
    /// Handed on to the test runner.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "RUNNER ARGUMENTS")]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut rest = arguments.rest.clone();
    if let Some(filter) = &arguments.filter {
        rest.extend(["-E".to_owned(), filter.clone()]);
    }
    test(&rest, !arguments.no_postgres)
}

/// Runs the tests with these further arguments for the runner. The last line of the output is the runner's summary.
///
/// # Errors
/// A server did not start, the build failed, or a test failed.
pub(crate) fn test(rest: &[String], postgres: bool) -> Result<()> {
    // Stopped when this function ends, however the tests ended.
    let _server;
    let mut command = runner(rest);
    if postgres && std::env::var_os(POSTGRES_VARIABLE).is_none_or(|url| url.is_empty()) {
        let server = start_postgres()?;
        command.env(POSTGRES_VARIABLE, server.url("postgres"));
        _server = server;
    }
    eprintln!("==> {}", process::words(&command));
    process::run(&mut command)
}

fn start_postgres() -> Result<Postgres> {
    if Postgres::installed().is_none() {
        debian::install_postgres()?;
    }
    let started = Instant::now();
    let server = Postgres::start()?;
    if process::interrupted() {
        bail!("interrupted");
    }
    eprintln!("==> private PostgreSQL on port {} ({:.1} s)", server.port(), started.elapsed().as_secs_f32());
    Ok(server)
}

/// cargo-nextest where it is installed, otherwise cargo's own runner. nextest is not installed here: building it takes
/// longer than what it saves in one run.
fn runner(rest: &[String]) -> Command {
    let has_nextest = output("cargo-nextest", &["nextest", "--version"]).is_some();
    let mut command = if has_nextest {
        cargo(["nextest", "run", "--no-tests=fail"])
    } else {
        eprintln!(
            "==> cargo-nextest is not installed (`cargo install cargo-nextest --locked`): using `cargo test`"
        );
        cargo(["test", "--no-fail-fast"])
    };
    if !names_a_package(rest) {
        command.arg("--workspace");
    }
    command.args(rest.iter().map(OsString::from));
    command
}

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
    fn the_whole_workspace_is_tested_unless_a_package_is_named() {
        assert!(!is_named(&[]));
        assert!(!is_named(&["refresh", "--", "-p"]));
        assert!(is_named(&["-p", "auth"]));
        assert!(is_named(&["--package=auth"]));
    }
}
