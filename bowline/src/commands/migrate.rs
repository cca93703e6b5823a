//! `bowline migrate`.

use crate::services;
use chassis::run::{Platform, Targets};
use clap::Args;
use std::process::ExitCode;

/// Create and migrate the databases, and end.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Whose: all, or names with commas between
    #[arg(long, short, default_value = "all", value_name = "NAMES")]
    target: String,
}

impl Migrate {
    pub(crate) fn run(self, platform: Platform) -> anyhow::Result<ExitCode> {
        let targets = Targets::parse(&self.target, services::ALL)?;
        for (service, database) in chassis::run::migrate(platform, &targets)? {
            super::say(format_args!("{service:<12} {database} is up to date"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
