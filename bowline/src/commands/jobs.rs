//! `bowline jobs`.

use super::events::Deed;
use super::say;
use anyhow::{Context as _, ensure};
use chassis::jobs::{JobRecord, Which};
use chassis::run::{Platform, offline_by_name};
use clap::{Args, Subcommand, ValueEnum};
use std::process::ExitCode;
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  bowline jobs list --service auth                      periodic jobs: the last run, and the next one
  bowline jobs list --service auth --state failed       queued jobs that wait for somebody to decide
  bowline jobs show --service auth 0199...              what it was given, and what it met
  bowline jobs run --service auth sweep --by ann --reason 'the disk is full'
  bowline jobs retry --service auth 0199... --by ann --reason 'the printer is back'
  bowline jobs retry --service auth --name print --by ann --reason 'the printer is back'
  bowline jobs discard --service auth 0199... --by ann --reason 'printed by hand'

A running platform on the same database does what becomes due within `jobs.poll_ms`.";

/// Look at jobs, run them, and decide for those that failed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Those that come again by themselves
    Periodic,
    /// Queued ones that wait or run
    Open,
    /// Queued ones that have used up their tries
    Failed,
    /// Queued ones that are done
    Done,
}

impl From<State> for Which {
    fn from(state: State) -> Self {
        match state {
            State::Periodic => Self::Periodic,
            State::Open => Self::Open,
            State::Failed => Self::Failed,
            State::Done => Self::Done,
        }
    }
}

#[derive(Debug, Args)]
struct Of {
    /// The service whose job it is
    #[arg(long)]
    service: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List jobs
    List {
        #[command(flatten)]
        of: Of,
        /// Which
        #[arg(long, value_enum, default_value = "periodic")]
        state: State,
        /// Only those of this name
        #[arg(long)]
        name: Option<String>,
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show one job as JSON, with what it was given
    Show {
        #[command(flatten)]
        of: Of,
        /// Its id, as `list` shows it
        id: Uuid,
    },
    /// Run a periodic job now
    Run {
        #[command(flatten)]
        of: Of,
        /// Its name
        name: String,
        #[command(flatten)]
        deed: Deed,
    },
    /// Try a queued job again, or all failed ones of a name
    Retry {
        #[command(flatten)]
        of: Of,
        /// Its id, as `list` shows it; without it all failed ones of `--name`
        id: Option<Uuid>,
        /// The name of those that are tried again
        #[arg(long, conflicts_with = "id")]
        name: Option<String>,
        #[command(flatten)]
        deed: Deed,
    },
    /// Remove a queued job: it will not be done
    Discard {
        #[command(flatten)]
        of: Of,
        /// Its id, as `list` shows it
        id: Uuid,
        #[command(flatten)]
        deed: Deed,
    },
}

impl Jobs {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let service = self.command.service().to_owned();
        offline_by_name(platform, &service, |context| async move {
            let jobs = context.jobs()?;
            self.command.run(&jobs).await
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Command {
    fn service(&self) -> &str {
        match self {
            Self::List { of, .. }
            | Self::Show { of, .. }
            | Self::Run { of, .. }
            | Self::Retry { of, .. }
            | Self::Discard { of, .. } => &of.service,
        }
    }

    async fn run(self, jobs: &chassis::jobs::Jobs) -> anyhow::Result<()> {
        match self {
            Self::List { state, name, limit, .. } => {
                let found = jobs.list(state.into(), name.as_deref(), limit).await?;
                if found.is_empty() {
                    return say("There is no such job.");
                }
                found.iter().try_for_each(|job| say(line(job)))
            }
            Self::Show { id, .. } => {
                let job = jobs.find(id).await?.with_context(|| format!("there is no job {id}"))?;
                say(serde_json::to_string_pretty(&job)?)
            }
            Self::Run { name, deed, .. } => {
                jobs.run_now(&deed.into(), &name).await?;
                say(format_args!("{name} is due now"))
            }
            Self::Retry { id: Some(id), deed, .. } => {
                jobs.retry(&deed.into(), id).await?;
                say(format_args!("{id} is due now"))
            }
            Self::Retry { id: None, name, deed, .. } => {
                ensure!(name.is_some(), "say which: an id or --name");
                let count = jobs.retry_failed(&deed.into(), &name.unwrap_or_default()).await?;
                say(format_args!("{count} are due now"))
            }
            Self::Discard { id, deed, .. } => {
                jobs.discard(&deed.into(), id).await?;
                say(format_args!("{id} is removed"))
            }
        }
    }
}

fn line(job: &JobRecord) -> String {
    let JobRecord { id, name, status, attempts, due_at, started_at, last_outcome, last_error, .. } = job;
    let error = last_error.as_deref().unwrap_or_default();
    let Some(every) = job.every() else {
        return format!("{id}  {:<8} {name:<24} due {due_at}  tries {attempts}  {error}", status.as_str());
    };
    let last = started_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let took = job.took().map(|took| format!(" in {took:.1?}")).unwrap_or_default();
    let outcome = last_outcome.as_deref().unwrap_or("-");
    format!(
        "{name:<24} {:<8} every {every:?}  last {last} {outcome}{took}  next {due_at}  {error}",
        status.as_str()
    )
}
