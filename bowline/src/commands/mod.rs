//! One file a command.

pub(crate) mod admin;
pub(crate) mod asyncapi;
pub(crate) mod catalog;
pub(crate) mod config;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod mail;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod projections;
pub(crate) mod routes;
pub(crate) mod run;
pub(crate) mod saga;
pub(crate) mod targets;

use std::io::{ErrorKind, Write};

/// Writes lines to standard output. Who reads them may stop doing so (`bowline openapi | head`), which is no error.
pub(crate) fn say(lines: impl std::fmt::Display) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{lines}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
