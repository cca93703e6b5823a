//! `bowline keys`.

use chassis::run::Platform;
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
    /// Make a new signing key; the old one verifies until its last token has ended, so nobody is logged out
    Rotate {
        /// For a key that leaked: sign with the new one at once and refuse every token of the old ones
        #[arg(long)]
        now: bool,
    },
}

impl Keys {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let Command::Rotate { now } = self.command;
        let key = auth::commands::rotate_keys(platform, now)?;
        super::say(format_args!("key {} signs from {}", key.kid, key.signs_from))?;
        super::say(format_args!("tokens of older keys hold until {}", key.old_verify_until))?;
        Ok(ExitCode::SUCCESS)
    }
}
