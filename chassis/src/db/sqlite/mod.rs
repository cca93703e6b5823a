//! Opening an SQLite file.
//!
//! Four connections read while one writes. A second one that writes would make single inserts a third faster and
//! transactions not at all, and it would wait inside SQLite, which has no queue: measured with 32 callers, the unluckiest
//! waited 900 ms instead of 30. So there is one, and who waits for it is served in order.

mod lanes;
mod tx;

pub use lanes::{Lane, Lanes};
pub use tx::SqliteTx;

use super::{About, DatabaseConfig, Db, STATEMENTS, Synchronous};
use anyhow::{Context, bail, ensure};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const READERS: u32 = 4;
const WRITERS: u32 = 1;
/// How long a writer waits for one in another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const MMAP_BYTES: &str = "268435456";

/// The path in `sqlite:PATH` or `sqlite://PATH`; nothing when the URL is PostgreSQL's.
pub(super) fn path_in(url: &str) -> anyhow::Result<Option<PathBuf>> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(None);
    }
    let Some(path) = url.strip_prefix("sqlite:") else {
        bail!("the database URL must begin with postgres:// or sqlite:");
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    ensure!(
        !path.is_empty() && !path.starts_with(':'),
        "an SQLite URL must name a file: it is shared by connections"
    );
    ensure!(!path.contains('?'), "an SQLite URL takes no parameters: they are settings of their own");
    Ok(Some(PathBuf::from(path)))
}

pub(super) async fn open(config: &DatabaseConfig, service: &str, path: &Path) -> anyhow::Result<Db> {
    let place = format!("SQLite {}", path.display());
    prepare(config, path).await.with_context(|| format!("cannot open {place}"))?;
    let options = options(config, path)?;
    let lanes = |options, max| Lanes::new(options, max, config.acquire_timeout(), config.statement_timeout());
    let read = lanes(options.clone().pragma("query_only", "ON"), READERS);
    let write = lanes(options, WRITERS);
    Ok(Db::Sqlite { read, write, about: Arc::new(About::new(service, place, None)) })
}

/// Makes folder and file, for nobody else to read, and switches to WAL. Under the lock: several processes that switch
/// at once refuse each other.
async fn prepare(config: &DatabaseConfig, path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let _lock = lock(path).await?;
    private_file(path)?;
    let connection = options(config, path)?.connect().await?;
    connection.close().await?;
    Ok(())
}

fn options(config: &DatabaseConfig, path: &Path) -> anyhow::Result<SqliteConnectOptions> {
    let synchronous = match config.synchronous {
        Synchronous::Normal => SqliteSynchronous::Normal,
        Synchronous::Full => SqliteSynchronous::Full,
    };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .pragma("mmap_size", MMAP_BYTES)
        .statement_cache_capacity(STATEMENTS)
        .log_statements("trace".parse()?)
        .log_slow_statements("warn".parse()?, config.slow_statement());
    Ok(options)
}

/// Holds `<file>.lock` alone, among the tasks of this process and among processes, until what it returns is dropped.
pub(super) async fn lock(database: &Path) -> anyhow::Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = private_file(&path)?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await?;
    locked.with_context(|| format!("cannot lock {}", path.display()))
}

fn private_file(path: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    opened.with_context(|| format!("cannot open {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_a_server() {
        assert_eq!(path_in("sqlite:data/auth.db").unwrap(), Some(PathBuf::from("data/auth.db")));
        assert_eq!(path_in("sqlite:///var/auth.db").unwrap(), Some(PathBuf::from("/var/auth.db")));
        assert_eq!(path_in("postgres://db/auth").unwrap(), None);
    }

    #[test]
    fn a_url_that_cannot_be_served_is_refused_without_being_shown() {
        for url in ["mysql://root:hunter2@db/auth", "sqlite::memory:", "sqlite:", "sqlite:a.db?mode=ro"] {
            let refusal = path_in(url).unwrap_err().to_string();
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }
}
