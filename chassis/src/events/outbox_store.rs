//! The statements of the outbox.

use crate::clock::Ts;
use crate::db::{Db, DbError, Engine, Tx};
use crate::q;
use uuid::Uuid;

/// A row that waits for the bus.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Waiting {
    pub(super) seq: i64,
    pub(super) topic: String,
    pub(super) event_key: String,
    pub(super) event_id: Uuid,
    pub(super) body: String,
    pub(super) created_at: Ts,
}

pub(super) async fn insert(
    t: &mut Tx,
    shard: u16,
    topic: &str,
    key: &str,
    id: Uuid,
    body: &str,
    now: Ts,
) -> Result<(), DbError> {
    let sql = "INSERT INTO outbox (shard, topic, event_key, event_id, body, created_at)
               VALUES ($1, $2, $3, $4, $5, $6)";
    q!(t.tx, execute, sql, i64::from(shard), topic, key, id, body, now).map(|_| ())
}

/// The oldest rows of these shards (a list in JSON), in the order in which they were published.
///
/// It goes along the primary key: what a relay finds is nearly always at the front.
pub(super) async fn oldest(db: &Db, shards: &str, count: i64) -> Result<Vec<Waiting>, DbError> {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "SELECT seq, topic, event_key, event_id, body, created_at FROM outbox
             WHERE shard IN (SELECT value FROM json_each($1)) ORDER BY seq LIMIT $2"
        }
        Engine::Postgres => {
            "SELECT seq, topic, event_key, event_id, body, created_at FROM outbox
             WHERE shard = ANY (ARRAY(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($1 AS JSON))))
             ORDER BY seq LIMIT $2"
        }
    };
    q!(db.read, fetch_all, sql, shards, count)
}

/// Removes rows that the bus has confirmed (their numbers, a list in JSON).
pub(super) async fn remove(db: &Db, confirmed: &str) -> Result<(), DbError> {
    let sql = match db.engine() {
        Engine::Sqlite => "DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each($1))",
        Engine::Postgres => {
            "DELETE FROM outbox
             WHERE seq = ANY (ARRAY(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($1 AS JSON))))"
        }
    };
    q!(db.write, execute, sql, confirmed).map(|_| ())
}

/// How many rows wait, counted up to `most`, and since when the oldest does.
pub(super) async fn backlog(db: &Db, most: i64) -> Result<(i64, Option<Ts>), DbError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS counted";
    let count: i64 = q!(db.read, scalar, sql, most)?;
    let sql = "SELECT created_at FROM outbox ORDER BY seq LIMIT 1";
    let oldest: Option<(Ts,)> = q!(db.read, fetch_optional, sql)?;
    Ok((count, oldest.map(|(at,)| at)))
}
