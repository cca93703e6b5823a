//! `bowline saga`.

use super::events::{Deed, read};
use super::say;
use anyhow::{Context as _, ensure};
use chassis::run::{Platform, offline_by_name};
use chassis::saga::{Edit, SagaRecord, Sagas, StepRecord, Which};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use uuid::Uuid;

const EXAMPLES: &str = "\
Examples:
  bowline saga list --service orders                    sagas that are stuck, newest first
  bowline saga list --service orders --state open --name checkout
  bowline saga show --service orders 0199...            where it stands, and every step that was tried
  bowline saga retry --service orders 0199... --by ann --reason 'the bank is back'
  bowline saga skip --service orders 0199... --by ann --reason 'refunded by hand, ticket 4711'
  bowline saga compensate --service orders 0199... --by ann --reason 'the buyer called'
  bowline saga edit --service orders 0199... --params fixed.json --by ann --reason 'a wrong address'

A running platform on the same database goes on meanwhile and takes up what is changed.";

/// Look at sagas, and decide for those that are stuck.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Saga {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Named {
    /// The service whose saga it is
    #[arg(long)]
    service: String,
    /// Its id, as `list` shows it
    id: Uuid,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Those that somebody must decide about
    Stuck,
    /// Those that go on by themselves
    Open,
    /// Those that are done or compensated
    Ended,
}

impl From<State> for Which {
    fn from(state: State) -> Self {
        match state {
            State::Stuck => Self::Stuck,
            State::Open => Self::Open,
            State::Ended => Self::Ended,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List sagas
    List {
        /// The service whose sagas they are
        #[arg(long)]
        service: String,
        /// Which
        #[arg(long, value_enum, default_value = "stuck")]
        state: State,
        /// Only those of this flow
        #[arg(long)]
        name: Option<String>,
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Show one saga with the log of its steps
    Show {
        #[command(flatten)]
        named: Named,
        /// As JSON, with parameters and memory
        #[arg(long)]
        json: bool,
    },
    /// Try the action that it is at again, with all its tries
    Retry {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        deed: Deed,
    },
    /// Go on as if the action that it is at were done: you have taken care of it
    Skip {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        deed: Deed,
    },
    /// Turn it back and undo what was done
    Compensate {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        deed: Deed,
    },
    /// Change its parameters or what its steps have noted; then retry
    Edit {
        #[command(flatten)]
        named: Named,
        /// A file with new parameters as JSON; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        params: Option<PathBuf>,
        /// A file with new notes as JSON
        #[arg(long, value_name = "FILE")]
        memory: Option<PathBuf>,
        #[command(flatten)]
        deed: Deed,
    },
}

impl Saga {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let service = self.command.service().to_owned();
        offline_by_name(platform, &service, |context| async move {
            let sagas = context.sagas()?;
            self.command.run(&sagas).await
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Command {
    fn service(&self) -> &str {
        match self {
            Self::List { service, .. } => service,
            Self::Show { named, .. }
            | Self::Retry { named, .. }
            | Self::Skip { named, .. }
            | Self::Compensate { named, .. }
            | Self::Edit { named, .. } => &named.service,
        }
    }

    async fn run(self, sagas: &Sagas) -> anyhow::Result<()> {
        let changed = match self {
            Self::List { state, name, limit, .. } => {
                return list(sagas, state.into(), name.as_deref(), limit).await;
            }
            Self::Show { named, json } => return show(sagas, named.id, json).await,
            Self::Retry { named, deed } => sagas.retry(&deed.into(), named.id).await?,
            Self::Skip { named, deed } => sagas.skip(&deed.into(), named.id).await?,
            Self::Compensate { named, deed } => sagas.compensate(&deed.into(), named.id).await?,
            Self::Edit { named, params, memory, deed } => {
                ensure!(params.is_some() || memory.is_some(), "say what to change: --params or --memory");
                let edit =
                    Edit { params: document(params.as_deref())?, memory: document(memory.as_deref())? };
                sagas.edit(&deed.into(), named.id, edit).await?
            }
        };
        say(format_args!("{} is {}; next: {}", changed.id, changed.state, next(&changed)))
    }
}

async fn list(sagas: &Sagas, which: Which, name: Option<&str>, limit: u32) -> anyhow::Result<()> {
    let found = sagas.list(which, name, None, limit).await?;
    if found.is_empty() {
        return say("There is no such saga.");
    }
    found.iter().try_for_each(|saga| say(line(saga)))
}

fn line(saga: &SagaRecord) -> String {
    let SagaRecord { id, updated_at, state, name, stuck_reason, failure, last_error, .. } = saga;
    let why = stuck_reason.as_ref().or(failure.as_ref()).or(last_error.as_ref()).map_or("", String::as_str);
    format!("{id}  {updated_at}  {:<12} {name:<20} {:<24} {why}", state.as_str(), next(saga))
}

fn next(saga: &SagaRecord) -> String {
    saga.next().unwrap_or_else(|| "-".to_owned())
}

async fn show(sagas: &Sagas, id: Uuid, as_json: bool) -> anyhow::Result<()> {
    let saga = sagas.find(id).await?.with_context(|| format!("there is no saga {id}"))?;
    let log = sagas.log(id).await?;
    if as_json {
        return say(serde_json::to_string_pretty(&json!({ "saga": saga, "log": log }))?);
    }
    say(format_args!("{} {} (version {})", saga.name, saga.id, saga.version))?;
    let fields = [
        ("state", Some(saga.state.to_string())),
        ("steps", Some(saga.plan.clone())),
        ("done", Some(saga.done.clone()).filter(|done| !done.is_empty())),
        ("next", saga.next()),
        ("stuck", saga.stuck_reason.clone()),
        ("turned back", saga.failure.clone()),
        ("last error", saga.last_error.clone()),
        ("due", saga.state.is_open().then(|| saga.due_at.to_string())),
        ("started", Some(saga.created_at.to_string())),
        ("changed", Some(saga.updated_at.to_string())),
        ("correlation", saga.correlation_id.clone()),
        ("parameters", Some(saga.params.to_string())),
        ("memory", Some(saga.memory.to_string())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            say(format_args!("{name:<12} {value}"))?;
        }
    }
    for StepRecord { ended_at, action, step, outcome, attempt, error, .. } in &log {
        let error = error.as_deref().unwrap_or_default();
        say(format_args!("{ended_at}  {action:<9} {step:<16} {outcome:<8} try {attempt:<3} {error}"))?;
    }
    Ok(())
}

fn document(file: Option<&Path>) -> anyhow::Result<Option<Value>> {
    let parse = |file: &Path| {
        serde_json::from_str(&read(file)?).with_context(|| format!("{} is not JSON", file.display()))
    };
    file.map(parse).transpose()
}
