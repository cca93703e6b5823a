//! The only SQL of transfers in the counter.
//!
//! A transfer goes `reserved`, `deposited`, and back `withdrawn`, `cancelled`; what is asked for twice is done once, and
//! what is asked for after its undo is refused.

use crate::tiny::movements;
use chassis::db::{Db, DbError, Tx, q};
use serde::Serialize;
use uuid::Uuid;

/// What the counter knows of its money.
#[derive(Debug, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Money {
    /// What is in all purses.
    balance: i64,
    /// Transfers that are reserved and not deposited.
    reserved: i64,
    /// Transfers whose money is here.
    deposited: i64,
}

/// Notes the state of a transfer that nobody has heard of; false when somebody has.
async fn begin(t: &mut Tx, id: Uuid, state: &str) -> Result<bool, DbError> {
    const INSERT: &str =
        "INSERT INTO reservation (transfer_id, state) VALUES ($1, $2) ON CONFLICT (transfer_id) DO NOTHING";
    Ok(q!(t.tx, execute, INSERT, id, state)? == 1)
}

/// Goes from one state to another; false when it is in none of the former.
async fn step(t: &mut Tx, id: Uuid, from: &str, to: &str) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE reservation SET state = $3 WHERE transfer_id = $1 AND state = $2";
    Ok(q!(t.tx, execute, UPDATE, id, from, to)? == 1)
}

async fn is_in(t: &mut Tx, id: Uuid, state: &str) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM reservation WHERE transfer_id = $1 AND state = $2";
    let found: i64 = q!(t.tx, scalar, SELECT, id, state)?;
    Ok(found > 0)
}

/// Reserves; false after it was cancelled.
pub(super) async fn reserve(t: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    if begin(t, id, "reserved").await? {
        movements::note(t, id, "reserve", 0).await?;
        return Ok(true);
    }
    Ok(is_in(t, id, "reserved").await? || is_in(t, id, "deposited").await?)
}

/// Undoes the reservation, also one that has not come yet.
pub(super) async fn cancel(t: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let new = begin(t, id, "cancelled").await?;
    if new || step(t, id, "reserved", "cancelled").await? || step(t, id, "withdrawn", "cancelled").await? {
        movements::note(t, id, "cancel", 0).await?;
        return Ok(true);
    }
    is_in(t, id, "cancelled").await
}

/// Adds the amount to a purse; false when it is not reserved, or was withdrawn.
pub(super) async fn deposit(t: &mut Tx, id: Uuid, purse: &str, amount: i64) -> Result<bool, DbError> {
    const ADD: &str = "INSERT INTO purse (name, balance) VALUES ($1, $2) \
        ON CONFLICT (name) DO UPDATE SET balance = purse.balance + excluded.balance";
    if step(t, id, "reserved", "deposited").await? {
        q!(t.tx, execute, ADD, purse, amount)?;
        movements::note(t, id, "deposit", amount).await?;
        return Ok(true);
    }
    is_in(t, id, "deposited").await
}

/// Takes the amount out again, if it is here; what comes later under this id is refused.
pub(super) async fn withdraw(t: &mut Tx, id: Uuid, purse: &str, amount: i64) -> Result<bool, DbError> {
    const TAKE: &str = "UPDATE purse SET balance = balance - $2 WHERE name = $1";
    if step(t, id, "deposited", "withdrawn").await? {
        q!(t.tx, execute, TAKE, purse, amount)?;
        movements::note(t, id, "withdraw", amount).await?;
        return Ok(true);
    }
    if begin(t, id, "withdrawn").await? || step(t, id, "reserved", "withdrawn").await? {
        return Ok(true);
    }
    Ok(is_in(t, id, "withdrawn").await? || is_in(t, id, "cancelled").await?)
}

/// What there is.
pub(super) async fn books(db: &Db) -> Result<Money, DbError> {
    const SELECT: &str = "SELECT (SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) FROM purse) AS balance, \
        (SELECT COUNT(*) FROM reservation WHERE state = 'reserved') AS reserved, \
        (SELECT COUNT(*) FROM reservation WHERE state = 'deposited') AS deposited";
    q!(db.read, fetch_one, SELECT)
}
