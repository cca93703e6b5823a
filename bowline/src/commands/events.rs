//! `bowline events`.

use super::say;
use anyhow::{Context as _, ensure};
use chassis::events::{DeadLetter, DeadLetters, Filter};
use chassis::http::Page;
use chassis::operator::{self, Operator};
use chassis::run::{Platform, offline_by_name};
use chassis::service::Context;
use clap::{Args, Subcommand};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  bowline events causes --service orders              why events were given up, and how many
  bowline events list --service orders --cause 'no such product'
  bowline events show --service orders 17             the event, and every failure
  bowline events replay --service orders 17 --by ann --reason 'the product is there now'
  bowline events replay --service orders --cause 'no such product' --by ann --reason 'import was late'
  bowline events edit --service orders 17 --data fixed.json --by ann --reason 'a wrong currency'

A running platform on the same database goes on meanwhile and takes up what is replayed.";

/// Look at events that were given up, and send them through again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Events {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Which {
    /// The service that gave the events up
    #[arg(long)]
    service: String,
}

#[derive(Debug, Args)]
struct Matching {
    /// Only those of this subscription
    #[arg(long)]
    handler: Option<String>,
    /// Only those whose cause begins with this
    #[arg(long)]
    cause: Option<String>,
}

/// Who does something to events, sagas or jobs, and why.
#[derive(Debug, Args)]
pub(super) struct Deed {
    /// Who does it; kept in the operator log
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why; kept in the operator log
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Count dead letters by subscription and cause
    Causes {
        #[command(flatten)]
        which: Which,
    },
    /// List the newest dead letters
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        matching: Matching,
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show one dead letter: the event, the errors, the times
    Show {
        #[command(flatten)]
        which: Which,
        /// Its number, as `list` shows it
        number: i64,
    },
    /// Have one dead letter, or all that match, handled again
    Replay {
        #[command(flatten)]
        which: Which,
        /// Its number, as `list` shows it; without it all that match
        number: Option<i64>,
        #[command(flatten)]
        matching: Matching,
        #[command(flatten)]
        deed: Deed,
    },
    /// Change the data of one dead letter and have it handled again
    Edit {
        #[command(flatten)]
        which: Which,
        /// Its number, as `list` shows it
        number: i64,
        /// A file with the new data as JSON; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        data: PathBuf,
        #[command(flatten)]
        deed: Deed,
    },
    /// Show what operators did to events, sagas and jobs, newest first
    Log {
        #[command(flatten)]
        which: Which,
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
}

impl Events {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let service = self.command.service().to_owned();
        offline_by_name(platform, &service, |context| self.command.run(context))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Command {
    fn service(&self) -> &str {
        match self {
            Self::Causes { which }
            | Self::List { which, .. }
            | Self::Show { which, .. }
            | Self::Replay { which, .. }
            | Self::Edit { which, .. }
            | Self::Log { which, .. } => &which.service,
        }
    }

    async fn run(self, context: Context) -> anyhow::Result<()> {
        let letters = context.dead_letters()?;
        match self {
            Self::Causes { .. } => causes(&letters).await,
            Self::List { matching, limit, .. } => list(&letters, &matching.into(), limit).await,
            Self::Show { number, .. } => {
                let letter = letters.find(number).await?;
                show(&letter.with_context(|| format!("there is no dead letter {number}"))?)
            }
            Self::Replay { number: Some(number), deed, .. } => {
                letters.replay(number, &deed.into()).await?;
                say(format_args!("{number} will be handled again"))
            }
            Self::Replay { number: None, matching, deed, .. } => {
                let filter = Filter::from(matching);
                ensure!(
                    filter.handler.is_some() || filter.cause.is_some(),
                    "say which: a number, --cause or --handler"
                );
                let count = letters.replay_many(&filter, &deed.into()).await?;
                say(format_args!("{count} will be handled again"))
            }
            Self::Edit { number, data, deed, .. } => {
                letters.edit_and_replay(number, &read(&data)?, &deed.into()).await?;
                say(format_args!("{number} was changed and will be handled again"))
            }
            Self::Log { limit, .. } => log(&context, limit).await,
        }
    }
}

impl From<Matching> for Filter {
    fn from(Matching { handler, cause }: Matching) -> Self {
        Self { handler, cause }
    }
}

impl From<Deed> for Operator {
    fn from(Deed { by, reason }: Deed) -> Self {
        Self { who: by, reason }
    }
}

async fn causes(letters: &DeadLetters) -> anyhow::Result<()> {
    let causes = letters.causes().await?;
    if causes.is_empty() {
        return say("There are no dead letters.");
    }
    causes
        .iter()
        .try_for_each(|(handler, cause, count)| say(format_args!("{count:>8}  {handler:<24} {cause}")))
}

async fn list(letters: &DeadLetters, filter: &Filter, limit: u32) -> anyhow::Result<()> {
    let (newest, total) = letters.list(filter, limit).await?;
    for DeadLetter { seq, ended_at, handler, kind, event_key, cause, .. } in &newest {
        let (at, cause) =
            (ended_at.map(|at| at.to_string()).unwrap_or_default(), cause.as_deref().unwrap_or_default());
        say(format_args!("{seq:>8}  {at}  {handler:<24} {kind:<20} {event_key}  {cause}"))?;
    }
    if total > u64::from(limit) {
        say(format_args!("{total} in all; --limit shows more"))?;
    }
    if total == 0 {
        say("There are no dead letters.")?;
    }
    Ok(())
}

fn show(letter: &DeadLetter) -> anyhow::Result<()> {
    say(serde_json::to_string_pretty(letter)?)
}

async fn log(context: &Context, limit: u32) -> anyhow::Result<()> {
    for deed in operator::list(&context.db()?, Page::new(1, limit)).await? {
        let operator::Deed { at, who, action, subject, reason, .. } = deed;
        say(format_args!("{at}  {who:<16} {action:<24} {subject}  {reason}"))?;
    }
    Ok(())
}

/// The text of a file; `-` is standard input.
pub(super) fn read(file: &std::path::Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
