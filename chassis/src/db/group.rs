//! Small writes that meet share one transaction.
//!
//! On SQLite a commit costs more than the statements of a small write, and there is one writer. So the jobs given to
//! [`Db::group`] go to one writer task, which takes those that wait (256 at most), runs them in one transaction, and
//! answers each after the commit. Measured: three to four times as many writes a second, also with full sync. On
//! PostgreSQL, whose server groups commits by itself, each job runs in a transaction of its own.
//!
//! What must hold:
//! - A job may be run more than once, and all runs but the committed one are undone. It changes nothing but the database.
//! - A job's failure is its own. When one fails, all are undone; it is then run alone, and the others together again.
//! - A job is answered after its commit, and what it asked [`Tx::after_commit`] for happens before that answer.
//! - A caller that goes away breaks nobody's transaction: its job is left out, undone if it was under way, and stands if
//!   all that was left was the commit.
//! - [`Db::close`] finishes what was accepted. The task ends with the last clone of the database at the latest.
//!
//! What it does not do: it gives no order among jobs that wait at the same time, and it does not make long jobs short.
//! A job holds up all others while it runs: no calls, no sleeping.

use super::{Db, DbError, Tx, violated};
use crate::http::InHand;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metrics::counter;
use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The most jobs in one transaction.
const MOST: usize = 256;
/// The most jobs that wait for the writer; whoever comes then waits for a place.
const QUEUE: usize = 1_024;
/// How often the rest is tried together again after one of it failed; then each runs alone.
const REGROUPINGS: usize = 4;

/// The group writer of one database; PostgreSQL's never starts.
#[derive(Debug, Default)]
pub(super) struct Group(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Unused,
    Open {
        jobs: mpsc::Sender<Box<dyn Job>>,
        writer: JoinSet<()>,
    },
    Closed,
}

impl Db {
    /// Runs a small write in a transaction that it may share with others, and answers after the commit.
    ///
    /// The job is run again from the start when another one in the same transaction fails, so it is a function that
    /// captures what it needs and makes a new future each time:
    ///
    /// ```ignore
    /// let touched = db.group(move |t| Box::pin(async move { q!(t.tx, execute, ADD, id, amount) })).await?;
    /// ```
    ///
    /// An `Err` of the job undoes what it did and costs everybody in the same transaction a second run: an outcome that
    /// is to be expected is better an `Ok` that has written nothing. The request in hand, the origin and the log span of the
    /// caller are those of the job too.
    ///
    /// # Errors
    /// The job's own; and when no transaction could be begun or committed in time. Whether it was committed is unknown
    /// when the connection broke during the commit, and for a caller that does not wait for the answer.
    ///
    /// # Panics
    /// When the job does.
    pub async fn group<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let Self::Sqlite { write, about, .. } = self else { return alone(self, &work).await };
        let (back, answer) = oneshot::channel();
        let job = Waiting { work, in_hand: InHand::current(), outcome: None, back: Some(back) };
        let place = about.group.sender(self).map_err(E::from)?;
        // A place comes free when a transaction ends: waiting for one is waiting for the write lock.
        match timeout(write.acquire_timeout(), place.send(Box::new(job))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(DbError::PoolClosed.into()),
            Err(_) => return Err(DbError::PoolTimedOut.into()),
        }
        drop(place);
        match answer.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => resume_unwind(panic),
            // The writer went away with its runtime.
            Err(_) => Err(DbError::WorkerCrashed.into()),
        }
    }
}

/// Runs a job in a transaction of its own.
async fn alone<T, E, F>(db: &Db, work: &F) -> Result<T, E>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>>,
    E: From<DbError>,
{
    let mut t = db.begin().await?;
    match work(&mut t).await {
        Ok(done) => {
            t.commit().await?;
            Ok(done)
        }
        Err(error) => {
            // Waited for, so that the caller's next statement does not wait for the rows.
            if let Err(undo) = t.rollback().await {
                tracing::debug!(error = %undo, "a transaction that failed was not rolled back in order");
            }
            Err(error)
        }
    }
}

impl Group {
    /// The way to the writer, which is started by the first job.
    fn sender(&self, db: &Db) -> Result<mpsc::Sender<Box<dyn Job>>, DbError> {
        let mut state = self.state();
        if matches!(*state, State::Unused) {
            let (jobs, queue) = mpsc::channel(QUEUE);
            let mut writer = JoinSet::new();
            writer.spawn(write_until_closed(db.without_group(), queue));
            *state = State::Open { jobs, writer };
        }
        match &*state {
            State::Open { jobs, .. } => Ok(jobs.clone()),
            State::Unused | State::Closed => Err(DbError::PoolClosed),
        }
    }

