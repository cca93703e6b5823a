//! The statements of the inbox. `due_at` is also the lease: whoever claims a row moves it to where another may have it.

use crate::bus::Position;
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Engine, Tx};
use crate::q;
use serde::Serialize;
use uuid::Uuid;

/// An event that was received, for one subscription.
#[derive(Debug, Serialize)]
pub(super) struct Arrival {
    /// As 32 digits, which both engines turn into an id.
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) version: u32,
    pub(super) key: String,
    pub(super) body: String,
    /// Why it is a dead letter from the beginning.
    pub(super) dead: Option<String>,
}

/// A row that a worker has claimed.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Claimed {
    pub(super) seq: i64,
    pub(super) event_id: Uuid,
    pub(super) event_key: String,
    pub(super) kind: String,
    pub(super) body: String,
    pub(super) attempts: i64,
}

/// How far a subscription has come.
pub(super) async fn positions(db: &Db, handler: &str) -> Result<Vec<Position>, DbError> {
    let sql = "SELECT part, position FROM inbox_position WHERE handler = $1 ORDER BY part";
    let rows: Vec<(i64, i64)> = q!(db.read, fetch_all, sql, handler)?;
    let of = |(part, position)| Position { partition: i32::try_from(part).unwrap_or(i32::MAX), position };
    Ok(rows.into_iter().map(of).collect())
}

/// Notes how far a subscription has come.
pub(super) async fn advance(t: &mut Tx, handler: &str, to: &[Position]) -> Result<(), DbError> {
    let to: Vec<_> =
        to.iter().map(|to| serde_json::json!({"part": to.partition, "position": to.position})).collect();
    let to = serde_json::Value::from(to).to_string();
    let sql = match t.engine() {
        Engine::Sqlite => {
            "INSERT INTO inbox_position (handler, part, position)
             SELECT $1, value->>'part', value->>'position' FROM json_each($2) WHERE true
             ON CONFLICT (handler, part) DO UPDATE SET position = excluded.position"
        }
        Engine::Postgres => {
            "INSERT INTO inbox_position (handler, part, position)
             SELECT $1, part, position FROM json_to_recordset(CAST($2 AS JSON)) AS moved(part BIGINT, position BIGINT)
             ON CONFLICT (handler, part) DO UPDATE SET position = excluded.position"
        }
    };
    q!(t.tx, execute, sql, handler, &to).map(|_| ())
}

/// Stores what has arrived, in this order; what is there already is left as it is. Says how many are new.
pub(super) async fn insert(t: &mut Tx, handler: &str, arrivals: &[Arrival], now: Ts) -> Result<u64, DbError> {
    let arrivals = serde_json::to_string(arrivals).unwrap_or_default();
    let sql = match t.engine() {
        Engine::Sqlite => {
            "INSERT INTO inbox (handler, event_id, kind, version, event_key, body, status, cause, due_at, received_at, ended_at)
             SELECT $1, unhex(value->>'id'), value->>'kind', value->>'version', value->>'key', value->>'body',
                    iif(value->>'dead' IS NULL, 'pending', 'dead'), value->>'dead', $3, $3, iif(value->>'dead' IS NULL, NULL, $3)
             FROM json_each($2) WHERE true ORDER BY key
             ON CONFLICT (handler, event_id) DO NOTHING"
        }
        Engine::Postgres => {
            "INSERT INTO inbox (handler, event_id, kind, version, event_key, body, status, cause, due_at, received_at, ended_at)
             SELECT $1, CAST(value->>'id' AS UUID), value->>'kind', CAST(value->>'version' AS BIGINT), value->>'key', value->>'body',
                    CASE WHEN value->>'dead' IS NULL THEN 'pending' ELSE 'dead' END, value->>'dead', $3, $3,
                    CASE WHEN value->>'dead' IS NULL THEN NULL ELSE $3 END
             FROM json_array_elements(CAST($2 AS JSON)) WITH ORDINALITY AS arrived(value, place) ORDER BY place
             ON CONFLICT (handler, event_id) DO NOTHING"
        }
    };
    q!(t.tx, execute, sql, handler, &arrivals, now)
}

/// Claims the oldest events of a subscription whose keys are free, until `lease`, and counts the attempt.
///
/// What is claimed is whole from the front of each key: an event goes along only if the first unfinished one of its key
/// is due. On PostgreSQL claims of a subscription exclude each other, so that two never share a key out.
pub(super) async fn claim(
    db: &Db,
    handler: &str,
    now: Ts,
    lease: Ts,
    count: i64,
) -> Result<Vec<Claimed>, DbError> {
    const SQL: &str = "UPDATE inbox SET attempts = attempts + 1, due_at = $3 WHERE seq IN (
             SELECT i.seq FROM inbox AS i
             WHERE i.handler = $1 AND i.status = 'pending' AND i.due_at <= $2
               AND (SELECT head.due_at FROM inbox AS head
                    WHERE head.handler = i.handler AND head.event_key = i.event_key AND head.status = 'pending'
                    ORDER BY head.seq LIMIT 1) <= $2
             ORDER BY i.seq LIMIT $4)
         RETURNING seq, event_id, event_key, kind, body, attempts";
    let mut claimed: Vec<Claimed> = match db.engine() {
        Engine::Sqlite => q!(db.write, fetch_all, SQL, handler, now, lease, count)?,
        Engine::Postgres => {
            let mut t = db.begin().await?;
            let lock = "SELECT pg_advisory_xact_lock(hashtextextended('inbox ' || $1, 0))";
            q!(t.tx, execute, lock, handler)?;
            let claimed = q!(t.tx, fetch_all, SQL, handler, now, lease, count)?;
            t.commit().await?;
            claimed
        }
    };
    claimed.sort_unstable_by_key(|row| row.seq);
    Ok(claimed)
}

