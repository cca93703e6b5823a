//! The account that a server runs as.

use crate::Folder;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// PostgreSQL refuses to run as root, so root hands a server to the account that the
/// package made; anybody else runs it as themselves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Account {
    /// Whoever runs the tests.
    Own,
    /// Another account, by name and user id.
    Other(&'static str, u32),
}

impl Account {
    /// The caller's account, or `name` when the caller is root.
    pub(super) fn unless_root(name: &'static str) -> Result<Self> {
        if id(&["-u"])? != 0 {
            return Ok(Self::Own);
        }
        let uid = id(&["-u", name])
            .with_context(|| format!("root needs the account {name} to run the server as"))?;
        Ok(Self::Other(name, uid))
    }

    /// A temporary folder that only this account can enter.
    pub(super) fn folder(self, kind: &str) -> Result<Folder> {
        match self {
            Self::Own => Folder::new(kind),
            Self::Other(_, uid) => Folder::owned_by(kind, uid),
        }
    }

    /// A command that runs `program` as this account.
    pub(super) fn command(self, program: &Path) -> Command {
        match self {
            Self::Own => Command::new(program),
            Self::Other(name, _) => {
                let mut command = Command::new("runuser");
                command.args(["-u", name, "--"]).arg(program);
                command
            }
        }
    }
}

fn id(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output().context("cannot run `id`")?;
    if !output.status.success() {
        bail!("`id {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
