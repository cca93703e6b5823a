//! Jobs as people see them.

use crate::clock::Ts;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use uuid::Uuid;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// It waits for its time; a periodic job between two runs.
    Waiting,
    /// A worker has it.
    Running,
    /// A queued job that is done.
    Done,
    /// A queued job that has used up its tries.
    Failed,
}

impl JobStatus {
    /// Its text in the store and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl TryFrom<String> for JobStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let all = [Self::Waiting, Self::Running, Self::Done, Self::Failed];
        all.into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("no such status: {text}"))
    }
}

/// A job as it is stored.
#[derive(Clone, PartialEq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord {
    /// Its id.
    pub id: Uuid,
    /// What it does, by the name in the code.
    pub name: String,
    /// The period of a periodic job, in microseconds; `None` for a queued one.
    pub every_micros: Option<i64>,
    /// What a queued job was given; empty once it is done.
    #[sqlx(json)]
    pub payload: Value,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    pub status: JobStatus,
    /// How often it was tried; of a periodic job, since its last time.
    pub attempts: i64,
    /// Grows each time it is taken.
    pub fence: i64,
    /// When it is due; of one that runs, when another may take it.
    pub due_at: Ts,
    /// When the last run began.
    pub started_at: Option<Ts>,
    /// When the last run ended.
    pub ended_at: Option<Ts>,
    /// How the last run ended: `done`, `retry` (failed and tried again), `failed`.
    pub last_outcome: Option<String>,
    /// What the last failed run met.
    pub last_error: Option<String>,
    /// The trace in which it was queued.
    pub traceparent: Option<String>,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: Option<String>,
    /// When it was queued, or a periodic one was first known.
    pub created_at: Ts,
}

/// Without what it was given, which may be personal.
impl fmt::Debug for JobRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("JobRecord");
        shown.field("id", &self.id).field("name", &self.name).field("status", &self.status);
        shown.field("attempts", &self.attempts).field("fence", &self.fence).field("due_at", &self.due_at);
        shown.field("last_outcome", &self.last_outcome).field("last_error", &self.last_error);
        shown.finish_non_exhaustive()
    }
}

impl JobRecord {
    /// Whether it comes again by itself.
    #[must_use]
    pub const fn is_periodic(&self) -> bool {
        self.every_micros.is_some()
    }

    /// The period of a periodic job.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        self.every_micros.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros)
    }

    /// How long the last run took, when it has ended.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        match (self.started_at, self.ended_at) {
            (Some(started), Some(ended)) if ended >= started => Some(ended.since(started)),
            _ => None,
        }
    }
}