/// Whether there is anything that a claim could find now; cheaper than a claim that finds nothing.
pub(super) async fn is_due(db: &Db, handler: &str, now: Ts) -> Result<bool, DbError> {
    let sql =
        "SELECT 1 FROM inbox WHERE handler = $1 AND status = 'pending' AND due_at <= $2 ORDER BY seq LIMIT 1";
    let found: Option<(i32,)> = q!(db.read, fetch_optional, sql, handler, now)?;
    Ok(found.is_some())
}

/// The mark "seen". Says how many of the rows were still to be handled: fewer than given means that another has them.
pub(super) async fn mark_done(t: &mut Tx, rows: &[i64], now: Ts) -> Result<u64, DbError> {
    let rows = serde_json::json!(rows).to_string();
    let sql = format!(
        "UPDATE inbox SET status = 'done', body = '', cause = NULL, ended_at = $2 WHERE status = 'pending' AND seq {}",
        among(t.engine())
    );
    q!(t.tx, execute, AssertSqlSafe(sql), &rows, now)
}

/// Gives rows back that were claimed and not tried.
pub(super) async fn release(db: &Db, rows: &[i64], now: Ts) -> Result<(), DbError> {
    let rows = serde_json::json!(rows).to_string();
    let sql = format!(
        "UPDATE inbox SET attempts = attempts - 1, due_at = $2 WHERE status = 'pending' AND attempts > 0 AND seq {}",
        among(db.engine())
    );
    q!(db.write, execute, AssertSqlSafe(sql), &rows, now).map(|_| ())
}

/// What is noted about a try that failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure<'a> {
    pub(super) at: Ts,
    pub(super) attempt: i64,
    pub(super) error: &'a str,
}

/// Notes a failed try; the event is tried again at `due`, unless another has claimed it meanwhile.
pub(super) async fn mark_failed(
    db: &Db,
    row: &Claimed,
    cause: &str,
    failure: &Failure<'_>,
    due: Ts,
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE inbox SET cause = $3, failures = {}, due_at = $5
         WHERE seq = $1 AND attempts = $2 AND status = 'pending'",
        with_one_more(db.engine())
    );
    let failure = serde_json::json!(failure).to_string();
    q!(db.write, execute, AssertSqlSafe(sql), row.seq, row.attempts, cause, &failure, due).map(|_| ())
}

/// Makes an event a dead letter, unless another has claimed it meanwhile. Says whether it did.
pub(super) async fn mark_dead(
    db: &Db,
    row: &Claimed,
    cause: &str,
    failure: &Failure<'_>,
) -> Result<bool, DbError> {
    let sql = format!(
        "UPDATE inbox SET cause = $3, failures = {}, status = 'dead', ended_at = $5
         WHERE seq = $1 AND attempts = $2 AND status = 'pending'",
        with_one_more(db.engine())
    );
    let (failure, at) = (serde_json::json!(failure).to_string(), failure.at);
    let dead = q!(db.write, execute, AssertSqlSafe(sql), row.seq, row.attempts, cause, &failure, at)?;
    Ok(dead == 1)
}

/// Keeps an event of a version that this process does not know, and its key, for a process that does. No attempt is
/// counted.
pub(super) async fn park(db: &Db, row: &Claimed, cause: &str, until: Ts) -> Result<(), DbError> {
    let sql = "UPDATE inbox SET cause = $3, attempts = attempts - 1, due_at = $4
               WHERE seq = $1 AND attempts = $2 AND status = 'pending'";
    q!(db.write, execute, sql, row.seq, row.attempts, cause, until).map(|_| ())
}

/// Removes marks of events that were handled before `before`. Says how many.
pub(super) async fn forget(db: &Db, before: Ts, count: i64) -> Result<u64, DbError> {
    let sql = "DELETE FROM inbox WHERE seq IN (
                   SELECT seq FROM inbox WHERE status = 'done' AND ended_at < $1 ORDER BY ended_at LIMIT $2)";
    q!(db.write, execute, sql, before, count)
}

/// What waits in the inbox of a subscription.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Backlog {
    pub(super) pending: i64,
    pub(super) dead: i64,
    pub(super) oldest: Option<Ts>,
}

/// How much of a subscription waits and how much was given up, both counted up to `most`.
pub(super) async fn backlog(db: &Db, handler: &str, most: i64) -> Result<Backlog, DbError> {
    let sql = "SELECT
        (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE handler = $1 AND status = 'pending' LIMIT $2) AS p) AS pending,
        (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE handler = $1 AND status = 'dead' LIMIT $2) AS d) AS dead,
        (SELECT received_at FROM inbox WHERE handler = $1 AND status = 'pending' ORDER BY seq LIMIT 1) AS oldest";
    q!(db.read, fetch_one, sql, handler, most)
}

/// `IN` a list in JSON, bound as the first parameter.
const fn among(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "IN (SELECT value FROM json_each($1))",
        Engine::Postgres => {
            "= ANY (ARRAY(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($1 AS JSON))))"
        }
    }
}

/// The failures with the fourth parameter behind them; of very many only the last ten.
const fn with_one_more(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "json_insert(iif(json_array_length(failures) >= 10, json_remove(failures, '$[0]'), failures), '$[#]', json($4))"
        }
        Engine::Postgres => {
            "CASE WHEN jsonb_array_length(failures) >= 10 THEN failures - 0 ELSE failures END || CAST($4 AS JSONB)"
        }
    }
}
