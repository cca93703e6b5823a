//! Revocations, numbered in the order of their commits.
//!
//! A verifier asks for what comes after the last number that it knows. A number that becomes visible after a greater
//! one would be missed for ever, so on PostgreSQL the numbers are given under a lock that lasts until the commit. It is
//! the last lock that a transaction takes: see the order in [`super`].

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Engine, Tx, q};
use contract::auth::{Revocation, Revoked};
use contract::ids::{SessionId, UserId};
use uuid::Uuid;

const LOCK: i64 = 0x7265_766f;

/// Adds revocations. The caller does nothing else in the transaction afterwards than commit.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, revoked: &[Revoked], until: Ts) -> Result<(), DbError> {
    const INSERT: &str =
        "INSERT INTO revocations (session_id, user_id, version, until) VALUES ($1, $2, $3, $4)";
    if revoked.is_empty() {
        return Ok(());
    }
    if tx.engine() == Engine::Postgres {
        q!(tx.tx, execute, "SELECT pg_advisory_xact_lock($1)", LOCK)?;
    }
    // As many as a person has sessions at most.
    for revoked in revoked {
        let (session, user, version) = match *revoked {
            Revoked::Session { session } => (Some(session.uuid()), None, None),
            Revoked::User { user, version } => (None, Some(user.uuid()), Some(version)),
        };
        q!(tx.tx, execute, INSERT, session, user, version, until)?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    session_id: Option<Uuid>,
    user_id: Option<Uuid>,
    version: Option<i64>,
    until: Ts,
}

/// A revocation with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub seq: i64,
    /// What was revoked.
    pub revocation: Revocation,
}

impl TryFrom<Row> for Numbered {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let revoked = match (row.session_id, row.user_id, row.version) {
            (Some(session), None, None) => Revoked::Session { session: SessionId(session) },
            (None, Some(user), Some(version)) => Revoked::User { user: UserId(user), version },
            _ => return Err(super::corrupt("the subject")),
        };
        // Rounded up: a verifier that forgets a second too early would be wrong, a second too late is not.
        Ok(Self { seq: row.seq, revocation: Revocation { revoked, until: row.until.secs() + 1 } })
    }
}

/// At most `limit` revocations with a number above `after` that still matter, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_after(db: &Db, after: i64, now: Ts, limit: i64) -> Result<Vec<Numbered>, DbError> {
    const SELECT: &str = "SELECT seq, session_id, user_id, version, until FROM revocations \
        WHERE seq > $1 AND until > $2 ORDER BY seq LIMIT $3";
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, after, now, limit)?;
    rows.into_iter().map(Numbered::try_from).collect()
}

/// Removes at most `limit` revocations that no longer matter. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM revocations WHERE seq IN \
        (SELECT seq FROM revocations WHERE until < $1 ORDER BY until LIMIT $2)";
    q!(db.write, execute, DELETE, before, limit)
}
