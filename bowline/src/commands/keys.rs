//! `bowline keys`.

use auth::Auth;
use chassis::run::{Platform, offline};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Manage the keys that sign access tokens.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new signing key; the old one verifies until its last token has ended
    Rotate,
    /// List the keys and since when, or until when, they hold
    List,
}

impl Keys {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let text = offline::<Auth, _, _>(platform, |config, context| async move {
            match self.command {
                Command::Rotate => auth::commands::rotate_keys(config, context).await,
                Command::List => auth::commands::list_keys(config, context).await,
            }
        })?;
        println!("{text}");
        Ok(ExitCode::SUCCESS)
    }
}
