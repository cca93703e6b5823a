//! Lists, counts, what an operator changes, and the removal of old jobs.

use super::record::JobRecord;
use super::store::COLUMNS;
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Tx};
use crate::q;
use uuid::Uuid;

/// Jobs that are removed in one statement.
const REMOVED_AT_ONCE: i64 = 500;
/// More than this are not counted: it would take long, and nobody needs to know.
const COUNTED: i64 = 100_000;

/// Which jobs a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that come again by themselves, by name.
    Periodic,
    /// Queued ones that wait or run; the one that is due first comes first.
    Open,
    /// Queued ones that have used up their tries; the newest comes first.
    Failed,
    /// Queued ones that are done; the newest comes first.
    Done,
}

pub(super) async fn list(
    db: &Db,
    which: Which,
    name: Option<&str>,
    most: i64,
) -> Result<Vec<JobRecord>, DbError> {
    let (states, order) = match which {
        Which::Periodic => ("every_micros IS NOT NULL", "name"),
        Which::Open => ("every_micros IS NULL AND status IN ('waiting', 'running')", "due_at, id"),
        Which::Failed => ("status = 'failed'", "ended_at DESC, id DESC"),
        Which::Done => ("status = 'done'", "ended_at DESC, id DESC"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM job WHERE {states} AND ($1 IS NULL OR name = $1) ORDER BY {order} LIMIT $2"
    );
    q!(db.read, fetch_all, AssertSqlSafe(sql), name, most)
}

pub(super) async fn find(db: &Db, id: Uuid) -> Result<Option<JobRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = $1");
    q!(db.read, fetch_optional, AssertSqlSafe(sql), id)
}

pub(super) async fn find_in(t: &mut Tx, id: Uuid) -> Result<Option<JobRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = $1");
    q!(t.tx, fetch_optional, AssertSqlSafe(sql), id)
}

pub(super) async fn find_periodic_in(t: &mut Tx, name: &str) -> Result<Option<JobRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE name = $1 AND every_micros IS NOT NULL");
    q!(t.tx, fetch_optional, AssertSqlSafe(sql), name)
}

/// Makes a waiting or failed job due, with all its tries. False when it is in another state by now.
pub(super) async fn make_due(t: &mut Tx, id: Uuid, now: Ts) -> Result<bool, DbError> {
    let sql = "UPDATE job SET status = 'waiting', attempts = 0, due_at = $2
               WHERE id = $1 AND status IN ('waiting', 'failed')";
    q!(t.tx, execute, sql, id, now).map(|touched| touched == 1)
}

/// Makes all failed jobs of a name due. Says how many.
pub(super) async fn make_failed_due(t: &mut Tx, name: &str, now: Ts) -> Result<u64, DbError> {
    let sql =
        "UPDATE job SET status = 'waiting', attempts = 0, due_at = $2 WHERE name = $1 AND status = 'failed'";
    q!(t.tx, execute, sql, name, now)
}

/// Removes a queued job that waits or has failed. False when it is in another state by now.
pub(super) async fn remove(t: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let sql = "DELETE FROM job WHERE id = $1 AND every_micros IS NULL AND status IN ('waiting', 'failed')";
    q!(t.tx, execute, sql, id).map(|touched| touched == 1)
}

/// How many jobs of each name wait, run and have failed, and since when the first one is due.
pub(super) async fn count(db: &Db) -> Result<Vec<(String, String, i64, Ts)>, DbError> {
    let sql = "SELECT name, status, count(*), min(due_at) FROM (
                   SELECT name, status, due_at FROM job WHERE status IN ('waiting', 'running')
                   UNION ALL SELECT name, status, due_at FROM job WHERE status = 'failed'
                   LIMIT $1) AS unended
               GROUP BY name, status";
    q!(db.read, fetch_all, sql, COUNTED)
}

/// Removes some of those that were done before `before`. Says how many.
pub(super) async fn remove_done(db: &Db, before: Ts) -> Result<u64, DbError> {
    let sql = "DELETE FROM job WHERE id IN (
                   SELECT id FROM job WHERE status = 'done' AND ended_at < $1 ORDER BY ended_at, id LIMIT $2)";
    q!(db.write, execute, sql, before, REMOVED_AT_ONCE)
}
