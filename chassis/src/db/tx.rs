//! A transaction that may write, and what is to happen once it is committed.

use super::{DbError, Engine};
use sqlx::{Postgres, Sqlite, Transaction};
use std::fmt;

/// A transaction, begun by [`Db::begin`](super::Db::begin). Dropped without [`Tx::commit`] it is rolled back.
///
/// The fields of the variants are for [`q!`](crate::q).
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>, AfterCommit),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>, AfterCommit),
}

/// What is to be done once a transaction is committed.
#[derive(Default)]
pub struct AfterCommit(Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for AfterCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AfterCommit").field(&self.0.len()).finish()
    }
}

impl Tx {
    pub(super) fn sqlite(tx: Transaction<'static, Sqlite>) -> Self {
        Self::Sqlite(tx, AfterCommit::default())
    }

    pub(super) fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self::Postgres(tx, AfterCommit::default())
    }

    /// Makes everything done in it lasting and visible, all at once, then does what [`Tx::after_commit`] asked for.
    ///
    /// # Errors
    /// When the database refuses or is away. Whether it was committed is unknown when the connection broke during the
    /// commit itself: what must take effect once needs an idempotency record in the same transaction.
    pub async fn commit(self) -> Result<(), DbError> {
        let after = match self {
            Self::Sqlite(tx, after) => tx.commit().await.map(|()| after)?,
            Self::Postgres(tx, after) => tx.commit().await.map(|()| after)?,
        };
        after.0.into_iter().for_each(|act| act());
        Ok(())
    }

    /// Undoes everything done in it, and waits until that is done; dropping does the same in the background.
    ///
    /// # Errors
    /// When the database is away; then it undoes the transaction by itself.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx, _) => tx.rollback().await,
            Self::Postgres(tx, _) => tx.rollback().await,
        }
    }

    /// Asks for something quick to be done right after the commit, such as waking a worker or emptying a cache. It is
    /// a hint, not a promise: a process that dies in between does not do it.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + 'static) {
        let (Self::Sqlite(_, after) | Self::Postgres(_, after)) = self;
        after.0.push(Box::new(act));
    }

    /// The engine behind it.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(..) => Engine::Sqlite,
            Self::Postgres(..) => Engine::Postgres,
        }
    }

    /// The same by reference, whatever it is called on; for [`q!`](crate::q).
    #[doc(hidden)]
    #[must_use]
    pub const fn by_mut(&mut self) -> &mut Self {
        self
    }
}
