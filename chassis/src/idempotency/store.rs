//! The records of keys. `free_at` is the lease of a request that is at work, and the end of an answer that is kept: in
//! both cases the key is as good as new from then on, and nothing depends on whether the row has been removed.

use super::answer::{Answer, Kept};
use super::key::Digest;
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Engine, Tx};
use crate::q;
use sqlx::types::Json;
use uuid::Uuid;

/// A key, and which of the requests with it this is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) id: Digest,
    pub(super) fence: Uuid,
}

/// What is known about a key.
#[derive(sqlx::FromRow)]
pub(super) struct Record {
    pub(super) fingerprint: Vec<u8>,
    pub(super) reserved_at: Ts,
    pub(super) free_at: Ts,
    status: Option<i64>,
    headers: Option<Json<Vec<(String, String)>>>,
    body: Option<Vec<u8>>,
}

impl Record {
    /// The answer; `None` while the request is at work.
    pub(super) fn answer(self) -> Option<Kept> {
        Some(Kept { status: self.status?, headers: self.headers?.0, body: self.body? })
    }
}

const RESERVE: &str = "INSERT INTO idempotency (id, fingerprint, fence, reserved_at, free_at) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, fence = excluded.fence, \
        reserved_at = excluded.reserved_at, free_at = excluded.free_at, status = NULL, headers = NULL, body = NULL \
    WHERE idempotency.free_at <= excluded.reserved_at";

/// Takes a key that is free. Says whether it was.
pub(super) async fn reserve(
    db: &Db,
    claim: Claim,
    fingerprint: Digest,
    now: Ts,
    until: Ts,
) -> Result<bool, DbError> {
    let Claim { id, fence } = claim;
    let touched = match db.engine() {
        Engine::Postgres => {
            q!(db.write, execute, RESERVE, &id[..], &fingerprint[..], fence, now, until)
        }
        // Reservations of requests that come together share a commit.
        Engine::Sqlite => {
            let reserve = db.group(move |t| {
                Box::pin(
                    async move { q!(t.tx, execute, RESERVE, &id[..], &fingerprint[..], fence, now, until) },
                )
            });
            reserve.await
        }
    };
    touched.map(|touched| touched == 1)
}

/// What is known about a key, if anything.
pub(super) async fn find(db: &Db, id: Digest) -> Result<Option<Record>, DbError> {
    const SELECT: &str =
        "SELECT fingerprint, reserved_at, free_at, status, headers, body FROM idempotency WHERE id = $1";
    q!(db.read, fetch_optional, SELECT, &id[..])
}

/// Writes the answer into the record, in the transaction of the effect. Says whether the key is still this request's; if
/// not, the transaction must be undone.
pub(super) async fn keep(t: &mut Tx, claim: Claim, answer: &Answer, until: Ts) -> Result<bool, DbError> {
    const KEEP: &str = "UPDATE idempotency SET status = $3, headers = $4, body = $5, free_at = $6 \
        WHERE id = $1 AND fence = $2 AND status IS NULL";
    let (status, headers, body) = (answer.status(), Json(answer.headers()), answer.body());
    let touched = q!(t.tx, execute, KEEP, &claim.id[..], claim.fence, status, &headers, body, until)?;
    Ok(touched == 1)
}

/// Frees a key whose request had no effect. One that has its answer, or is another request's by now, is left alone.
pub(super) async fn free(db: &Db, claim: Claim) -> Result<(), DbError> {
    const FREE: &str = "DELETE FROM idempotency WHERE id = $1 AND fence = $2 AND status IS NULL";
    q!(db.write, execute, FREE, &claim.id[..], claim.fence).map(|_| ())
}

/// Frees the keys of requests that began before `started` and have no answer.
pub(super) async fn free_unanswered(db: &Db, started: Ts) -> Result<u64, DbError> {
    q!(db.write, execute, "DELETE FROM idempotency WHERE status IS NULL AND reserved_at < $1", started)
}

/// Removes up to `count` records whose time is over. Says how many.
pub(super) async fn sweep(db: &Db, now: Ts, count: i64) -> Result<u64, DbError> {
    let sql = format!(
        "DELETE FROM idempotency WHERE id IN (
             SELECT id FROM idempotency WHERE free_at <= $1 ORDER BY free_at LIMIT $2 {})",
        db.skip_locked()
    );
    q!(db.write, execute, AssertSqlSafe(sql), now, count)
}
