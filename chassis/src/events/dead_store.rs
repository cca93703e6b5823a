//! The statements of the dead letters.

use super::dead::{DeadLetter, Filter};
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Tx};
use crate::q;

const COLUMNS: &str =
    "seq, handler, event_id, kind, event_key, cause, attempts, failures, received_at, ended_at, body";
/// An empty text stands for "any".
const MATCHES: &str =
    "status = 'dead' AND ($1 = '' OR handler = $1) AND ($2 = '' OR substr(cause, 1, length($2)) = $2)";

fn binds(filter: &Filter) -> (&str, &str) {
    (filter.handler.as_deref().unwrap_or_default(), filter.cause.as_deref().unwrap_or_default())
}

pub(super) async fn list(db: &Db, filter: &Filter, limit: u32) -> Result<(Vec<DeadLetter>, u64), DbError> {
    let (handler, cause) = binds(filter);
    let sql =
        format!("SELECT {COLUMNS} FROM inbox WHERE {MATCHES} ORDER BY ended_at DESC, seq DESC LIMIT $3");
    let rows = q!(db.read, fetch_all, AssertSqlSafe(sql), handler, cause, i64::from(limit))?;
    let sql = format!("SELECT count(*) FROM inbox WHERE {MATCHES}");
    let total: i64 = q!(db.read, scalar, AssertSqlSafe(sql), handler, cause)?;
    Ok((rows, u64::try_from(total).unwrap_or_default()))
}

pub(super) async fn causes(db: &Db) -> Result<Vec<(String, String, i64)>, DbError> {
    let sql = "SELECT handler, COALESCE(cause, ''), count(*) FROM inbox WHERE status = 'dead'
               GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 100";
    q!(db.read, fetch_all, sql)
}

pub(super) async fn find(db: &Db, seq: i64) -> Result<Option<DeadLetter>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM inbox WHERE seq = $1 AND status = 'dead'");
    q!(db.read, fetch_optional, AssertSqlSafe(sql), seq)
}

/// Back to be handled, unless it has changed since it was looked at.
pub(super) async fn revive(t: &mut Tx, seq: i64, before: &str, body: &str, now: Ts) -> Result<bool, DbError> {
    let sql = "UPDATE inbox SET status = 'pending', attempts = 0, due_at = $4, ended_at = NULL, body = $3
               WHERE seq = $1 AND status = 'dead' AND body = $2";
    Ok(q!(t.tx, execute, sql, seq, before, body, now)? == 1)
}

pub(super) async fn revive_many(t: &mut Tx, filter: &Filter, now: Ts) -> Result<u64, DbError> {
    let (handler, cause) = binds(filter);
    let sql = format!(
        "UPDATE inbox SET status = 'pending', attempts = 0, due_at = $3, ended_at = NULL WHERE {MATCHES}"
    );
    q!(t.tx, execute, AssertSqlSafe(sql), handler, cause, now)
}
