//! What a person may do to jobs. Each deed and its line in the operator log commit together.

use super::Jobs;
use super::record::{JobRecord, JobStatus};
use super::store_list::{self, Which};
use crate::db::{DbError, Tx};
use crate::operator::{Operator, note};
use serde_json::{Value, json};
use uuid::Uuid;

/// Why an operator's wish was not granted.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such job.
    #[error("there is no job {0}")]
    Missing(String),
    /// Its state does not allow it.
    #[error("the job is {0}")]
    NotAllowed(JobStatus),
    /// It comes again by itself.
    #[error("the job is periodic: run it by its name")]
    Periodic,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Jobs {
    /// The first `most` jobs, of this name when there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, which: Which, name: Option<&str>, most: u32) -> Result<Vec<JobRecord>, DbError> {
        store_list::list(&self.0.db, which, name, i64::from(most)).await
    }

    /// One job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, id: Uuid) -> Result<Option<JobRecord>, DbError> {
        store_list::find(&self.0.db, id).await
    }

    /// Makes a periodic job due now; its period counts from that run on.
    ///
    /// # Errors
    /// When there is no such job, when it runs already, when the database fails.
    pub async fn run_now(&self, operator: &Operator, name: &str) -> Result<(), OperateError> {
        let mut t = self.0.db.begin().await?;
        let found = store_list::find_periodic_in(&mut t, name).await?;
        let job = found.ok_or_else(|| OperateError::Missing(name.to_owned()))?;
        if !store_list::make_due(&mut t, job.id, self.0.clock.now()).await? {
            return Err(OperateError::NotAllowed(job.status));
        }
        let detail = json!({ "lastOutcome": job.last_outcome, "wasDueAt": job.due_at });
        self.finish(t, operator, "job.run", name, detail).await
    }

    /// Has a queued job tried again now, with all its tries: one that has failed, or one that waits for its time.
    ///
    /// # Errors
    /// When there is no such job, when it runs or is done, when the database fails.
    pub async fn retry(&self, operator: &Operator, id: Uuid) -> Result<(), OperateError> {
        let mut t = self.0.db.begin().await?;
        let job = queued(&mut t, id).await?;
        if !store_list::make_due(&mut t, id, self.0.clock.now()).await? {
            return Err(OperateError::NotAllowed(job.status));
        }
        self.finish(t, operator, "job.retry", &id.to_string(), before(&job)).await
    }

    /// Has all failed jobs of a name tried again; says how many. One line in the operator log stands for all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_failed(&self, operator: &Operator, name: &str) -> Result<u64, OperateError> {
        let mut t = self.0.db.begin().await?;
        let count = store_list::make_failed_due(&mut t, name, self.0.clock.now()).await?;
        self.finish(t, operator, "job.retry_failed", name, json!({ "count": count })).await?;
        Ok(count)
    }

    /// Removes a queued job that waits or has failed: it will not be done.
    ///
    /// # Errors
    /// As [`Jobs::retry`].
    pub async fn discard(&self, operator: &Operator, id: Uuid) -> Result<(), OperateError> {
        let mut t = self.0.db.begin().await?;
        let job = queued(&mut t, id).await?;
        if !store_list::remove(&mut t, id).await? {
            return Err(OperateError::NotAllowed(job.status));
        }
        self.finish(t, operator, "job.discard", &id.to_string(), before(&job)).await
    }

    async fn finish(
        &self,
        mut t: Tx,
        operator: &Operator,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<(), OperateError> {
        note(&mut t, &self.0.clock, operator, action, subject, detail).await?;
        let queued = self.0.queued.clone();
        t.after_commit(move || queued.all());
        Ok(t.commit().await?)
    }
}

async fn queued(t: &mut Tx, id: Uuid) -> Result<JobRecord, OperateError> {
    let job = store_list::find_in(t, id).await?.ok_or_else(|| OperateError::Missing(id.to_string()))?;
    if job.is_periodic() { Err(OperateError::Periodic) } else { Ok(job) }
}

/// What it was before, without what it was given, which may be personal.
fn before(job: &JobRecord) -> Value {
    json!({ "name": job.name, "status": job.status, "attempts": job.attempts, "error": job.last_error })
}
