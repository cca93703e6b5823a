//! Secrets that nobody set: in development made once and kept in the data folder, in production an error.

use crate::config::Mode;
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The secret that was set, or in development the one of `<data>/secrets/<name>`, which is made when it is missing.
///
/// Several processes that start at once on the same folder agree on one.
///
/// # Errors
/// When none was set in production, or the folder cannot be used.
pub fn secret(
    mode: Mode,
    data_dir: &Path,
    name: &str,
    set: Option<&SecretString>,
) -> anyhow::Result<SecretString> {
    if let Some(secret) = set {
        return Ok(secret.clone());
    }
    if mode.is_production() {
        bail!("{name} must be set in production");
    }
    let folder = data_dir.join("secrets");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(kept) => return Ok(kept.trim().to_owned().into()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
    let mut bytes = [0_u8; 32];
    aws_lc_rs::rand::fill(&mut bytes).ok().context("no randomness")?;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let draft = folder.join(format!(".{name}.{}", uuid::Uuid::now_v7()));
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::hard_link(&draft, &path));
    // A draft that stays behind does no harm.
    drop(fs::remove_file(&draft));
    match made {
        Ok(()) => Ok(text.into()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .trim()
            .to_owned()
            .into()),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;

    fn folder() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("bowline-secrets-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn processes_that_start_at_once_agree_on_one_secret() {
        let folder = folder();
        let made: Vec<String> = std::thread::scope(|scope| {
            let one =
                || secret(Mode::Development, &folder, "a.key", None).unwrap().expose_secret().to_owned();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.iter().all(|secret| *secret == made[0] && secret.len() == 43));
        let mode = fs::metadata(folder.join("secrets/a.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn production_makes_up_no_secret() {
        let folder = folder();
        assert!(secret(Mode::Production, &folder, "a.key", None).is_err());
        assert!(!folder.join("secrets").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
