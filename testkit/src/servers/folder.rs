//! The temporary folder of a server, owned by the account that the server runs as.

use anyhow::{Context, Result, bail};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// The account that a server runs as. PostgreSQL refuses to run as root, so root hands it to the account that the
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

/// A folder that is removed with its contents when dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new folder that only `account` can enter. Its path is short: a socket's path may have 107 bytes.
    pub(super) fn new(kind: &str, account: Account) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bowline-{kind}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = base(account).join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let folder = Self(path);
        std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o700))?;
        if let Account::Other(_, uid) = account {
            chown(&folder.0, Some(uid), None)?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            eprintln!("cannot remove {}: {e}", self.0.display());
        }
    }
}

/// Where temporary files go; `/tmp` when another account could not get there.
fn base(account: Account) -> PathBuf {
    let usual = std::env::temp_dir();
    let open = |path: &Path| path.metadata().is_ok_and(|m| m.permissions().mode() & 0o001 != 0);
    match account {
        Account::Other(..) if !usual.ancestors().all(open) => PathBuf::from("/tmp"),
        _ => usual,
    }
}
