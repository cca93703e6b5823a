//! Jobs: work that is done every so often by one of all instances, and work that a transaction puts off until later.
//!
//! A *periodic* job ([`Job::every`]) is one row in the service's database: when it is due next, and how its last run went.
//! A *queued* job is a row that a transaction writes together with its other changes ([`Jobs::enqueue`]): it is there when
//! that is committed and not otherwise. Workers of any number of processes take due rows and carry them out.
//!
//! What must hold:
//! - A job has one owner at a time, by a lease. An owner that cannot renew its lease stops the run before the lease is over,
//!   and every note about a run is conditional on its *fence*, so that whoever was replaced changes nothing.
//! - A process that dies is replaced when its lease is over. The attempt stays counted.
//! - A queued job is carried out at least once; one in a transaction ([`Job::queued_in_tx`]) takes effect exactly once: its
//!   effect and the mark that it is done are one commit.
//! - A run that fails, panics or takes longer than its deadline is tried again with growing pauses. After the last try a
//!   queued job is kept as failed, with its error, until somebody decides ([`Jobs::retry`], [`Jobs::discard`]); a periodic
//!   one waits for its next time.
//! - Runs of a periodic job that were missed are one run.
//!
//! What it does not do: it keeps no order among queued jobs, it knows no calendar (a period is a length of time), and it does
//! not run what every process has to do for itself, such as reading keys again; that is a worker.

mod carry;
mod config;
mod job;
mod operate;
mod record;
mod store;
mod store_list;
mod watch;
mod worker;

pub use config::JobsConfig;
pub use job::{Job, JobError, JobResult, Perform, Retry, Run, Task};
pub use operate::OperateError;
pub use record::{JobRecord, JobStatus};
// For a test of how the database goes about them.
#[doc(hidden)]
pub use store::{claim_sql, next_due_sql};
pub use store_list::Which;
pub use watch::{Board, JobLine};

use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError, Tx};
use crate::error::ApiError;
use crate::http::origin;
use crate::wake::Wake;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The jobs of one service. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: JobsConfig,
    db: Db,
    clock: Clock,
    /// Wakes the workers of all replicas.
    queued: Wake,
    board: Board,
}

/// When a queued job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As soon as the transaction is committed.
    Now,
    /// So much later.
    In(Duration),
    /// At this time.
    At(Ts),
}

/// Why a job was not queued.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The task has no form in JSON.
    #[error("the task cannot be written: {0}")]
    Task(serde_json::Error),
    /// The database failed; the transaction is over.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<EnqueueError> for ApiError {
    #[track_caller]
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Db(error) => error.into(),
            other @ EnqueueError::Task(_) => Self::internal(other),
        }
    }
}

impl Jobs {
    /// The jobs in `db`, which has the chassis' migrations. `queued` wakes the workers of all replicas, `board` is told how
    /// the jobs stand.
    #[must_use]
    pub fn new(config: JobsConfig, db: Db, clock: Clock, queued: Wake, board: Board) -> Self {
        Self(Arc::new(Inner { config, db, clock, queued, board }))
    }

    /// Whether this process carries out jobs (`jobs.enabled`).
    #[must_use]
    pub fn are_carried_out_here(&self) -> bool {
        self.0.config.enabled
    }

    /// Puts work off, in the caller's transaction: it is done when that is committed and not otherwise. The trace and the
    /// correlation of the work in hand go with it. Returns the job's id.
    ///
    /// # Errors
    /// When the task cannot be written as JSON, and when the statement fails.
    pub async fn enqueue<T: Task>(&self, t: &mut Tx, task: &T, when: When) -> Result<Uuid, EnqueueError> {
        let id = Uuid::now_v7();
        self.insert(t, id, None, task, when).await?;
        Ok(id)
    }

    /// [`Jobs::enqueue`], unless a job of the same task and `key` waits already, which then stands for both: `None`. A job
    /// that was taken does not wait any more, also while it is tried again.
    ///
    /// # Errors
    /// As [`Jobs::enqueue`].
    pub async fn enqueue_once<T: Task>(
        &self,
        t: &mut Tx,
        key: &str,
        task: &T,
        when: When,
    ) -> Result<Option<Uuid>, EnqueueError> {
        let id = Uuid::now_v7();
        Ok(self.insert(t, id, Some(key), task, when).await?.then_some(id))
    }

    async fn insert<T: Task>(
        &self,
        t: &mut Tx,
        id: Uuid,
        key: Option<&str>,
        task: &T,
        when: When,
    ) -> Result<bool, EnqueueError> {
        let (now, origin) = (self.0.clock.now(), origin());
        let due = match when {
            When::Now => now,
            When::In(pause) => now + pause,
            When::At(at) => at,
        };
        let traceparent = origin.as_ref().map(|origin| origin.trace.to_string());
        let new = store::New {
            id,
            name: T::NAME,
            key,
            payload: &serde_json::to_value(task).map_err(EnqueueError::Task)?,
            due,
            traceparent: traceparent.as_deref(),
            correlation_id: origin.as_ref().map(|origin| &*origin.correlation_id),
            now,
        };
        let is_new = store::insert(t, &new).await?;
        if is_new && due <= now {
            let queued = self.0.queued.clone();
            t.after_commit(move || queued.all());
        }
        Ok(is_new)
    }

    /// Removes queued jobs that are done and have been kept long enough. Says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sweep(&self, run: &Run) -> Result<u64, DbError> {
        let before = self.0.clock.now() - self.0.config.keep();
        let mut removed = 0;
        while !run.stop().is_stopping() {
            match store_list::remove_done(&self.0.db, before).await? {
                0 => break,
                some => removed += some,
            }
        }
        Ok(removed)
    }
}
