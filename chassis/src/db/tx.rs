//! A transaction that may write, and what is to happen once it is committed.

use super::sqlite::SqliteTx;
use super::{About, DbError, Engine};
use sqlx::{PgConnection, Postgres, SqliteConnection, Transaction};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A transaction, begun by [`Db::begin`](super::Db::begin). Dropped without [`Tx::commit`] it is rolled back.
///
/// On both engines a transaction in which a statement failed, or was not waited for, is over: every further statement
/// fails, and so does the commit. PostgreSQL demands the first half by itself; SQLite would go on, in some cases
/// outside of any transaction, and PostgreSQL would answer the commit with a silent rollback. Where a conflict is
/// expected, write `ON CONFLICT DO NOTHING` and look at what was touched.
pub struct Tx {
    on: On,
    state: State,
    gathered: Vec<Box<dyn Gathered>>,
    after_commit: Vec<Box<dyn FnOnce() + Send>>,
}

/// Writes down everything of one kind that was gathered in a transaction: see [`Tx::gather`].
pub type WriteAll<T> = for<'t> fn(&'t mut Tx, Vec<T>) -> Writing<'t>;

/// A write that is under way.
pub type Writing<'t> = Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 't>>;

/// What was gathered of one kind.
trait Gathered: Send {
    fn items(&mut self) -> &mut dyn Any;
    fn write<'t>(self: Box<Self>, t: &'t mut Tx) -> Writing<'t>;
}

struct All<T>(Vec<T>, WriteAll<T>);

impl<T: Send + 'static> Gathered for All<T> {
    fn items(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn write<'t>(self: Box<Self>, t: &'t mut Tx) -> Writing<'t> {
        (self.1)(t, self.0)
    }
}

enum On {
    Sqlite(SqliteTx, Arc<About>),
    Postgres(Transaction<'static, Postgres>, Arc<About>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A statement has been started and its end has not been seen.
    Running,
    Failed,
}

/// The connection for one statement of a transaction; for [`q!`](crate::q).
#[doc(hidden)]
#[derive(Debug)]
pub enum Statement<'t> {
    Sqlite(&'t mut SqliteConnection),
    Postgres(&'t mut PgConnection),
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx")
            .field("engine", &self.engine())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Tx {
    pub(super) fn sqlite(tx: SqliteTx, about: Arc<About>) -> Self {
        Self::on(On::Sqlite(tx, about))
    }

    pub(super) fn postgres(tx: Transaction<'static, Postgres>, about: Arc<About>) -> Self {
        Self::on(On::Postgres(tx, about))
    }

    fn on(on: On) -> Self {
        Self { on, state: State::Ready, gathered: Vec::new(), after_commit: Vec::new() }
    }

    /// Writes what was gathered, makes everything done in it lasting and visible, all at once, then does what
    /// [`Tx::after_commit`] asked for.
    ///
    /// # Errors
    /// When a statement of it failed, when the database refuses or is away. Whether it was committed is unknown when
    /// the connection broke during the commit itself: what must take effect once needs an idempotency record in the
    /// same transaction.
    pub async fn commit(mut self) -> Result<(), DbError> {
        self.flush().await?;
        self.must_be_ready()?;
        let about = match self.on {
            On::Sqlite(tx, about) => {
                tx.commit().await?;
                about
            }
            On::Postgres(tx, about) => {
                tx.commit().await.inspect_err(|error| about.note(error))?;
                about
            }
        };
        about.commits.increment(1);
        self.after_commit.into_iter().for_each(|act| act());
        Ok(())
    }

    /// Writes what was gathered so far. A commit does so by itself; this is for who has to know which of the two failed.
    ///
    /// # Errors
    /// When it cannot be written; the transaction can then only be rolled back.
    pub async fn flush(&mut self) -> Result<(), DbError> {
        self.must_be_ready()?;
        for all in std::mem::take(&mut self.gathered) {
            all.write(self).await?;
        }
        Ok(())
    }

    /// Undoes everything done in it, and waits until that is done; dropping does the same in the background.
    ///
    /// # Errors
    /// When the database is away; then it undoes the transaction by itself.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self.on {
            On::Sqlite(tx, _) => tx.rollback().await,
            On::Postgres(tx, _) => tx.rollback().await,
        }
    }

    /// Keeps something back to be written right before the commit, with all others of its type in one go: for rows that many
    /// steps of one transaction add, above all those that change one row that everybody wants. `T` is a type of its own for
    /// each `write`, in the order of the first item of each; it gathers nothing itself.
    pub fn gather<T: Send + 'static>(&mut self, item: T, write: WriteAll<T>) {
        let known = self.gathered.iter_mut().find_map(|all| all.items().downcast_mut::<Vec<T>>());
        match known {
            Some(items) => items.push(item),
            None => self.gathered.push(Box::new(All(vec![item], write))),
        }
    }

    /// Asks for something quick to be done right after the commit, such as waking a worker or emptying a cache. It is
    /// a hint, not a promise: a process that dies in between does not do it.
    pub fn after_commit(&mut self, act: impl FnOnce() + Send + 'static) {
        self.after_commit.push(Box::new(act));
    }

    /// The engine behind it.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self.on {
            On::Sqlite(..) => Engine::Sqlite,
            On::Postgres(..) => Engine::Postgres,
        }
    }

    /// See [`Db::skip_locked`](super::Db::skip_locked).
    #[must_use]
    pub const fn skip_locked(&self) -> &'static str {
        self.engine().skip_locked()
    }

    /// The connection for one statement; for [`q!`](crate::q).
    #[doc(hidden)]
    pub fn statement(&mut self) -> Result<Statement<'_>, DbError> {
        self.must_be_ready()?;
        self.state = State::Running;
        match &mut self.on {
            On::Sqlite(tx, _) => Ok(Statement::Sqlite(tx.statement())),
            On::Postgres(tx, _) => Ok(Statement::Postgres(tx)),
        }
    }

    /// Notes how the statement ended; for [`q!`](crate::q).
    #[doc(hidden)]
    pub fn settle<T>(&mut self, outcome: Result<T, DbError>) -> Result<T, DbError> {
        let by_database = |error: &DbError| {
            use sqlx::Error::{Database, Io, Protocol, Tls, WorkerCrashed};
            matches!(error, Database(_) | Io(_) | Protocol(_) | Tls(_) | WorkerCrashed)
        };
        self.state = if outcome.as_ref().is_err_and(by_database) { State::Failed } else { State::Ready };
        match &mut self.on {
            On::Sqlite(tx, _) => tx.settle(outcome),
            On::Postgres(_, about) => outcome.inspect_err(|error| about.note(error)),
        }
    }

    /// Whether a further statement, or the commit, has a chance.
    pub(super) fn must_be_ready(&self) -> Result<(), DbError> {
        let reason = match self.state {
            State::Ready => return Ok(()),
            State::Running => {
                "a statement of this transaction was not waited for; it can only be rolled back"
            }
            State::Failed => "a statement of this transaction failed; it can only be rolled back",
        };
        Err(DbError::InvalidArgument(reason.to_owned()))
    }
}
