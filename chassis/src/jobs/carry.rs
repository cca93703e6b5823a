//! One run: within its deadline, under its lease, and the note about how it ended.

use super::Jobs;
use super::job::{Job, JobError, Run, Work};
use super::record::{JobRecord, JobStatus};
use super::store::{self, Noted};
use crate::clock::Ts;
use crate::db::DbError;
use crate::stop::Stop;
use crate::telemetry::origin::Origin;
use anyhow::anyhow;
use futures_util::FutureExt;
use metrics::{counter, histogram};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

/// What is kept of an error, in bytes.
const LONGEST_ERROR: usize = 2_000;
/// How often a note is tried whose database is away, with a pause that doubles.
const NOTE_TRIES: u32 = 6;
const NOTE_PAUSE: Duration = Duration::from_millis(50);

/// Carries one job out that was taken.
pub(super) struct Carrier {
    jobs: Jobs,
    job: Arc<Job>,
    record: JobRecord,
    stop: Stop,
}

/// How a run ended.
enum Ended {
    /// The work is done, and nobody has noted it yet.
    Done,
    /// The work is done, and that was committed with it.
    Noted,
    Failed(JobError),
    /// It is not its own any more.
    Lost,
}

impl Carrier {
    pub(super) fn new(jobs: Jobs, job: Arc<Job>, record: JobRecord, stop: Stop) -> Self {
        Self { jobs, job, record, stop }
    }

    pub(super) async fn carry(self) {
        let origin =
            Origin::caused_by(self.record.traceparent.as_deref(), self.record.correlation_id.as_deref());
        let span = tracing::info_span!(
            "job",
            otel.name = %self.job.name,
            otel.kind = "consumer",
            service = self.jobs.0.db.service(),
            job = self.job.name,
            id = %self.record.id,
            attempt = self.record.attempts,
            correlation_id = %origin.correlation_id,
            trace_id = %origin.trace.trace_id(),
        );
        origin.scope(span, self.run_and_note()).await;
    }

    async fn run_and_note(&self) {
        let (service, name) = (self.jobs.0.db.service().to_owned(), self.job.name);
        let began = Instant::now();
        let ended = self.run().await;
        histogram!("job_duration_seconds", "service" => service.clone(), "job" => name)
            .record(began.elapsed());
        let outcome = match self.note(ended).await {
            Ok(outcome) => outcome,
            Err(error) => {
                tracing::error!(%error, "how a job ended cannot be noted; it is carried out again");
                "lost"
            }
        };
        counter!("job_runs_total", "service" => service, "job" => name, "outcome" => outcome).increment(1);
    }

    async fn run(&self) -> Ended {
        // A process that dies in the middle leaves the attempt counted and nothing else.
        if self.record.attempts > i64::from(self.job.retry.tries) {
            return Ended::Failed(JobError::give_up(anyhow!("the process ended during the last try")));
        }
        let (deadline, JobRecord { id, fence, attempts, .. }) = (self.job.deadline, &self.record);
        let attempt = u32::try_from(*attempts).unwrap_or(u32::MAX);
        let completed = Arc::new(AtomicBool::new(false));
        let (stop, clock) = (self.stop.clone(), self.jobs.0.clock.clone());
        let run = Run { id: *id, attempt, fence: *fence, stop, clock, completed: Arc::clone(&completed) };
        let payload = self.record.payload.clone();
        let work = async {
            match &self.job.work {
                Work::Plain(work) => work(payload, run).await.map(|()| Ended::Done),
                Work::InTx(work) => {
                    let mut t = self.jobs.0.db.begin().await?;
                    if let Err(error) = work.perform(&mut t, payload, &run).await {
                        t.rollback().await?;
                        return Err(error);
                    }
                    if !run.complete(&mut t).await? {
                        t.rollback().await?;
                        return Ok(Ended::Lost);
                    }
                    t.commit().await?;
                    Ok(Ended::Done)
                }
            }
        };
        let work = timeout(deadline, AssertUnwindSafe(work).catch_unwind());
        let ended = tokio::select! {
            ended = work => ended,
            () = self.keep() => Ok(Ok(Ok(Ended::Lost))),
        };
        if completed.load(Ordering::Acquire) {
            return Ended::Noted;
        }
        match ended {
            Ok(Ok(Ok(ended))) => ended,
            Ok(Ok(Err(error))) => Ended::Failed(error),
            Ok(Err(panic)) => Ended::Failed(anyhow!("the job panicked: {}", said(&*panic)).into()),
            Err(_) => Ended::Failed(anyhow!("the job took longer than {deadline:?}").into()),
        }
    }

