//! Versioned migrations, run under a lock on both engines.
//!
//! Each owner (a service, and the chassis for its own tables) keeps its record in a table of its own,
//! `_migrations_<owner>`, so that their numbers do not meet. However many processes start at once, each migration runs
//! once: on PostgreSQL an advisory lock, on SQLite an exclusive lock on `<file>.lock`, which the system lets go when the
//! process ends in whatever way.
//!
//! Migrations only expand or contract (a column is added in one release and dropped in a later one), because the old
//! and the new release run side by side during a rollout.

use super::{Db, postgres, sqlite};
use anyhow::{Context, anyhow, ensure};
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migrator};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

/// The migrations of one owner, for both engines. Made by [`migrations!`](crate::migrations).
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// For SQLite.
    pub sqlite: &'static Migrator,
    /// For PostgreSQL.
    pub postgres: &'static Migrator,
}

/// Embeds `migrations/sqlite` and `migrations/postgres` of the calling crate, which needs `sqlx` among its
/// dependencies and a `build.rs` that prints `cargo:rerun-if-changed=migrations`.
#[macro_export]
macro_rules! migrations {
    () => {{
        static SQLITE: $crate::db::sqlx::migrate::Migrator = $crate::db::sqlx::migrate!("migrations/sqlite");
        static POSTGRES: $crate::db::sqlx::migrate::Migrator =
            $crate::db::sqlx::migrate!("migrations/postgres");
        $crate::db::Migrations { sqlite: &SQLITE, postgres: &POSTGRES }
    }};
}

/// The chassis' own tables in each service's database.
pub const CHASSIS_MIGRATIONS: Migrations = migrations!();

/// What a run of migrations did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// How many migrations ran now.
    pub count: usize,
    /// The version at which the database stands; 0 when there are no migrations at all.
    pub version: i64,
}

impl Db {
    /// Brings the tables of `owner` up to this binary's version.
    ///
    /// # Errors
    /// When the database is newer than this binary, when a migration was changed after it had run, when a migration
    /// fails (it leaves nothing behind), or when the database is away.
    pub async fn migrate(&self, owner: &str, migrations: &Migrations) -> anyhow::Result<Applied> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        ensure!(
            !owner.is_empty() && owner.chars().all(is_plain),
            "{owner:?} cannot be part of a table's name"
        );
        let table = format!("_migrations_{}", owner.replace('-', "_"));
        let applied = match self {
            Self::Sqlite { write, .. } => {
                let options = write.options();
                let _lock = sqlite::lock(options.get_filename()).await?;
                // Rebuilding a table drops the old one, which with foreign keys on would delete what refers to it.
                let mut connection = options.clone().foreign_keys(false).connect().await?;
                let applied = apply(&mut connection, migrations.sqlite, table).await;
                let checked = foreign_keys_hold(&mut connection).await;
                connection.close().await?;
                applied.and_then(|applied| checked.map(|()| applied))
            }
            Self::Postgres { pool, .. } => {
                // A connection of its own: closing it lets the lock go also after a failure.
                let options =
                    pool.connect_options().as_ref().clone().options([postgres::NO_STATEMENT_TIMEOUT]);
                let mut connection = options.connect().await?;
                connection.lock().await?;
                let applied = apply(&mut connection, migrations.postgres, table).await;
                connection.close().await?;
                applied
            }
        };
        let applied = applied.with_context(|| format!("cannot migrate the tables of {owner}"))?;
        if applied.count > 0 {
            tracing::info!(owner, count = applied.count, version = applied.version, "database migrated");
        }
        Ok(applied)
    }
}

async fn apply(connection: &mut impl Migrate, embedded: &Migrator, table: String) -> anyhow::Result<Applied> {
    connection.ensure_migrations_table(&table).await?;
    let before = connection.list_applied_migrations(&table).await?;
    refuse_newer(&before, embedded)?;
    let migrator = Migrator {
        migrations: embedded.migrations.clone(),
        table_name: table.into(),
        locking: false,
        ..Migrator::DEFAULT
    };
    migrator.run_direct(None, connection, false).await.map_err(explain)?;
    let version = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    Ok(Applied { count: migrator.iter().count() - before.len(), version })
}

fn refuse_newer(before: &[AppliedMigration], embedded: &Migrator) -> anyhow::Result<()> {
    let known = embedded.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found = before.iter().map(|migration| migration.version).max().unwrap_or(0);
    ensure!(
        found <= known,
        "the database is newer than this binary: it stands at migration {found}, the binary knows {known}; start the \
         release that migrated it, or a later one"
    );
    Ok(())
}

fn explain(error: MigrateError) -> anyhow::Error {
    let hint = match &error {
        MigrateError::VersionMismatch(version) => {
            format!("migration {version} was changed after it had run; restore it and write a new one")
        }
        MigrateError::VersionMissing(version) => {
            format!("migration {version} has run, but this binary has no such one")
        }
        MigrateError::ExecuteMigration(_, version) => format!("migration {version} failed and was undone"),
        _ => return error.into(),
    };
    anyhow!(error).context(hint)
}

async fn foreign_keys_hold(connection: &mut SqliteConnection) -> anyhow::Result<()> {
    let broken: Option<(String,)> = sqlx::query_as("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")
        .fetch_optional(connection)
        .await?;
    match broken {
        Some((table,)) => {
            Err(anyhow!("after the migration, rows of {table} refer to rows that are not there"))
        }
        None => Ok(()),
    }
}
