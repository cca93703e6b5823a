//! `bowline run`.

use crate::{VERSION, banner, services};
use chassis::run::{Platform, Targets};
use clap::Args;
use std::process::ExitCode;

/// Run services until they are told to stop.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What to run: all, or names with commas between
    #[arg(long, short, default_value = "all", value_name = "NAMES")]
    target: String,
}

impl Default for Run {
    fn default() -> Self {
        Self { target: "all".to_owned() }
    }
}

impl Run {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let targets = Targets::parse(&self.target, services::ALL)?;
        let facts = banner::Facts::of(&platform, &targets);
        chassis::run::run(platform, &targets, VERSION, |started| facts.print(started))
    }
}
