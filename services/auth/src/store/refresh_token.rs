//! Refresh tokens, by the hash that stands for them.

use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use contract::ids::SessionId;

/// What replaced a token, if anything did.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Kept {
    /// When it was replaced.
    pub replaced_at: Option<Ts>,
    /// Its successor, sealed.
    pub successor: Option<Vec<u8>>,
}

/// Adds the token that a session goes on with.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, hash: &[u8], session: SessionId, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES ($1, $2, $3)";
    q!(tx.tx, execute, INSERT, hash, session.uuid(), now)?;
    Ok(())
}

/// Replaces a token that was not replaced before: of many that try at once, one gets `true`.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    tx: &mut Tx,
    hash: &[u8],
    session: SessionId,
    successor: &[u8],
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE refresh_tokens SET replaced_at = $3, successor = $4 \
        WHERE hash = $1 AND session_id = $2 AND replaced_at IS NULL";
    Ok(q!(tx.tx, execute, UPDATE, hash, session.uuid(), now, successor)? == 1)
}

/// What became of a token of this session.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, hash: &[u8], session: SessionId) -> Result<Option<Kept>, DbError> {
    const SELECT: &str =
        "SELECT replaced_at, successor FROM refresh_tokens WHERE hash = $1 AND session_id = $2";
    q!(tx.tx, fetch_optional, SELECT, hash, session.uuid())
}
