//! `bowline catalog`.

use super::say;
use anyhow::{Context as _, ensure};
use catalog::import::{Manner, Outcome, import};
use chassis::run::Platform;
use clap::{Args, Subcommand};
use contract::identity::{Permission, Role};
use contract::ids::UserId;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  bowline catalog import products.csv --vendor shop@example.org --dry-run
  bowline catalog import products.json --vendor shop@example.org

A CSV file begins with the names of its columns: sku, and of name, price, currency, slug, description, category, brand,
active, featured, images and attributes those that it has. A JSON file is an array, or has an object on each line:
  {\"sku\": \"LAMP-1\", \"name\": \"Desk lamp\", \"price\": {\"amount\": 1999, \"currency\": \"EUR\"}, \"category\": \"lighting\"}
Products are known again by their sku. What a line does not say, or an empty cell, stays as it is.";

/// Manage products
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make and change products of a vendor from a CSV or JSON file
    #[command(after_help = EXAMPLES)]
    Import(Import),
}

#[derive(Debug, Args)]
struct Import {
    /// The file; it ends in .csv, .json, .jsonl or .ndjson
    file: PathBuf,
    /// Whose products they are: the e-mail address or the id of an account
    #[arg(long)]
    vendor: String,
    /// Say what would be done and what is wrong, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Import what is right although some lines are wrong
    #[arg(long)]
    skip_bad: bool,
}

impl Catalog {
    pub(crate) fn run(self, platform: impl Fn() -> anyhow::Result<Platform>) -> anyhow::Result<ExitCode> {
        let Command::Import(wanted) = self.command;
        let vendor = vendor(&wanted.vendor, &platform)?;
        let manner = Manner { vendor, dry_run: wanted.dry_run, skip_bad: wanted.skip_bad };
        let progress = Progress::begin();
        let outcome = import(platform()?, &wanted.file, manner, |outcome| progress.tell(outcome));
        progress.end();
        report(&outcome?, &manner)
    }
}

/// An id is taken as it is; an address is that of an account that may sell.
fn vendor(named: &str, platform: &impl Fn() -> anyhow::Result<Platform>) -> anyhow::Result<UserId> {
    if let Ok(id) = named.parse() {
        return Ok(id);
    }
    let found = auth::commands::find_account(platform()?, named)?;
    let (id, roles) = found.with_context(|| format!("{named}: there is no such account"))?;
    let sells = |role: &Role| Permission::SellProducts.roles().contains(role);
    ensure!(
        roles.iter().any(sells),
        "{named}: the account may not sell; an administrator gives it the role vendor"
    );
    Ok(id)
}

fn report(outcome: &Outcome, manner: &Manner) -> anyhow::Result<ExitCode> {
    for problem in &outcome.problems {
        eprintln!("{problem}");
    }
    let Outcome { lines, new, changed, same, .. } = outcome;
    let told = format!("{new} new, {changed} changed, {same} as before");
    let wrong =
        outcome.problems.iter().map(|problem| problem.line).collect::<std::collections::BTreeSet<_>>().len();
    match (manner.dry_run, outcome.refused) {
        (true, _) => {
            say(format_args!("{lines} lines: {told}, {wrong} wrong; nothing was changed (--dry-run)"))?
        }
        (false, false) => say(format_args!("{lines} lines: {told}, {wrong} wrong"))?,
        (false, true) => say(format_args!(
            "{wrong} of {lines} lines are wrong, so nothing was changed; --skip-bad imports the others"
        ))?,
    }
    Ok(if outcome.refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A bar on a terminal, a line now and then elsewhere.
struct Progress(Option<ProgressBar>);

/// Lines of a file between two lines of progress, where there is no terminal.
const STEP: u64 = 1_000;

impl Progress {
    fn begin() -> Self {
        let style = "{msg:8} [{bar:40}] {pos}/{len} lines, {eta} left";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = || ProgressBar::new(0).with_style(style.progress_chars("=> "));
        Self(std::io::stderr().is_terminal().then(bar))
    }

    fn tell(&self, outcome: &Outcome) {
        let writing = outcome.written > 0;
        let (done, all, what) = match writing {
            true => (outcome.written, outcome.to_write, "writing"),
            false => (outcome.checked, outcome.lines, "checking"),
        };
        match &self.0 {
            Some(bar) => {
                bar.set_length(all);
                bar.set_message(what);
                bar.set_position(done);
            }
            None if done == all || done % STEP == 0 => eprintln!("{what}: {done} of {all} lines"),
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
