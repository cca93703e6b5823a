//! Temporary folders that are gone when the test is.

use anyhow::{Context, Result};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A new folder below the system's temporary one, removed with its contents when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder that only this account can enter; `kind` becomes part of its name. Its path is short, because a
    /// socket's path may have 107 bytes.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn new(kind: &str) -> Result<Self> {
        Self::create(kind, &std::env::temp_dir())
    }

    /// A new folder that only the account with this user id can enter.
    pub(crate) fn owned_by(kind: &str, uid: u32) -> Result<Self> {
        let folder = Self::create(kind, &reachable())?;
        chown(&folder.0, Some(uid), None)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Keeps the folder: it is not removed any more. Returns where it is.
    pub fn keep(self) -> PathBuf {
        let mut kept = self;
        std::mem::take(&mut kept.0)
    }

    fn create(kind: &str, base: &Path) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("bowline-{kind}-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                // Of a process that was killed and had this id before.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => {
                    made.with_context(|| format!("cannot create {}", path.display()))?;
                    break path;
                }
            }
        };
        let folder = Self(path);
        std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o700))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        if let Err(e) = std::fs::remove_dir_all(&self.0)
            && e.kind() != ErrorKind::NotFound
        {
            eprintln!("cannot remove {}: {e}", self.0.display());
        }
    }
}

/// The system's temporary folder; `/tmp` when another account could not get there.
fn reachable() -> PathBuf {
    let usual = std::env::temp_dir();
    let open = |path: &Path| path.metadata().is_ok_and(|m| m.permissions().mode() & 0o001 != 0);
    if usual.ancestors().all(open) { usual } else { PathBuf::from("/tmp") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gone_when_it_is_dropped_unless_it_is_kept() {
        let gone = Folder::new("test").unwrap().path().to_owned();
        assert!(!gone.exists());
        let kept = Folder::new("test").unwrap().keep();
        assert!(kept.is_dir());
        std::fs::remove_dir(kept).unwrap();
    }
}
