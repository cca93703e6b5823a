//! Places among somebody's todos. Those in the bin keep theirs, so that what is restored is where it was. The owner's row is held.

use super::{corrupt, owner};
use crate::domain::rank::Rank;
use chassis::db::{DbError, Engine, Tx, q};
use contract::ids::{TodoId, UserId};
use sqlx::types::Json;
use uuid::Uuid;

fn parse(bytes: Vec<u8>) -> Result<Rank, DbError> {
    Rank::of_bytes(bytes).ok_or_else(|| corrupt("the place"))
}

fn first(rows: Option<(Vec<u8>,)>) -> Result<Option<Rank>, DbError> {
    rows.map(|(bytes,)| parse(bytes)).transpose()
}

/// The place of a todo.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, owner: UserId, id: TodoId) -> Result<Option<Rank>, DbError> {
    const SELECT: &str = "SELECT rank FROM todo WHERE id = $1 AND owner_id = $2";
    first(q!(tx.tx, fetch_optional, SELECT, id.uuid(), owner.uuid())?)
}

/// The last place that somebody has given.
///
/// # Errors
/// When the database fails.
pub async fn last(tx: &mut Tx, owner: UserId) -> Result<Option<Rank>, DbError> {
    const SELECT: &str = "SELECT rank FROM todo WHERE owner_id = $1 ORDER BY rank DESC LIMIT 1";
    first(q!(tx.tx, fetch_optional, SELECT, owner.uuid())?)
}

/// The next place above this one that another todo than `but` has.
///
/// # Errors
/// When the database fails.
pub async fn above(tx: &mut Tx, owner: UserId, rank: &Rank, but: TodoId) -> Result<Option<Rank>, DbError> {
    const SELECT: &str =
        "SELECT rank FROM todo WHERE owner_id = $1 AND rank > $2 AND id <> $3 ORDER BY rank LIMIT 1";
    first(q!(tx.tx, fetch_optional, SELECT, owner.uuid(), rank.as_bytes(), but.uuid())?)
}

/// The next place below this one that another todo than `but` has.
///
/// # Errors
/// When the database fails.
pub async fn below(tx: &mut Tx, owner: UserId, rank: &Rank, but: TodoId) -> Result<Option<Rank>, DbError> {
    const SELECT: &str =
        "SELECT rank FROM todo WHERE owner_id = $1 AND rank < $2 AND id <> $3 ORDER BY rank DESC LIMIT 1";
    first(q!(tx.tx, fetch_optional, SELECT, owner.uuid(), rank.as_bytes(), but.uuid())?)
}

/// Gives a todo another place, if it is still at the version before `version`. Tells whether it was.
///
/// # Errors
/// When the database fails, also when the place is taken.
pub async fn set(tx: &mut Tx, owner: UserId, id: TodoId, rank: &Rank, version: i64) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE todo SET rank = $3, version = $4 WHERE id = $1 AND owner_id = $2 AND version = $4 - 1";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), owner.uuid(), rank.as_bytes(), version)? == 1)
}

/// Gives all todos of somebody places anew, in the order that they have. No version changes: what is shown of each is the same.
///
/// # Errors
/// When the database fails.
pub async fn renumber(tx: &mut Tx, owner: UserId) -> Result<(), DbError> {
    const SELECT: &str = "SELECT id, rank FROM todo WHERE owner_id = $1 ORDER BY rank";
    const SQLITE: &str = "UPDATE todo SET rank = unhex(j.value ->> 1) FROM json_each($2) j \
        WHERE todo.owner_id = $1 AND todo.id = unhex(replace(j.value ->> 0, '-', ''))";
    const POSTGRES: &str = "UPDATE todo SET rank = decode(j.value ->> 1, 'hex') FROM jsonb_array_elements($2) j \
        WHERE todo.owner_id = $1 AND todo.id = CAST(j.value ->> 0 AS UUID)";
    let rows: Vec<(Uuid, Vec<u8>)> = q!(tx.tx, fetch_all, SELECT, owner.uuid())?;
    let Some((_, last)) = rows.last() else { return Ok(()) };
    // All new places are above all old ones, so that no two are ever the same on the way.
    let mut rank = parse(last.clone())?;
    let mut places = Vec::with_capacity(rows.len());
    for (id, _) in &rows {
        rank = rank.after();
        places.push((id.to_string(), hex::encode(rank.as_bytes())));
    }
    let update = match tx.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    q!(tx.tx, execute, update, owner.uuid(), Json(&places))?;
    owner::renumbered(tx, owner).await
}
