//! The statements of the worker. `due_at` is also the lease: whoever takes a row moves it to where another may take it.

use super::record::{JobRecord, JobStatus};
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Tx};
use crate::q;
use serde_json::Value;
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

pub(super) const COLUMNS: &str = "id, name, every_micros, payload, status, attempts, fence, due_at, started_at, ended_at, \
     last_outcome, last_error, traceparent, correlation_id, created_at";

/// The key of the one row of a periodic job.
const THE_ONE: &str = "every";

/// A queued job to be written.
pub(super) struct New<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'static str,
    pub(super) key: Option<&'a str>,
    pub(super) payload: &'a Value,
    pub(super) due: Ts,
    pub(super) traceparent: Option<&'a str>,
    pub(super) correlation_id: Option<&'a str>,
    pub(super) now: Ts,
}

/// Writes a queued job. False when one of its key waits already.
pub(super) async fn insert(t: &mut Tx, new: &New<'_>) -> Result<bool, DbError> {
    let New { id, name, key, payload, due, traceparent, correlation_id, now } = new;
    let sql = "INSERT INTO job (id, name, unique_key, payload, status, due_at, traceparent, correlation_id, created_at)
               VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let payload = Json(payload);
    let touched = q!(t.tx, execute, sql, id, name, key, &payload, due, traceparent, correlation_id, now)?;
    Ok(touched == 1)
}

/// Sees to it that a periodic job has its row. One whose period was changed comes within the new one.
pub(super) async fn plan(db: &Db, name: &'static str, every: Duration, now: Ts) -> Result<(), DbError> {
    let micros = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO job (id, name, every_micros, unique_key, payload, status, due_at, created_at)
               VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6) ON CONFLICT DO NOTHING";
    let id = Uuid::now_v7();
    let nothing = Json(Value::Null);
    if q!(db.write, execute, sql, id, name, micros, THE_ONE, &nothing, now)? == 1 {
        return Ok(());
    }
    let sql = "UPDATE job SET every_micros = $3,
                   due_at = CASE WHEN status = 'waiting' AND due_at > $4 THEN $4 ELSE due_at END
               WHERE name = $1 AND unique_key = $2 AND every_micros <> $3";
    q!(db.write, execute, sql, name, THE_ONE, micros, now + every).map(|_| ())
}

/// When the first job of each of these names is due; names without an open job are left out. The names are of the code and
/// were checked.
pub(super) async fn next_due(db: &Db, names: &[&'static str]) -> Result<Vec<(String, Ts)>, DbError> {
    q!(db.read, fetch_all, AssertSqlSafe(next_due_sql(names)))
}

/// The statement that asks when jobs are due.
pub fn next_due_sql(names: &[&'static str]) -> String {
    let listed: Vec<String> = names.iter().map(|name| format!("('{name}')")).collect();
    format!(
        "WITH known(name) AS (VALUES {})
         SELECT name, due FROM (
             SELECT known.name, (SELECT min(due_at) FROM job
                 WHERE job.name = known.name AND status IN ('waiting', 'running')) AS due FROM known) AS looked
         WHERE due IS NOT NULL",
        listed.join(", ")
    )
}

/// What a worker wants to have.
pub(super) struct Claim {
    pub(super) name: &'static str,
    pub(super) owner: Uuid,
    pub(super) now: Ts,
    /// Until when it has it.
    pub(super) lease: Ts,
    pub(super) most: i64,
}

/// Takes due jobs of a name, those first that have been due for longest.
pub(super) async fn claim(db: &Db, claim: &Claim) -> Result<Vec<JobRecord>, DbError> {
    let Claim { name, owner, now, lease, most } = claim;
    let sql = claim_sql(db);
    q!(db.write, fetch_all, AssertSqlSafe(sql), name, owner, now, lease, most)
}

/// The statement that takes due jobs.
pub fn claim_sql(db: &Db) -> String {
    format!(
        "UPDATE job SET status = 'running', owner = $2, fence = fence + 1, attempts = attempts + 1, started_at = $3,
             due_at = $4, unique_key = CASE WHEN every_micros IS NULL THEN NULL ELSE unique_key END
         WHERE id IN (SELECT id FROM job WHERE name = $1 AND status IN ('waiting', 'running') AND due_at <= $3
                      ORDER BY due_at LIMIT $5 {})
         RETURNING {COLUMNS}",
        db.skip_locked()
    )
}

/// Renews the lease, unless another has taken the job.
pub(super) async fn renew(db: &Db, id: Uuid, fence: i64, until: Ts) -> Result<bool, DbError> {
    let sql = "UPDATE job SET due_at = $3 WHERE id = $1 AND fence = $2 AND status = 'running'";
    q!(db.write, execute, sql, id, fence, until).map(|touched| touched == 1)
}

/// Whether a run is still the owner's; touches the row, so that whoever wants to take it waits for the end of the transaction.
pub(super) async fn confirm(t: &mut Tx, id: Uuid, fence: i64) -> Result<bool, DbError> {
    let sql = "UPDATE job SET fence = fence WHERE id = $1 AND fence = $2 AND status = 'running'";
    q!(t.tx, execute, sql, id, fence).map(|touched| touched == 1)
}

const DONE: &str =
    "UPDATE job SET status = 'done', owner = NULL, ended_at = $3, last_outcome = 'done', last_error = NULL,
        payload = 'null'
    WHERE id = $1 AND fence = $2 AND status = 'running' AND every_micros IS NULL";

/// Notes in the transaction of its effect that a queued job is done. False when another has taken it.
pub(super) async fn mark_done_in(t: &mut Tx, id: Uuid, fence: i64, now: Ts) -> Result<bool, DbError> {
    q!(t.tx, execute, DONE, id, fence, now).map(|touched| touched == 1)
}

/// Notes that a queued job is done. False when another has taken it.
pub(super) async fn mark_done(db: &Db, id: Uuid, fence: i64, now: Ts) -> Result<bool, DbError> {
    q!(db.write, execute, DONE, id, fence, now).map(|touched| touched == 1)
}

/// How a run ended that is not the end of a queued job's work.
pub(super) struct Noted<'a> {
    pub(super) id: Uuid,
    pub(super) fence: i64,
    pub(super) status: JobStatus,
    /// Tries that count from here on.
    pub(super) attempts: i64,
    pub(super) due: Ts,
    pub(super) outcome: &'static str,
    pub(super) error: Option<&'a str>,
    pub(super) now: Ts,
}

/// Notes how a run ended. False when another has taken the job.
pub(super) async fn note(db: &Db, noted: &Noted<'_>) -> Result<bool, DbError> {
    let Noted { id, fence, status, attempts, due, outcome, error, now } = noted;
    let sql = "UPDATE job SET status = $3, owner = NULL, attempts = $4, due_at = $5, ended_at = $6, last_outcome = $7,
                   last_error = $8
               WHERE id = $1 AND fence = $2 AND status = 'running'";
    let status = status.as_str();
    let touched = q!(db.write, execute, sql, id, fence, status, attempts, due, now, outcome, error)?;
    Ok(touched == 1)
}
