//! Counters of failed logins.

use crate::domain::lockout::Failures;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};

#[derive(sqlx::FromRow)]
struct Row {
    failures: i64,
    failed_at: Ts,
    locked_until: Ts,
}

impl From<Row> for Failures {
    fn from(row: Row) -> Self {
        let count = u32::try_from(row.failures).unwrap_or(u32::MAX);
        Self { count, last: row.failed_at, locked_until: row.locked_until }
    }
}

/// The counter of a subject.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, subject: &[u8]) -> Result<Option<Failures>, DbError> {
    const SELECT: &str = "SELECT failures, failed_at, locked_until FROM login_failures WHERE subject = $1";
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, subject)?;
    Ok(row.map(Failures::from))
}

/// Takes the one attempt that may be made: moves the end of the wait. Of many that try at once, one gets `true`.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &Db, subject: &[u8], seen: Ts, until: Ts) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE login_failures SET locked_until = $3 WHERE subject = $1 AND locked_until = $2";
    Ok(q!(db.write, execute, UPDATE, subject, seen, until)? == 1)
}

/// Gives a claimed attempt back that was no failure.
///
/// # Errors
/// When the database fails.
pub async fn release(tx: &mut Tx, subject: &[u8], claimed: Ts, now: Ts) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE login_failures SET locked_until = $3 WHERE subject = $1 AND locked_until = $2";
    q!(tx.tx, execute, UPDATE, subject, claimed, now)?;
    Ok(())
}

/// The counter of a subject, held until the transaction ends; a new one is made where there is none.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, subject: &[u8], now: Ts) -> Result<Failures, DbError> {
    const UPSERT: &str = "INSERT INTO login_failures (subject, failures, failed_at, locked_until) \
        VALUES ($1, 0, $2, $2) ON CONFLICT (subject) DO UPDATE SET failures = login_failures.failures \
        RETURNING failures, failed_at, locked_until";
    let row: Row = q!(tx.tx, fetch_one, UPSERT, subject, now)?;
    Ok(row.into())
}

/// Sets a counter that this transaction holds.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &mut Tx, subject: &[u8], failures: Failures) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE login_failures SET failures = $2, failed_at = $3, locked_until = $4 WHERE subject = $1";
    let Failures { count, last, locked_until } = failures;
    q!(tx.tx, execute, UPDATE, subject, i64::from(count), last, locked_until)?;
    Ok(())
}

/// Forgets the failures of a subject.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, subject: &[u8]) -> Result<(), DbError> {
    q!(tx.tx, execute, "DELETE FROM login_failures WHERE subject = $1", subject)?;
    Ok(())
}

/// Removes at most `limit` counters whose last failure was before `before`. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM login_failures WHERE subject IN \
        (SELECT subject FROM login_failures WHERE failed_at < $1 ORDER BY failed_at LIMIT $2)";
    q!(db.write, execute, DELETE, before, limit)
}
