//! Streams, events and snapshots in the database.

use super::stored::{Expected, NewEvent};
use crate::clock::Ts;
use crate::db::{Db, DbError, Engine, Tx};
use crate::q;
use sqlx::types::Json;

/// A row of the event store.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) position: i64,
    pub(super) stream: String,
    pub(super) version: i64,
    pub(super) kind: String,
    pub(super) kind_version: i64,
    pub(super) data: String,
    pub(super) at: Ts,
}

/// Where a stream is.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Head {
    pub(super) version: i64,
    pub(super) at: Ts,
}

/// A kept state.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Snapshot {
    pub(super) version: i64,
    pub(super) state: String,
}

/// Moves a stream's head by `count`, or gives `None` when it is not where it is expected. It stays locked until the
/// transaction ends, and the transaction has its number from here on.
pub(super) async fn move_head(
    t: &mut Tx,
    stream: &str,
    expected: Expected,
    count: i64,
    now: Ts,
) -> Result<Option<Head>, DbError> {
    const NEW: &str = "INSERT INTO event_stream (stream, version, at) VALUES ($1, $2, $3) \
        ON CONFLICT (stream) DO NOTHING RETURNING version, at";
    const AT: &str = "UPDATE event_stream SET version = version + $2, at = CASE WHEN at > $3 THEN at ELSE $3 END \
        WHERE stream = $1 AND version = $4 RETURNING version, at";
    const ANY: &str = "INSERT INTO event_stream (stream, version, at) VALUES ($1, $2, $3) \
        ON CONFLICT (stream) DO UPDATE SET version = event_stream.version + excluded.version, \
        at = CASE WHEN event_stream.at > excluded.at THEN event_stream.at ELSE excluded.at END \
        RETURNING version, at";
    match expected {
        Expected::NoStream | Expected::Version(0) => q!(t.tx, fetch_optional, NEW, stream, count, now),
        Expected::Version(version) => q!(t.tx, fetch_optional, AT, stream, count, now, version),
        Expected::Any => q!(t.tx, fetch_optional, ANY, stream, count, now),
    }
}

/// The version of a stream; 0 when it is not there.
pub(super) async fn version(t: &mut Tx, stream: &str) -> Result<i64, DbError> {
    let found: Option<(i64,)> =
        q!(t.tx, fetch_optional, "SELECT version FROM event_stream WHERE stream = $1", stream)?;
    Ok(found.map_or(0, |(version,)| version))
}

/// The version of a stream, 0 when it is not there. Nobody else appends to it until the transaction ends.
pub(super) async fn lock(t: &mut Tx, stream: &str) -> Result<i64, DbError> {
    let select = match t.engine() {
        Engine::Sqlite => "SELECT version FROM event_stream WHERE stream = $1",
        Engine::Postgres => "SELECT version FROM event_stream WHERE stream = $1 FOR UPDATE",
    };
    let found: Option<(i64,)> = q!(t.tx, fetch_optional, select, stream)?;
    Ok(found.map_or(0, |(version,)| version))
}

/// Adds events behind version `before`, in one statement.
pub(super) async fn insert(
    t: &mut Tx,
    stream: &str,
    before: i64,
    events: &[NewEvent],
    at: Ts,
) -> Result<(), DbError> {
    const SQLITE: &str = "INSERT INTO event_store (stream, version, kind, kind_version, data, at) \
        SELECT $1, $2 + 1 + e.key, e.value->>'kind', e.value->>'version', e.value->>'data', $3 \
        FROM json_each($4) AS e ORDER BY e.key";
    const POSTGRES: &str = "INSERT INTO event_store (stream, version, kind, kind_version, data, at) \
        SELECT $1, $2 + e.place, e.event->>'kind', (e.event->>'version')::bigint, e.event->>'data', $3 \
        FROM json_array_elements($4::json) WITH ORDINALITY AS e (event, place) ORDER BY e.place";
    let insert = match t.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    q!(t.tx, execute, insert, stream, before, at, Json(events)).map(|_| ())
}

/// Events of a stream, oldest first.
pub(super) async fn read(
    db: &Db,
    stream: &str,
    after: i64,
    until: Ts,
    limit: u32,
) -> Result<Vec<Row>, DbError> {
    q!(db.read, fetch_all, READ, stream, after, until, i64::from(limit))
}

/// The same within a transaction, which sees what it has appended itself.
pub(super) async fn read_in(
    t: &mut Tx,
    stream: &str,
    after: i64,
    until: Ts,
    limit: u32,
) -> Result<Vec<Row>, DbError> {
    q!(t.tx, fetch_all, READ, stream, after, until, i64::from(limit))
}

const READ: &str = "SELECT position, stream, version, kind, kind_version, data, at FROM event_store \
    WHERE stream = $1 AND version > $2 AND at <= $3 ORDER BY version LIMIT $4";

/// The state kept of a stream, when it is of this shape and not younger than `until`.
pub(super) async fn snapshot(
    db: &Db,
    stream: &str,
    shape: u32,
    until: Ts,
) -> Result<Option<Snapshot>, DbError> {
    q!(db.read, fetch_optional, SNAPSHOT, stream, i64::from(shape), until)
}

/// The same within a transaction.
pub(super) async fn snapshot_in(
    t: &mut Tx,
    stream: &str,
    shape: u32,
    until: Ts,
) -> Result<Option<Snapshot>, DbError> {
    q!(t.tx, fetch_optional, SNAPSHOT, stream, i64::from(shape), until)
}

const SNAPSHOT: &str =
    "SELECT version, state FROM event_snapshot WHERE stream = $1 AND shape = $2 AND at <= $3";

/// Keeps the state of a stream, and drops those of older shapes. An older one never replaces a newer one.
pub(super) async fn keep_snapshot(
    t: &mut Tx,
    stream: &str,
    shape: u32,
    head: Head,
    state: &str,
) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO event_snapshot (stream, shape, version, state, at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (stream, shape) DO UPDATE SET version = excluded.version, state = excluded.state, at = excluded.at \
        WHERE event_snapshot.version < excluded.version";
    q!(t.tx, execute, UPSERT, stream, i64::from(shape), head.version, state, head.at)?;
    const DELETE: &str = "DELETE FROM event_snapshot WHERE stream = $1 AND shape < $2";
    q!(t.tx, execute, DELETE, stream, i64::from(shape)).map(|_| ())
}

/// A row of all streams, and below which number every transaction had ended when it was read. SQLite has one writer:
/// there positions are visible in their order.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct TailRow {
    #[sqlx(flatten)]
    pub(super) row: Row,
    pub(super) ended_below: i64,
}

/// Events of all streams behind a position, in its order.
pub(super) async fn tail(db: &Db, after: i64, limit: i64) -> Result<Vec<TailRow>, DbError> {
    const SQLITE: &str = "SELECT position, stream, version, kind, kind_version, data, at, 0 AS ended_below \
        FROM event_store WHERE position > $1 ORDER BY position LIMIT $2";
    const POSTGRES: &str = "SELECT position, stream, version, kind, kind_version, data, at, \
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS ended_below \
        FROM event_store WHERE position > $1 ORDER BY position LIMIT $2";
    let select = match db.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    q!(db.read, fetch_all, select, after, limit)
}

/// A number above that of every transaction that has one. PostgreSQL only.
pub(super) async fn next_transaction(db: &Db) -> Result<i64, DbError> {
    q!(db.write, scalar, "SELECT pg_current_xact_id()::text::bigint")
}
