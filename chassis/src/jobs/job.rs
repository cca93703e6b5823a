//! How a service declares a job: what it is called, what it does, how long that may take and how often it is tried.

use super::store;
use crate::clock::Clock;
use crate::db::{DbError, Tx};
use crate::stop::Stop;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// Work that can be put off: what it needs to know, as JSON.
///
/// A release must be able to read what the one before has queued: give new fields a `#[serde(default)]`.
pub trait Task: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the job that does it: unique in the service, the same in every release.
    const NAME: &'static str;
}

/// Does a task in a transaction.
///
/// What it writes goes through `t`, together with the mark that the job is done: all of it is committed, or nothing is. It
/// calls no one else while it does so: on SQLite `t` is the one writer, and what a call has done cannot be undone.
pub trait Perform<T: Task>: Send + Sync + 'static {
    /// Does it. It may be called again for the same task when what it did was not committed.
    fn perform(&self, t: &mut Tx, task: T, run: &Run) -> impl Future<Output = JobResult> + Send;
}

/// How a run ended.
pub type JobResult = Result<(), JobError>;

/// Why a run did not do its work.
#[derive(Debug)]
pub struct JobError {
    pub(super) error: anyhow::Error,
    pub(super) hopeless: bool,
}

impl JobError {
    /// Trying again will not help: a queued job has failed at once, a periodic one waits for its next time.
    pub fn give_up(error: impl Into<anyhow::Error>) -> Self {
        Self { error: error.into(), hopeless: true }
    }
}

/// Anything else may pass: the job is tried again.
impl<E: Into<anyhow::Error>> From<E> for JobError {
    fn from(error: E) -> Self {
        Self { error: error.into(), hopeless: false }
    }
}

/// One run of a job, for whoever carries it out.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job's id: the same at every try.
    pub id: Uuid,
    /// Which try this is, from 1.
    pub attempt: u32,
    pub(super) fence: i64,
    pub(super) stop: Stop,
    pub(super) clock: Clock,
    /// Whether a transaction was committed that notes it as done.
    pub(super) completed: Arc<AtomicBool>,
}

impl Run {
    /// Says when the process stops: long work ends early then, with what it has done.
    #[must_use]
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether the job is still this run's own, asked inside a transaction: as long as that is open, nobody takes it over.
    /// For work that goes on in transactions of its own and must not be done by two at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds(&self, t: &mut Tx) -> Result<bool, DbError> {
        store::confirm(t, self.id, self.fence).await
    }

    /// Notes in a transaction of a [`Job::queued`] that it is done, which saves a commit: what that transaction does takes
    /// effect exactly once, and whatever follows its commit may be lost. False when the job is another's by now: roll back
    /// then. A periodic job is never done.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn complete(&self, t: &mut Tx) -> Result<bool, DbError> {
        let is_own = store::mark_done_in(t, self.id, self.fence, self.clock.now()).await?;
        if is_own {
            let completed = Arc::clone(&self.completed);
            t.after_commit(move || completed.store(true, Ordering::Release));
        }
        Ok(is_own)
    }
}

/// How often a run is tried, and how long it waits between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often in all.
    pub tries: u32,
    /// The pause after the first failure. It doubles, with up to as much again by chance.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Retry {
    /// Three tries within seconds: for periodic work, which comes again anyway.
    pub const FEW: Self = Self { tries: 3, first: Duration::from_secs(1), longest: Duration::from_secs(30) };

    /// Twelve tries over some hours: for work that must be done and waits for something that is away.
    pub const PATIENT: Self =
        Self { tries: 12, first: Duration::from_secs(2), longest: Duration::from_secs(1_800) };

    /// The pause after this failed try.
    pub(super) fn pause_after(self, attempt: i64) -> Duration {
        let pauses = ExponentialBuilder::new().with_factor(2.0).with_min_delay(self.first);
        let pauses = pauses.with_max_delay(self.longest).without_max_times().with_jitter().build();
        let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or_default();
        pauses.into_iter().nth(place).unwrap_or(self.longest)
    }
}

/// A job of a service.
pub struct Job {
    pub(super) name: &'static str,
    pub(super) every: Option<Duration>,
    pub(super) jitter: Duration,
    pub(super) deadline: Duration,
    pub(super) retry: Retry,
    pub(super) work: Work,
}

type Plain = Box<dyn Fn(Value, Run) -> BoxFuture<'static, JobResult> + Send + Sync>;

/// What a job does, the types put aside.
pub(super) enum Work {
    Plain(Plain),
    InTx(Box<dyn InTx>),
}

/// Work in a transaction, the type of its task put aside.
pub(super) trait InTx: Send + Sync {
    fn perform<'t>(&'t self, t: &'t mut Tx, payload: Value, run: &'t Run) -> BoxFuture<'t, JobResult>;
}

struct Typed<T, P>(P, PhantomData<fn(T)>);

