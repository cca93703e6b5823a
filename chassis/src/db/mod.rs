//! The database of a service: one code path for SQLite and for PostgreSQL.
//!
//! A service without a `DATABASE_URL` gets an SQLite file of its own in the data folder; with one it gets a PostgreSQL
//! database. Its statements are written once, with `$1` placeholders, and run through [`q!`](crate::q):
//!
//! ```ignore
//! let found: Option<Account> = q!(db.read, fetch_optional, "SELECT id, email FROM accounts WHERE id = $1", id)?;
//! let mut t = db.begin().await?;
//! q!(t.tx, execute, "UPDATE accounts SET email = $2 WHERE id = $1", id, &email)?;
//! t.commit().await?;
//! ```
//!
//! What must hold:
//! - Every transaction that writes begins with [`Db::begin`]. A plain `BEGIN` that reads and then writes fails with
//!   "database is locked" as soon as two of them meet on SQLite.
//! - A point in time is a [`Ts`](crate::clock::Ts): `TIMESTAMPTZ` on PostgreSQL, `INTEGER` on SQLite. An id is a `Uuid`:
//!   `UUID` and `BLOB`. A document is a `sqlx::types::Json`: `JSONB` and `TEXT`.
//! - Constraints and unique indexes carry the names of [`Violation`], so that one match serves both engines.
//! - Migrations have the same numbers in `migrations/sqlite` and `migrations/postgres`; SQLite tables are `STRICT`.
//!
//! What it does not do: it hides neither SQL nor the engines' differences in what SQL they know, and it never turns a
//! missed row into anything but an internal error: a store says `fetch_optional` and decides.

mod config;
mod error;
mod group;
mod guard;
mod migrate;
mod postgres;
mod query;
pub mod search;
mod shield;
mod sqlite;
mod ts;
mod tx;

pub use config::{DatabaseConfig, Synchronous};
pub use error::{DbError, Violation, ViolationKind, is_unavailable, violated};
#[doc(hidden)]
pub use guard::Admitted;
pub use migrate::{Applied, CHASSIS_MIGRATIONS, Migrations};
#[doc(hidden)]
pub use query::{first, only};
#[doc(hidden)]
pub use sqlite::{Lane, Lanes, SqliteTx};
#[doc(hidden)]
pub use sqlx;
pub use sqlx::AssertSqlSafe;
pub use tx::{Statement, Tx, WriteAll, Writing};

pub use crate::q;

use crate::http::RequestContext;
use group::Group;
use guard::Guard;
use metrics::{Counter, counter, gauge, histogram};
use secrecy::ExposeSecret;
use shield::Shield;
use sqlx::PgPool;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Prepared statements that a connection keeps: more than any service has, so that none is ever prepared anew.
const STATEMENTS: usize = 512;

/// Which engine a database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in the data folder.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl Engine {
    /// See [`Db::skip_locked`].
    #[must_use]
    pub const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// A service's database. Cheap to clone; clones share the connections.
///
/// The fields of the variants are for [`q!`](crate::q); everything else goes through the methods.
#[derive(Debug, Clone)]
pub enum Db {
    /// An SQLite file in WAL mode: readers do not wait for the writer.
    Sqlite {
        /// Connections that may only read.
        read: Lanes,
        /// Connections that write, one at a time.
        write: Lanes,
        /// What is known about the database.
        about: Arc<About>,
    },
    /// A PostgreSQL database.
    Postgres {
        /// Its connections.
        pool: PgPool,
        /// What is known about the database.
        about: Arc<About>,
    },
}

/// What is known about an open database.
#[derive(Debug)]
pub struct About {
    service: String,
    place: String,
    group: Group,
    shield: Shield,
    /// On PostgreSQL.
    guard: Option<Guard>,
    /// Transactions that were committed, single writes among them.
    commits: Counter,
}

impl Db {
    /// Opens the database of `service`: the file `<service>.db` in `data_dir`, or the database that the URL names.
    ///
    /// Waits for a server that is not up yet, with growing pauses, and logs each failure with its cause.
    ///
    /// # Errors
    /// When the server did not come up within the configured time, and at once when waiting cannot help: a wrong
    /// password, a missing database that may not be created, a URL that cannot be read.
    pub async fn open(config: &DatabaseConfig, service: &str, data_dir: &Path) -> anyhow::Result<Self> {
        Self::open_among(1, config, service, data_dir).await
    }

