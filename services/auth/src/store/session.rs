//! Sessions. One is live while it is neither ended nor expired.

use crate::domain::session::Ends;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::auth;
use contract::ids::{SessionId, UserId};
use std::net::IpAddr;
use uuid::Uuid;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// What the device is called.
    pub device: String,
    /// The address that it was last used from.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Ts,
    /// When it last got tokens.
    pub last_used_at: Ts,
    /// When it ends.
    pub ends: Ends,
}

impl Session {
    /// What its owner sees, who asks from the session `current`.
    #[must_use]
    pub fn view(&self, current: SessionId) -> auth::Session {
        auth::Session {
            id: self.id,
            device: self.device.clone(),
            ip: self.ip.clone(),
            created_at: self.created_at.to_datetime(),
            last_used_at: self.last_used_at.to_datetime(),
            expires_at: self.ends.expires_at.to_datetime(),
            current: self.id == current,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    user_id: Uuid,
    device: String,
    ip: Option<String>,
    created_at: Ts,
    last_used_at: Ts,
    ends_at: Ts,
    expires_at: Ts,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        let Row { id, user_id, device, ip, created_at, last_used_at, ends_at, expires_at } = row;
        let ends = Ends { ends_at, expires_at };
        Self { id: SessionId(id), user: UserId(user_id), device, ip, created_at, last_used_at, ends }
    }
}

macro_rules! columns {
    () => {
        "id, user_id, device, ip, created_at, last_used_at, ends_at, expires_at"
    };
}

/// Begins a session.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, session: &Session) -> Result<(), DbError> {
    const INSERT: &str =
        concat!("INSERT INTO sessions (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let Session { id, user, device, ip, created_at, last_used_at, ends } = session;
    let Ends { ends_at, expires_at } = *ends;
    let (id, user) = (id.uuid(), user.uuid());
    q!(tx.tx, execute, INSERT, id, user, device, ip, *created_at, *last_used_at, ends_at, expires_at)?;
    Ok(())
}

/// The live sessions of a person, the last used first.
///
/// # Errors
/// When the database fails.
pub async fn list_live_of_user(db: &Db, user: UserId, now: Ts) -> Result<Vec<Session>, DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY last_used_at DESC, id DESC"
    );
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, user.uuid(), now)?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// The live sessions of a person with their last use, as this transaction sees them.
///
/// # Errors
/// When the database fails.
pub async fn last_uses_of_user(tx: &mut Tx, user: UserId, now: Ts) -> Result<Vec<(SessionId, Ts)>, DbError> {
    const SELECT: &str =
        "SELECT id, last_used_at FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2";
    let rows: Vec<(Uuid, Ts)> = q!(tx.tx, fetch_all, SELECT, user.uuid(), now)?;
    Ok(rows.into_iter().map(|(id, last_used_at)| (SessionId(id), last_used_at)).collect())
}

/// A live session, held until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_live(tx: &mut Tx, id: SessionId, now: Ts) -> Result<Option<Session>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE sessions SET last_used_at = last_used_at WHERE id = $1 AND ended_at IS NULL AND expires_at > $2 ",
        "RETURNING ",
        columns!()
    );
    let row: Option<Row> = q!(tx.tx, fetch_optional, UPDATE, id.uuid(), now)?;
    Ok(row.map(Session::from))
}

/// Notes that a session was used.
///
/// # Errors
/// When the database fails.
pub async fn touch(
    tx: &mut Tx,
    id: SessionId,
    ip: Option<IpAddr>,
    now: Ts,
    expires_at: Ts,
) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE sessions SET last_used_at = $2, expires_at = $3, ip = COALESCE($4, ip) WHERE id = $1";
    let ip = ip.map(|ip| ip.to_string());
    q!(tx.tx, execute, UPDATE, id.uuid(), now, expires_at, &ip)?;
    Ok(())
}

/// Ends a live session, whoever's it is. `false` when it was not live.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, id: SessionId, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL AND expires_at > $2";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), now)? == 1)
}

/// Ends a live session of this person. `false` when they have no such live session.
///
/// # Errors
/// When the database fails.
pub async fn end_of_user(tx: &mut Tx, user: UserId, id: SessionId, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE sessions SET ended_at = $3 \
        WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), user.uuid(), now)? == 1)
}

/// Ends every live session of a person but `keep`, and tells which.
///
/// # Errors
/// When the database fails.
pub async fn end_all_of_user(
    tx: &mut Tx,
    user: UserId,
    keep: Option<SessionId>,
    now: Ts,
) -> Result<Vec<SessionId>, DbError> {
    const UPDATE: &str = "UPDATE sessions SET ended_at = $3 \
        WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL AND expires_at > $3 RETURNING id";
    // No session has the nil identifier.
    let keep = keep.map_or(Uuid::nil(), SessionId::uuid);
    let rows: Vec<(Uuid,)> = q!(tx.tx, fetch_all, UPDATE, user.uuid(), keep, now)?;
    Ok(rows.into_iter().map(|(id,)| SessionId(id)).collect())
}

/// Removes at most `limit` sessions that ended or expired before `before`, with their refresh tokens. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    // A session that was ended early stays until it would have expired: its tokens are known for that long.
    const DELETE: &str = "DELETE FROM sessions WHERE id IN \
        (SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    q!(db.write, execute, DELETE, before, limit)
}
