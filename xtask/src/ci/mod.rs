//! `cargo xtask ci`: what every change must pass, the cheapest check first.
//!
//! Before the tests, processes are killed for some minutes (`cargo xtask prove`, in short). The tests come last and print
//! the runner's own summary, so that the last line says how many tests ran. Lints and docs share one set of checked
//! dependencies; doctests, proof and tests one set of built ones, with the binaries that belong to it: all with the
//! feature `kafka`.

mod files;
mod links;

use crate::kafka;
use crate::process::{self, cargo, output};
use crate::prove;
use crate::test;
use anyhow::{Result, bail};
use std::process::Command;
use std::time::Instant;

/// Runs all steps; stops at the first that fails.
///
/// # Errors
/// A step failed; the message says which, and how to run it alone.
pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    command("format", cargo(["fmt", "--all", "--check"]), "to repair it: cargo fmt --all")?;
    step("files", "", files::check)?;
    step("links", "", links::check)?;
    kafka::install_missing()?;
    let mut clippy = cargo(["clippy", "--workspace", "--all-targets", "--locked"]);
    clippy.args(kafka::features(&[])).args(["--", "-D", "warnings"]);
    command("lints", clippy, "")?;
    let mut doc = cargo(["doc", "--workspace", "--no-deps", "--locked"]);
    doc.args(kafka::features(&[]));
    doc.env("RUSTDOCFLAGS", "-D warnings");
    command("docs", doc, "with RUSTDOCFLAGS='-D warnings'")?;
    if installed("cargo-deny") {
        command("licences and advisories", cargo(["deny", "--workspace", "check"]), "")?;
    }
    if installed("cargo-machete") {
        command("unused dependencies", cargo(["machete"]), "")?;
    }
    let mut build = cargo(["test", "--workspace", "--no-run", "--locked"]);
    build.args(kafka::features(&[]));
    command("build of the tests", build, "")?;
    let mut doctests = cargo(["test", "--workspace", "--doc", "--locked", "--quiet"]);
    doctests.args(kafka::features(&[]));
    command("doctests", doctests, "")?;
    step("a short proof", "cargo xtask prove --quick, or with the seed above", prove::in_short)?;
    eprintln!("==> everything but the tests passed ({:.0} s)", started.elapsed().as_secs_f32());
    step_tests()
}

/// Without a line after it: the runner's summary is the last one.
fn step_tests() -> Result<()> {
    test::test(&["--locked".to_owned()], true)
        .or_else(|e| bail!("step tests: {e:#}\n  to repeat one: cargo xtask test <name>"))
}

fn installed(tool: &str) -> bool {
    let name = tool.trim_start_matches("cargo-");
    let found = output(tool, &[name, "--version"]).is_some() || output(tool, &["--version"]).is_some();
    if !found {
        eprintln!("==> {tool}: skipped, not installed (`cargo install {tool} --locked`)");
    }
    found
}

/// `remedy` is what to type to repair or repeat the step, where it is not the command itself.
fn command(name: &str, mut command: Command, remedy: &str) -> Result<()> {
    step(name, remedy, || process::run(&mut command))
}

fn step(name: &str, remedy: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    eprintln!("==> {name}");
    let started = Instant::now();
    if let Err(e) = check() {
        let remedy = if remedy.is_empty() { String::new() } else { format!("\n  {remedy}") };
        bail!("step {name}: {e:#}{remedy}");
    }
    eprintln!("    {name}: {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}
