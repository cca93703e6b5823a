//! How the jobs stand, for metrics and for the operations listener.

use super::Jobs;
use super::record::{JobRecord, JobStatus};
use super::store_list::{self, Which};
use crate::clock::Ts;
use crate::db::DbError;
use crate::stop::Stop;
use metrics::gauge;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

const EVERY: Duration = Duration::from_secs(5);
/// Periodic jobs of a service that are shown; there are a handful.
const SHOWN: i64 = 1_000;

/// Where it is told how the jobs of a process stand. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<BTreeMap<String, Vec<JobLine>>>>);

impl Board {
    /// How they stand, by service and name; a few seconds old.
    #[must_use]
    pub fn read(&self) -> Vec<JobLine> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.values().flatten().cloned().collect()
    }

    fn tell(&self, service: &str, lines: Vec<JobLine>) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.insert(service.to_owned(), lines);
    }
}

/// How the jobs of one name stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobLine {
    /// The service.
    pub service: String,
    /// The job.
    pub name: String,
    /// How many wait for their time or for a worker.
    pub waiting: i64,
    /// How many run.
    pub running: i64,
    /// How many wait for somebody to decide.
    pub failed: i64,
    /// For how many seconds one has been due that nobody has taken.
    pub overdue_seconds: u64,
    /// What is known of a periodic job.
    #[serde(flatten)]
    pub periodic: Option<Periodic>,
}

/// What is known of a periodic job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Periodic {
    /// Its period in seconds.
    pub every_seconds: f64,
    /// When the last run began.
    pub last_started_at: Option<Ts>,
    /// How long it took, in milliseconds.
    pub last_took_ms: Option<u64>,
    /// How it ended: `done`, `retry`, `failed`.
    pub last_outcome: Option<String>,
    /// What the last failed run met.
    pub last_error: Option<String>,
    /// When it is due next; of one that runs, when another may take it.
    pub next_at: Ts,
}

impl From<JobRecord> for Periodic {
    fn from(record: JobRecord) -> Self {
        let took = record.took().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        Self {
            every_seconds: record.every().unwrap_or_default().as_secs_f64(),
            last_started_at: record.started_at,
            last_took_ms: took,
            last_outcome: record.last_outcome,
            last_error: record.last_error,
            next_at: record.due_at,
        }
    }
}

/// Counts until the process stops. `here` are the jobs of this release: what an older one left behind of its periodic jobs
/// is nobody's any more, while queued work that nobody knows how to do is told.
pub(super) async fn watch(jobs: &Jobs, here: &[&'static str], stop: &Stop) {
    // What was set once is set to nothing when there is none any more.
    let mut seen = BTreeMap::new();
    while !stop.is_stopping() {
        match look(jobs, here, &mut seen).await {
            Ok(lines) => jobs.0.board.tell(jobs.0.db.service(), lines),
            Err(error) => tracing::debug!(%error, "jobs cannot be counted"),
        }
        tokio::select! {
            () = sleep(EVERY) => {}
            () = stop.stopping() => {}
        }
    }
}

async fn look(
    jobs: &Jobs,
    here: &[&'static str],
    seen: &mut BTreeMap<String, JobLine>,
) -> Result<Vec<JobLine>, DbError> {
    let (db, now) = (&jobs.0.db, jobs.0.clock.now());
    let periodic = store_list::list(db, Which::Periodic, None, SHOWN).await?;
    let is_left = |name: &str| !here.contains(&name) && periodic.iter().any(|record| record.name == name);
    for line in seen.values_mut() {
        (line.waiting, line.running, line.failed, line.overdue_seconds) = (0, 0, 0, 0);
    }
    for (name, status, count, due) in store_list::count(db).await? {
        if is_left(&name) {
            continue;
        }
        let line = seen.entry(name.clone()).or_insert_with(|| empty(db.service(), name));
        match JobStatus::try_from(status) {
            Ok(JobStatus::Waiting) => line.waiting = count,
            Ok(JobStatus::Running) => line.running = count,
            Ok(JobStatus::Failed) => {
                line.failed = count;
                continue;
            }
            Ok(JobStatus::Done) | Err(_) => continue,
        }
        line.overdue_seconds = line.overdue_seconds.max(now.since(due).as_secs());
    }
    for record in periodic {
        if let Some(line) = seen.get_mut(&record.name) {
            line.periodic = Some(record.into());
        }
    }
    seen.values().for_each(gauge);
    Ok(seen.values().cloned().collect())
}

fn empty(service: &str, name: String) -> JobLine {
    let service = service.to_owned();
    JobLine { service, name, waiting: 0, running: 0, failed: 0, overdue_seconds: 0, periodic: None }
}

fn gauge(line: &JobLine) {
    let JobLine { service, name, waiting, running, failed, overdue_seconds, .. } = line;
    let open = |state: &'static str, count: i64| {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        gauge!("job_open", "service" => service.clone(), "job" => name.clone(), "state" => state)
            .set(f64::from(count));
    };
    open("waiting", *waiting);
    open("running", *running);
    open("failed", *failed);
    let overdue = u32::try_from(*overdue_seconds).unwrap_or(u32::MAX);
    gauge!("job_overdue_seconds", "service" => service.clone(), "job" => name.clone())
        .set(f64::from(overdue));
}
