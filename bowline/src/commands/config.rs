//! `bowline config`.

use chassis::config::reference;
use chassis::run::Platform;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Show or check the settings.
#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print every setting with its value and where it came from; secrets are masked
    Print,
    /// Say everything that is wrong, and end with 1 if anything is
    Check,
    /// Print the reference of all settings, as in docs/config.md
    Reference,
}

impl Config {
    pub(crate) fn run(self, platform: impl FnOnce() -> anyhow::Result<Platform>) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Print => super::say(platform()?.loaded.to_text().trim_end())?,
            Command::Check => {
                platform()?;
                super::say("The settings are valid.")?;
            }
            Command::Reference => super::say(reference(&platform()?.sections).trim_end())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
