//! `bowline projections`.

use super::events::Deed;
use super::say;
use anyhow::ensure;
use chassis::event_store::ProjectionStatus;
use chassis::operator::note;
use chassis::run::{Platform, offline_by_name};
use chassis::service::Context;
use clap::{Args, Subcommand};
use serde_json::json;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  bowline projections list --service orders
  bowline projections rebuild --service orders order-list --by ann --reason 'a total was wrong until 2.3'

A rebuild goes on in the running platform: the read model in use stays until the new one has caught up.";

/// Look at read models, and have one built anew from the events
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Projections {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List read models, and how far each is
    List {
        /// The service whose read models they are
        #[arg(long)]
        service: String,
    },
    /// Have one built anew
    Rebuild {
        /// The service whose read model it is
        #[arg(long)]
        service: String,
        /// Its name
        name: String,
        #[command(flatten)]
        deed: Deed,
    },
}

impl Projections {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let (Command::List { service } | Command::Rebuild { service, .. }) = &self.command;
        offline_by_name(platform, &service.clone(), |context| async move {
            match self.command {
                Command::List { .. } => list(&context).await,
                Command::Rebuild { name, deed, .. } => rebuild(&context, &name, deed).await,
            }
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let found = context.event_store()?.projections().await?;
    if found.is_empty() {
        return say("There is no read model; one is there once an instance of the service has run.");
    }
    found.iter().try_for_each(|status| say(line(status)))
}

fn line(status: &ProjectionStatus) -> String {
    let ProjectionStatus { name, generation, version, state, lag, error, .. } = status;
    let (state, error) = (state.as_str(), error.as_deref().unwrap_or_default());
    format!("{name:<24} generation {generation:<4} version {version:<3} {state:<10} {lag:>8} behind  {error}")
}

async fn rebuild(context: &Context, name: &str, deed: Deed) -> anyhow::Result<()> {
    let (store, db) = (context.event_store()?, context.db()?);
    let known = store.projections().await?;
    ensure!(
        known.iter().any(|status| status.name == name),
        "{} has no read model {name}; it has: {}",
        context.spec().name,
        known.iter().map(|status| status.name.as_str()).collect::<Vec<_>>().join(", ")
    );
    let mut t = db.begin().await?;
    ensure!(store.rebuild(&mut t, name).await?, "{name} is being built already");
    note(&mut t, context.clock(), &deed.into(), "projection.rebuild", name, json!({})).await?;
    t.commit().await?;
    say(format_args!("{name} is built anew as soon as an instance of {} runs", context.spec().name))
}
