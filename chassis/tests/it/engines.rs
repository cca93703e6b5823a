//! A database of its own for each test, on each engine that this run has.

use chassis::db::{CHASSIS_MIGRATIONS, DatabaseConfig, Db, Engine};
use chassis::q;
use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::future::Future;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A folder that is removed with everything in it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("bowline-chassis-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Where a test's database is, and how to open it. The chassis' migrations have not run yet.
pub(crate) struct Place {
    pub(crate) config: DatabaseConfig,
    pub(crate) folder: Folder,
    /// The server's maintenance URL and the database's name.
    server: Option<(String, String)>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self { config: DatabaseConfig::default(), folder: Folder::new(), server: None }
    }

    pub(crate) fn postgres() -> Option<Self> {
        let server = testkit::engines::postgres_url()?;
        let name = format!("bowline_test_{}", Uuid::new_v4().simple());
        let url = testkit::engines::with_database(&server, &name);
        let config = DatabaseConfig { url: Some(url.into()), ..DatabaseConfig::default() };
        Some(Self { config, folder: Folder::new(), server: Some((server, name)) })
    }

    pub(crate) async fn open(&self) -> Db {
        Db::open(&self.config, "test", &self.folder).await.unwrap()
    }

    /// Opened, with the chassis' own tables.
    pub(crate) async fn migrated(&self) -> Db {
        let db = self.open().await;
        db.migrate("chassis", &CHASSIS_MIGRATIONS).await.unwrap();
        db
    }

    /// Opened, with the tables of `sql`, which both engines must understand.
    pub(crate) async fn with(&self, sql: &'static str) -> Db {
        let db = self.open().await;
        for statement in sql.split(';').filter(|statement| !statement.trim().is_empty()) {
            chassis::q!(db.write, execute, statement).unwrap();
        }
        db
    }

    /// Runs a test on it and removes it, however the test ends.
    pub(crate) async fn run<F: Future<Output = ()>>(self, test: impl FnOnce(std::sync::Arc<Self>) -> F) {
        let place = std::sync::Arc::new(self);
        let outcome = AssertUnwindSafe(test(std::sync::Arc::clone(&place))).catch_unwind().await;
        if let Some((server, name)) = &place.server {
            let mut connection = PgConnection::connect(server).await.unwrap();
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
        }
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Makes two tests of each function: one on SQLite, one on PostgreSQL.
macro_rules! on_both_engines {
    ($(async fn $name:ident($place:ident: Arc<Place>) $body:block)*) => {$(
        async fn $name($place: std::sync::Arc<crate::engines::Place>) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                crate::engines::Place::sqlite().run(super::$name).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(place) = crate::engines::Place::postgres() {
                    place.run(super::$name).await;
                }
            }
        }
    )*};
}

pub(crate) use on_both_engines;

/// How the database goes about a statement, in its own words.
pub(crate) async fn plan(db: &Db, sql: &str) -> String {
    match db.engine() {
        Engine::Sqlite => {
            let rows: Vec<(i64, i64, i64, String)> =
                q!(db.read, fetch_all, AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).unwrap();
            rows.into_iter().map(|row| row.3 + "\n").collect()
        }
        Engine::Postgres => {
            let rows: Vec<(String,)> =
                q!(db.read, fetch_all, AssertSqlSafe(format!("EXPLAIN {sql}"))).unwrap();
            rows.into_iter().map(|row| row.0 + "\n").collect()
        }
    }
}