impl<T: Task, P: Perform<T>> InTx for Typed<T, P> {
    fn perform<'t>(&'t self, t: &'t mut Tx, payload: Value, run: &'t Run) -> BoxFuture<'t, JobResult> {
        Box::pin(async move {
            let task = read::<T>(payload)?;
            self.0.perform(t, task, run).await
        })
    }
}

fn read<T: Task>(payload: Value) -> Result<T, JobError> {
    let cannot = |error| anyhow::Error::new(error).context("what was queued cannot be read");
    serde_json::from_value(payload).map_err(cannot).map_err(JobError::give_up)
}

impl Job {
    /// Work that one of all instances does every `period`, counted from the beginning of one run to the beginning of the
    /// next. The first run is at once; runs that were missed are one run.
    #[must_use]
    pub fn every<F>(
        name: &'static str,
        period: Duration,
        work: impl Fn(Run) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = JobResult> + Send + 'static,
    {
        let work: Plain = Box::new(move |_, run| Box::pin(work(run)));
        Self {
            name,
            every: Some(period),
            jitter: period / 20,
            deadline: Duration::from_secs(300),
            retry: Retry::FEW,
            work: Work::Plain(work),
        }
    }

    /// What is done with each task that was queued: at least once. Effects outside of the database should carry the run's id
    /// as their idempotency key.
    #[must_use]
    pub fn queued<T: Task, F>(work: impl Fn(T, Run) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = JobResult> + Send + 'static,
    {
        let work: Plain = Box::new(move |payload, run| match read::<T>(payload) {
            Ok(task) => Box::pin(work(task, run)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        });
        Self {
            name: T::NAME,
            every: None,
            jitter: Duration::ZERO,
            deadline: Duration::from_secs(60),
            retry: Retry::PATIENT,
            work: Work::Plain(work),
        }
    }

    /// What is done with each task that was queued, in a transaction that also notes that it is done: exactly once.
    #[must_use]
    pub fn queued_in_tx<T: Task>(work: impl Perform<T>) -> Self {
        Self {
            name: T::NAME,
            every: None,
            jitter: Duration::ZERO,
            deadline: Duration::from_secs(10),
            retry: Retry::PATIENT,
            work: Work::InTx(Box::new(Typed(work, PhantomData))),
        }
    }

    /// How long a run may take; then it has failed. By default five minutes for a periodic job, one for a queued one and ten
    /// seconds in a transaction.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How often a run is tried. By default [`Retry::FEW`] for a periodic job, [`Retry::PATIENT`] for a queued one.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Up to how much later, by chance, a periodic job comes than its period says, so that not everything happens at once. By
    /// default a twentieth of the period.
    #[must_use]
    pub const fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long a worker has it when it takes it. In a transaction the lease cannot be renewed and lasts for the whole run.
    pub(super) fn lease(&self, lease: Duration) -> Duration {
        match self.work {
            Work::Plain(_) => lease,
            Work::InTx(_) => lease.max(self.deadline + Duration::from_secs(5)),
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).field("every", &self.every).finish_non_exhaustive()
    }
}

/// Refuses what is not declared well.
pub(super) fn check(jobs: &[Arc<Job>]) -> anyhow::Result<()> {
    for (place, Job { name, every, deadline, retry, .. }) in jobs.iter().map(|job| &**job).enumerate() {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        anyhow::ensure!(
            !name.is_empty() && name.len() <= 40 && name.chars().all(is_plain),
            "the job {name:?} needs a name of up to 40 lower-case letters, digits and -"
        );
        anyhow::ensure!(
            jobs[..place].iter().all(|other| other.name != *name),
            "there are two jobs {name:?}: names are unique"
        );
        anyhow::ensure!(every.is_none_or(|every| !every.is_zero()), "the job {name:?} needs a period");
        anyhow::ensure!(!deadline.is_zero() && retry.tries > 0, "the job {name:?} needs time and a try");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &'static str) -> Arc<Job> {
        Arc::new(Job::every(name, Duration::from_secs(1), |_| std::future::ready(Ok(()))))
    }

    #[test]
    fn a_name_is_plain_and_there_once() {
        assert!(check(&[named("sweep"), named("sweep-2")]).is_ok());
        assert!(check(&[named("sweep"), named("sweep")]).unwrap_err().to_string().contains("two jobs"));
        assert!(check(&[named("sweep it")]).is_err());
        assert!(check(&[named("'; DROP TABLE job; --")]).is_err());
    }

    #[test]
    fn the_pause_doubles_up_to_the_longest() {
        let retry = Retry { tries: 9, first: Duration::from_secs(1), longest: Duration::from_secs(10) };
        let within = |attempt, least: u64| {
            let pause = retry.pause_after(attempt);
            (Duration::from_secs(least)..=Duration::from_secs(2 * least)).contains(&pause)
        };
        assert!(within(1, 1) && within(3, 4) && within(99, 10));
    }
}
