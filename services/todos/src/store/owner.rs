//! Whose todos they are. Who changes any of a person's holds the person's row first: so changes of places, of many at once and
//! of how many there are come one after the other, and two of them never wait for each other.

use chassis::db::{Db, DbError, Tx, q};
use contract::ids::UserId;

/// Holds a person's row until the transaction ends; makes it when there is none.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, owner: UserId) -> Result<(), DbError> {
    const HOLD: &str = "INSERT INTO todo_owner (owner_id, numbering) VALUES ($1, 0) \
        ON CONFLICT (owner_id) DO UPDATE SET numbering = todo_owner.numbering";
    q!(tx.tx, execute, HOLD, owner.uuid()).map(|_| ())
}

/// Notes that the places of all of a person's todos were given anew.
///
/// # Errors
/// When the database fails.
pub async fn renumbered(tx: &mut Tx, owner: UserId) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE todo_owner SET numbering = numbering + 1 WHERE owner_id = $1";
    q!(tx.tx, execute, UPDATE, owner.uuid()).map(|_| ())
}

/// How often the places of all of a person's todos were given anew.
///
/// # Errors
/// When the database fails.
pub async fn numbering(db: &Db, owner: UserId) -> Result<i64, DbError> {
    const SELECT: &str = "SELECT numbering FROM todo_owner WHERE owner_id = $1";
    let row: Option<(i64,)> = q!(db.read, fetch_optional, SELECT, owner.uuid())?;
    Ok(row.map_or(0, |(numbering,)| numbering))
}