    /// Takes no more jobs and waits until those that were accepted are done.
    pub(super) async fn close(&self) {
        let before = std::mem::replace(&mut *self.state(), State::Closed);
        if let State::Open { jobs, mut writer } = before {
            drop(jobs);
            while writer.join_next().await.is_some() {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write whose caller waits for it, its types put aside.
trait Job: Send {
    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;

    /// Runs it once and keeps the outcome. Says whether that may be committed.
    fn run<'a>(&'a mut self, t: &'a mut Tx) -> BoxFuture<'a, bool>;

    /// Gives the caller the outcome of the last run, or the reason why that did not come to be.
    fn answer(&mut self, failure: Option<DbError>);
}

type Panic = Box<dyn Any + Send>;

struct Waiting<F, T, E> {
    work: F,
    in_hand: InHand,
    outcome: Option<Result<Result<T, E>, Panic>>,
    back: Option<oneshot::Sender<Result<Result<T, E>, Panic>>>,
}

impl<F, T, E> Job for Waiting<F, T, E>
where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    T: Send,
    E: From<DbError> + Send,
{
    fn is_wanted(&self) -> bool {
        self.back.as_ref().is_some_and(|back| !back.is_closed())
    }

    fn run<'a>(&'a mut self, t: &'a mut Tx) -> BoxFuture<'a, bool> {
        let Self { work, in_hand, outcome, back } = self;
        Box::pin(async move {
            let made = in_hand.clone().go_on(async { work(t).await });
            let made = AssertUnwindSafe(made).catch_unwind();
            let ended = tokio::select! {
                biased;
                ended = made => ended,
                () = left(back) => return false,
            };
            // A job that hid a failed statement, or went on without waiting for one, has failed all the same.
            let ended = match (ended, t.must_be_ready()) {
                (Ok(Ok(_)), Err(error)) => Ok(Err(error.into())),
                (ended, _) => ended,
            };
            outcome.insert(ended).as_ref().is_ok_and(Result::is_ok)
        })
    }

    fn answer(&mut self, failure: Option<DbError>) {
        let outcome = match (failure, self.outcome.take()) {
            (Some(failure), _) => Ok(Err(failure.into())),
            (None, Some(outcome)) => outcome,
            (None, None) => Ok(Err(DbError::WorkerCrashed.into())),
        };
        if let Some(back) = self.back.take() {
            // Who went away does not want to know.
            drop(back.send(outcome));
        }
    }
}

/// Resolves when nobody waits for the answer any more.
async fn left<T>(back: &mut Option<oneshot::Sender<T>>) {
    if let Some(back) = back {
        back.closed().await;
    }
}

async fn write_until_closed(db: Db, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    while let Some(first) = queue.recv().await {
        let begun = db.begin().await;
        // What came while this one waited for the write lock comes along.
        let mut jobs = vec![first];
        while jobs.len() < MOST
            && let Ok(next) = queue.try_recv()
        {
            jobs.push(next);
        }
        jobs.retain(|job| job.is_wanted());
        match begun {
            Ok(t) => write_together(&db, t, jobs).await,
            Err(error) => jobs.iter_mut().for_each(|job| job.answer(Some(same(&error)))),
        }
    }
}

/// Runs jobs in one transaction; without the one that fails, again.
async fn write_together(db: &Db, first: Tx, mut jobs: Vec<Box<dyn Job>>) {
    let mut t = first;
    for regroupings in 0.. {
        match run_in(t, &mut jobs, db.service()).await {
            Ok(()) => return,
            // What the first one met, it met alone.
            Err(Some(0)) if regroupings < REGROUPINGS => jobs.remove(0).answer(None),
            Err(Some(failed)) if regroupings < REGROUPINGS => {
                write_alone(db, &mut *jobs.remove(failed)).await
            }
            Err(_) => break,
        }
        if jobs.is_empty() {
            return;
        }
        t = match db.begin().await {
            Ok(t) => t,
            Err(error) => return jobs.iter_mut().for_each(|job| job.answer(Some(same(&error)))),
        };
    }
    for job in &mut jobs {
        write_alone(db, &mut **job).await;
    }
}

/// Runs jobs in `t` and answers them. Otherwise all is undone and nobody answered: the place of the job that failed, or
/// nothing when it was the commit that a rule of the schema refused.
async fn run_in(mut t: Tx, jobs: &mut [Box<dyn Job>], service: &str) -> Result<(), Option<usize>> {
    for (place, job) in jobs.iter_mut().enumerate() {
        if !job.run(&mut t).await {
            undo(t).await;
            return Err(Some(place));
        }
    }
    match t.commit().await {
        Ok(()) => {
            let count = u64::try_from(jobs.len()).unwrap_or_default();
            counter!("db_group_commits_total", "service" => service.to_owned()).increment(1);
            counter!("db_group_jobs_total", "service" => service.to_owned()).increment(count);
            jobs.iter_mut().for_each(|job| job.answer(None));
            Ok(())
        }
        Err(error) if violated(&error).is_some() => Err(None),
        // Whether it was committed may be unknown: doing it again could do it twice.
        Err(error) => {
            jobs.iter_mut().for_each(|job| job.answer(Some(same(&error))));
            Ok(())
        }
    }
}

async fn write_alone(db: &Db, job: &mut dyn Job) {
    let mut t = match db.begin().await {
        Ok(t) => t,
        Err(error) => return job.answer(Some(error)),
    };
    if job.run(&mut t).await {
        return job.answer(t.commit().await.err());
    }
    undo(t).await;
    job.answer(None);
}

async fn undo(t: Tx) {
    if let Err(error) = t.rollback().await {
        tracing::debug!(error = %error, "a shared transaction was not rolled back in order");
    }
}

/// An error that says the same, for each of those whom it met.
fn same(error: &DbError) -> DbError {
    match error {
        DbError::PoolTimedOut => DbError::PoolTimedOut,
        DbError::PoolClosed => DbError::PoolClosed,
        DbError::WorkerCrashed => DbError::WorkerCrashed,
        other => DbError::Io(std::io::Error::other(other.to_string())),
    }
}
