//! A transaction on SQLite that holds the write lock from its beginning.

use super::Lane;
use crate::db::DbError;
use sqlx::SqliteConnection;

/// Begun with `BEGIN IMMEDIATE`; rolled back when it is dropped.
#[derive(Debug)]
pub struct SqliteTx {
    lane: Lane,
    open: bool,
}

impl SqliteTx {
    pub(in crate::db) async fn begin(lane: Lane) -> Result<Self, DbError> {
        // Open before it has begun: a caller that goes away while waiting for the lock must not leave it held.
        let mut tx = Self { lane, open: true };
        tx.run("BEGIN IMMEDIATE").await?;
        Ok(tx)
    }

    pub(in crate::db) async fn commit(mut self) -> Result<(), DbError> {
        self.run("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    pub(in crate::db) async fn rollback(mut self) -> Result<(), DbError> {
        self.open = false;
        match self.run("ROLLBACK").await {
            // What failed in it may have ended it already.
            Err(DbError::Database(error)) if error.message().contains("no transaction is active") => Ok(()),
            done => done,
        }
    }

    pub(in crate::db) fn statement(&mut self) -> &mut SqliteConnection {
        self.lane.statement()
    }

    pub(in crate::db) fn settle<T>(&mut self, outcome: Result<T, DbError>) -> Result<T, DbError> {
        self.lane.settle(outcome)
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), DbError> {
        let done = sqlx::query(sql).execute(self.lane.statement()).await;
        self.lane.settle(done).map(|_| ())
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if self.open {
            self.lane.send("ROLLBACK");
        }
    }
}
