//! The beginning of a transaction on PostgreSQL, whose caller may go away at any point of it.
//!
//! sqlx 0.9 notes that a transaction is open only after the server has said so. A caller that goes away between the
//! `BEGIN` and the answer leaves its connection in a transaction that nobody knows of, and the next statement that takes
//! this connection from the pool is answered as done and never committed. So a beginning whose caller has gone is
//! finished all the same, and then undone.

use super::DbError;
use sqlx::{PgPool, Postgres, Transaction};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

type Begun = Result<Transaction<'static, Postgres>, DbError>;

/// The beginnings whose callers have gone.
#[derive(Debug, Default)]
pub(super) struct Shield(Mutex<JoinSet<()>>);

impl Shield {
    /// Begins a transaction. The caller may go away at any time.
    pub(super) fn begin(&self, pool: PgPool) -> Beginning<'_> {
        let work = Box::pin(async move { pool.begin_with("BEGIN").await });
        Beginning { work: Some(work), shield: self }
    }

    fn finish(&self, work: impl Future<Output = Begun> + Send + 'static) {
        // Without a runtime the process ends, and its connections with it.
        let Ok(runtime) = Handle::try_current() else { return };
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while left.try_join_next().is_some() {}
        // Dropping the transaction undoes it.
        left.spawn_on(async move { drop(work.await) }, &runtime);
    }
}

/// A transaction that is being begun.
pub(super) struct Beginning<'a> {
    work: Option<Pin<Box<dyn Future<Output = Begun> + Send>>>,
    shield: &'a Shield,
}

impl Future for Beginning<'_> {
    type Output = Begun;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Begun> {
        let Some(work) = &mut self.work else { return Poll::Ready(Err(DbError::WorkerCrashed)) };
        let begun = work.as_mut().poll(context);
        if begun.is_ready() {
            self.work = None;
        }
        begun
    }
}

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.shield.finish(work);
        }
    }
}

impl fmt::Debug for Beginning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beginning").finish_non_exhaustive()
    }
}
