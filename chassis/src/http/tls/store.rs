//! Where the account and the certificate of ACME are kept: files that only their owner reads, written beside and then put in
//! place, so that nobody ever finds half of one.

use super::x509::hex;
use anyhow::Context as _;
use aws_lc_rs::digest;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The files for one directory and one list of domains.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    account: String,
    certificate: String,
}

/// Held while a certificate is ordered: a lock of the system on an open file, given back when that is closed.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, and closed when it is dropped")] File);

impl Store {
    /// Makes the folder when it is not there.
    pub(super) fn open(folder: &Path, directory: &str, domains: &[String]) -> anyhow::Result<Self> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("tls.acme_domains: cannot make {}", folder.display()))?;
        // Another directory or another list is another file, so that trying one out does no harm to what is there.
        let name = |of: &str| hex(&digest::digest(&digest::SHA256, of.as_bytes()).as_ref()[..8]);
        let account = name(directory);
        let certificate = name(&format!("{directory} {}", domains.join(" ")));
        Ok(Self { folder: folder.to_owned(), account, certificate })
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.certificate))
    }

    pub(super) fn keep_certificate(&self, pem: &str) -> anyhow::Result<()> {
        self.write(&format!("{}.pem", self.certificate), pem)
    }

    pub(super) fn account(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join(format!("{}.account", self.account))).ok()
    }

    pub(super) fn keep_account(&self, credentials: &str) -> anyhow::Result<()> {
        self.write(&format!("{}.account", self.account), credentials)
    }

    pub(super) fn thumbprint(&self) -> Option<String> {
        std::fs::read_to_string(self.folder.join(format!("{}.thumbprint", self.account))).ok()
    }

    pub(super) fn keep_thumbprint(&self, thumbprint: &str) -> anyhow::Result<()> {
        self.write(&format!("{}.thumbprint", self.account), thumbprint)
    }

    /// Takes the lock; `None` when somebody else has it. The system gives it back for whoever dies.
    pub(super) fn lock(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.folder.join(format!("{}.lock", self.certificate));
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.new"));
        let written = || -> std::io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use testkit::Folder;

    #[test]
    fn only_the_owner_reads_what_is_kept() {
        let folder = Folder::new("acme").unwrap();
        let store =
            Store::open(&folder.path().join("acme"), "https://ca/dir", &["a.example".to_owned()]).unwrap();
        store.keep_account("account").unwrap();
        store.keep_certificate("old").unwrap();
        store.keep_certificate("new").unwrap();
        assert_eq!(std::fs::read_to_string(store.certificate()).unwrap(), "new");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store.certificate()), 0o600);
        assert_eq!(mode(&folder.path().join("acme")), 0o700);
        let other =
            Store::open(&folder.path().join("acme"), "https://other/dir", &["a.example".to_owned()]).unwrap();
        assert!(other.account().is_none() && other.certificate() != store.certificate());
    }

    #[test]
    fn one_orders_at_a_time_and_of_those_who_come_after_a_dead_one_too() {
        let folder = Folder::new("acme").unwrap();
        let store = Store::open(folder.path(), "https://ca/dir", &[]).unwrap();
        // What somebody has left behind is nobody's.
        std::fs::write(store.certificate().with_extension("lock"), "").unwrap();
        let lock = store.lock().unwrap().unwrap();
        assert!(store.lock().unwrap().is_none());
        drop(lock);
        assert!(store.lock().unwrap().is_some());
    }
}
