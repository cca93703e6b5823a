//! Tokens of mailed links, by the hash that stands for them.

use crate::domain::one_time::Purpose;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::UserId;
use uuid::Uuid;

/// Adds a token.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    purpose: Purpose,
    hash: &[u8],
    user: UserId,
    now: Ts,
    expires_at: Ts,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO one_time_tokens (hash, purpose, user_id, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5)";
    q!(tx.tx, execute, INSERT, hash, purpose.as_str(), user.uuid(), now, expires_at)?;
    Ok(())
}

/// Uses a token up: of many that try at once, one learns whose it is. `None` when it is unknown, used or expired.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, purpose: Purpose, hash: &[u8], now: Ts) -> Result<Option<UserId>, DbError> {
    const DELETE: &str = "DELETE FROM one_time_tokens WHERE hash = $1 AND purpose = $2 AND expires_at > $3 \
        RETURNING user_id";
    let row: Option<(Uuid,)> = q!(tx.tx, fetch_optional, DELETE, hash, purpose.as_str(), now)?;
    Ok(row.map(|(user,)| UserId(user)))
}

/// Whose token it is, without using it up. `None` when it is unknown, used or expired.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, purpose: Purpose, hash: &[u8], now: Ts) -> Result<Option<UserId>, DbError> {
    const SELECT: &str =
        "SELECT user_id FROM one_time_tokens WHERE hash = $1 AND purpose = $2 AND expires_at > $3";
    let row: Option<(Uuid,)> = q!(db.read, fetch_optional, SELECT, hash, purpose.as_str(), now)?;
    Ok(row.map(|(user,)| UserId(user)))
}

/// Removes every token of a person for this purpose.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(tx: &mut Tx, purpose: Purpose, user: UserId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM one_time_tokens WHERE user_id = $1 AND purpose = $2";
    q!(tx.tx, execute, DELETE, user.uuid(), purpose.as_str())?;
    Ok(())
}

/// How many tokens of a person for this purpose were made since `since`, and when the last one was.
///
/// # Errors
/// When the database fails.
pub async fn made_since(
    tx: &mut Tx,
    purpose: Purpose,
    user: UserId,
    since: Ts,
) -> Result<(i64, Option<Ts>), DbError> {
    const SELECT: &str = "SELECT COUNT(*), MAX(created_at) FROM one_time_tokens \
        WHERE user_id = $1 AND purpose = $2 AND created_at > $3";
    q!(tx.tx, fetch_one, SELECT, user.uuid(), purpose.as_str(), since)
}

/// Removes at most `limit` tokens that expired before `before`. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM one_time_tokens WHERE hash IN \
        (SELECT hash FROM one_time_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    q!(db.write, execute, DELETE, before, limit)
}