    /// Renews the lease for as long as the run goes on. Returns when it is another's, or may be.
    async fn keep(&self) {
        if matches!(self.job.work, Work::InTx(_)) {
            // Its lease lasts for the whole run; on SQLite the run itself would keep it from being renewed.
            return std::future::pending().await;
        }
        let (inner, lease) = (&self.jobs.0, self.jobs.0.config.lease());
        let mut until = self.record.due_at;
        loop {
            sleep(lease / 3).await;
            let next = inner.clock.now() + lease;
            let renewing = store::renew(&inner.db, self.record.id, self.record.fence, next);
            match timeout(lease / 3, renewing).await {
                Ok(Ok(true)) => until = next,
                Ok(Ok(false)) => return,
                Ok(Err(_)) | Err(_) if inner.clock.now() + lease / 3 >= until => return,
                Ok(Err(error)) => tracing::debug!(%error, "the lease of a job cannot be renewed"),
                Err(_) => {}
            }
        }
    }

    /// Notes how the run ended, for the metrics in a word.
    async fn note(&self, ended: Ended) -> Result<&'static str, DbError> {
        let (id, fence, now) = (self.record.id, self.record.fence, self.jobs.0.clock.now());
        let (outcome, is_noted) = match ended {
            Ended::Noted => return Ok("done"),
            Ended::Lost => ("lost", false),
            Ended::Done => ("done", self.note_done(id, fence, now).await?),
            Ended::Failed(error) => self.note_failed(&error, now).await?,
        };
        if is_noted {
            return Ok(outcome);
        }
        tracing::warn!("the job is another's by now: this run has been replaced");
        Ok("lost")
    }

    async fn note_done(&self, id: Uuid, fence: i64, now: Ts) -> Result<bool, DbError> {
        let db = &self.jobs.0.db;
        let Some(every) = self.job.every else {
            return until_noted(|| store::mark_done(db, id, fence, now)).await;
        };
        let (status, outcome, error, due) = (JobStatus::Waiting, "done", None, self.next(every, now));
        let noted = Noted { id, fence, status, attempts: 0, due, outcome, error, now };
        until_noted(|| store::note(db, &noted)).await
    }

    async fn note_failed(&self, failure: &JobError, now: Ts) -> Result<(&'static str, bool), DbError> {
        let JobRecord { id, fence, attempts, .. } = self.record;
        let chain = format!("{:#}", failure.error);
        let error = chain.get(..chain.floor_char_boundary(LONGEST_ERROR)).unwrap_or(&chain);
        let is_last = failure.hopeless || attempts >= i64::from(self.job.retry.tries);
        let pause = self.job.retry.pause_after(attempts);
        let (status, outcome, due, attempts) = match (is_last, self.job.every) {
            (false, every) => {
                let pause = every.map_or(pause, |every| pause.min(every));
                tracing::warn!(error, retry_in = ?pause, "job not done");
                (JobStatus::Waiting, "retry", now + pause, attempts)
            }
            (true, Some(every)) => {
                tracing::error!(error, "periodic job not done; it is tried again at its next time");
                (JobStatus::Waiting, "failed", self.next(every, now), 0)
            }
            (true, None) => {
                tracing::error!(error, "job given up: it waits for somebody to decide");
                (JobStatus::Failed, "failed", now, attempts)
            }
        };
        let error = Some(error);
        let noted = Noted { id, fence, status, attempts, due, outcome, error, now };
        Ok((outcome, until_noted(|| store::note(&self.jobs.0.db, &noted)).await?))
    }

    /// When a periodic job comes next: a period after this run began, and a little by chance.
    fn next(&self, every: Duration, now: Ts) -> Ts {
        let chance = (Uuid::new_v4().as_u128() % 1_000_000) as u32;
        let late = self.job.jitter.mul_f64(f64::from(chance) / 1e6);
        (self.record.started_at.unwrap_or(now) + every + late).max(now)
    }
}

/// Tries a note again whose database is away for a moment: what was done should not be done again.
async fn until_noted<F>(note: impl Fn() -> F) -> Result<bool, DbError>
where
    F: Future<Output = Result<bool, DbError>>,
{
    let mut pause = NOTE_PAUSE;
    for _ in 1..NOTE_TRIES {
        match note().await {
            Err(error) => tracing::debug!(%error, "how a job ended cannot be noted yet"),
            noted => return noted,
        }
        sleep(pause).await;
        pause *= 2;
    }
    note().await
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