    /// [`Db::open`] as one of so many that this process opens, which share what a PostgreSQL server has of connections.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_among(
        databases: u32,
        config: &DatabaseConfig,
        service: &str,
        data_dir: &Path,
    ) -> anyhow::Result<Self> {
        let Some(url) = &config.url else {
            return sqlite::open(config, service, &data_dir.join(format!("{service}.db"))).await;
        };
        let url = url.expose_secret().replace("{service}", service);
        match sqlite::path_in(&url)? {
            Some(path) => sqlite::open(config, service, &path).await,
            None => postgres::open(databases, config, service, &url).await,
        }
    }

    /// Begins a transaction that may write. On SQLite it holds the write lock from here on: keep it short, and call
    /// nobody while it is open.
    ///
    /// # Errors
    /// When no connection (on SQLite: no write lock) is to be had in time, or the database is away.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let asked = Instant::now();
        let begun = match self {
            Self::Sqlite { write, about, .. } => {
                Tx::sqlite(SqliteTx::begin(write.lane().await?).await?, about.clone())
            }
            Self::Postgres { pool, about } => {
                let admitted = about.admit()?;
                let begun = admitted.settle(about.shield.begin(pool.clone()).await)?;
                Tx::postgres(begun, about.clone())
            }
        };
        let waited = asked.elapsed();
        histogram!("db_pool_acquire_seconds", "service" => self.about().service.clone()).record(waited);
        RequestContext::with_current(|cx| cx.edge.shedder.waited(waited));
        Ok(begun)
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), DbError> {
        let db = self;
        let answer: Result<i64, DbError> = q!(db.read, scalar, "SELECT CAST(1 AS BIGINT)");
        answer.map(|_| ())
    }

    /// The engine behind it.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres { .. } => Engine::Postgres,
        }
    }

    /// What a claiming `SELECT` ends with, so that two workers do not wait for each other's rows: SQLite has one
    /// writer anyway and needs nothing.
    #[must_use]
    pub const fn skip_locked(&self) -> &'static str {
        self.engine().skip_locked()
    }

    /// Where it is, for people: `SQLite data/auth.db`, `PostgreSQL db.internal/auth`. Without credentials.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.about().place
    }

    /// Finishes what [`Db::group`] has accepted, waits for the connections in use to come back, then closes all of them.
    /// What begins afterwards fails.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, about } => {
                about.group.close().await;
                read.close().await;
                write.close().await;
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }

    /// Sets the gauges `db_pool_connections` and `db_pool_connections_max` to what holds now.
    pub fn record_metrics(&self) {
        match self {
            Self::Sqlite { read, write, about } => {
                about.record("read", read.count());
                about.record("write", write.count());
            }
            Self::Postgres { pool, about } => {
                let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
                let used = pool.size().saturating_sub(idle);
                about.record("main", (used, idle, pool.options().get_max_connections()));
            }
        }
    }

    /// The service whose database it is.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.about().service
    }

    const fn about(&self) -> &Arc<About> {
        match self {
            Self::Sqlite { about, .. } | Self::Postgres { about, .. } => about,
        }
    }

    /// The same connections without the group writer, for the writer itself: it must not keep alive what ends it.
    fn without_group(&self) -> Self {
        let about =
            Arc::new(About::new(self.service(), self.about().place.clone(), self.about().guard.clone()));
        match self {
            Self::Sqlite { read, write, .. } => {
                Self::Sqlite { read: read.clone(), write: write.clone(), about }
            }
            Self::Postgres { pool, .. } => Self::Postgres { pool: pool.clone(), about },
        }
    }

    /// The same by reference, whatever it is called on; for [`q!`](crate::q).
    #[doc(hidden)]
    #[must_use]
    pub const fn by_ref(&self) -> &Self {
        self
    }
}

impl About {
    fn new(service: &str, place: String, guard: Option<Guard>) -> Self {
        let commits = counter!("db_commits_total", "service" => service.to_owned());
        let (group, shield) = (Group::default(), Shield::default());
        Self { service: service.to_owned(), place, group, shield, guard, commits }
    }

    /// Asks whether the server may be asked; for [`q!`](crate::q).
    #[doc(hidden)]
    pub fn admit(&self) -> Result<Admitted<'_>, DbError> {
        self.guard.as_ref().map_or(Ok(Admitted::unguarded()), Guard::admit)
    }

    /// Counts a write on its own that was committed; for [`q!`](crate::q).
    #[doc(hidden)]
    pub fn wrote<T>(&self, outcome: &Result<T, DbError>) {
        if outcome.is_ok() {
            self.commits.increment(1);
        }
    }

    /// Counts what failed within a transaction.
    fn note(&self, error: &DbError) {
        if let Some(guard) = &self.guard {
            guard.note(error);
        }
    }

    fn record(&self, pool: &'static str, (used, idle, max): (u32, u32, u32)) {
        let connections = |state: &'static str| gauge!("db_pool_connections", "service" => self.service.clone(), "pool" => pool, "state" => state);
        connections("idle").set(f64::from(idle));
        connections("used").set(f64::from(used));
        gauge!("db_pool_connections_max", "service" => self.service.clone(), "pool" => pool)
            .set(f64::from(max));
    }
}
