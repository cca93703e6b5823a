//! The only SQL of transfers in the ledger.

use crate::tiny::movements;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use serde::Serialize;
use uuid::Uuid;

/// What a purse has when it is first named.
const OPENED_WITH: i64 = 1_000_000;

/// What the ledger knows of its money.
#[derive(Debug, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(in crate::tiny::ledger) struct Money {
    /// What all purses had at first.
    opened: i64,
    /// What is in them now.
    balance: i64,
    /// What is held for transfers under way.
    held: i64,
    /// What went to the counter.
    sent: i64,
    /// Transfers by their state.
    open: i64,
    done: i64,
    undone: i64,
    /// The amounts of those that are done.
    done_amount: i64,
}

/// Notes a transfer and opens its purse, unless it is known. Tells whether it is new.
pub(super) async fn insert(
    t: &mut Tx,
    (id, source, amount): (Uuid, &str, i64),
    now: Ts,
) -> Result<bool, DbError> {
    const TRANSFER: &str = "INSERT INTO transfer (id, source, amount, state, asked_at) \
        VALUES ($1, $2, $3, 'open', $4) ON CONFLICT (id) DO NOTHING";
    const PURSE: &str = "INSERT INTO purse (name, opened_with, balance, held, sent) VALUES ($1, $2, $2, 0, 0) \
        ON CONFLICT (name) DO NOTHING";
    if q!(t.tx, execute, TRANSFER, id, source, amount, now)? == 0 {
        return Ok(false);
    }
    q!(t.tx, execute, PURSE, source, OPENED_WITH)?;
    Ok(true)
}

/// The state of a transfer.
pub(super) async fn state(db: &Db, id: Uuid) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> = q!(db.read, fetch_optional, "SELECT state FROM transfer WHERE id = $1", id)?;
    Ok(row.map(|(state,)| state))
}

/// Sets an amount aside; false when the purse has not enough.
pub(super) async fn hold(t: &mut Tx, id: Uuid, purse: &str, amount: i64) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE purse SET balance = balance - $2, held = held + $2 WHERE name = $1 AND balance >= $2";
    if q!(t.tx, execute, UPDATE, purse, amount)? == 0 {
        return Ok(false);
    }
    movements::note(t, id, "hold", amount).await?;
    Ok(true)
}

pub(super) async fn release(t: &mut Tx, id: Uuid, purse: &str, amount: i64) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE purse SET balance = balance + $2, held = held - $2 WHERE name = $1";
    q!(t.tx, execute, UPDATE, purse, amount)?;
    movements::note(t, id, "release", amount).await
}

pub(super) async fn settle(t: &mut Tx, id: Uuid, purse: &str, amount: i64) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE purse SET held = held - $2, sent = sent + $2 WHERE name = $1";
    q!(t.tx, execute, UPDATE, purse, amount)?;
    movements::note(t, id, "settle", amount).await
}

pub(super) async fn unsettle(t: &mut Tx, id: Uuid, purse: &str, amount: i64) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE purse SET held = held + $2, sent = sent - $2 WHERE name = $1";
    q!(t.tx, execute, UPDATE, purse, amount)?;
    movements::note(t, id, "unsettle", amount).await
}

/// Notes how a transfer ended.
pub(super) async fn end(t: &mut Tx, id: Uuid, state: &str) -> Result<(), DbError> {
    q!(t.tx, execute, "UPDATE transfer SET state = $2 WHERE id = $1", id, state)?;
    movements::note(t, id, state, 0).await
}

/// What there is.
pub(in crate::tiny::ledger) async fn books(db: &Db) -> Result<Money, DbError> {
    const SELECT: &str = "SELECT p.opened, p.balance, p.held, p.sent, t.open, t.done, t.undone, t.done_amount FROM \
        (SELECT CAST(COALESCE(SUM(opened_with), 0) AS BIGINT) AS opened, \
            CAST(COALESCE(SUM(balance), 0) AS BIGINT) AS balance, \
            CAST(COALESCE(SUM(held), 0) AS BIGINT) AS held, \
            CAST(COALESCE(SUM(sent), 0) AS BIGINT) AS sent FROM purse) p, \
        (SELECT CAST(COALESCE(SUM(CASE WHEN state = 'open' THEN 1 ELSE 0 END), 0) AS BIGINT) AS open, \
            CAST(COALESCE(SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END), 0) AS BIGINT) AS done, \
            CAST(COALESCE(SUM(CASE WHEN state = 'undone' THEN 1 ELSE 0 END), 0) AS BIGINT) AS undone, \
            CAST(COALESCE(SUM(CASE WHEN state = 'done' THEN amount ELSE 0 END), 0) AS BIGINT) AS done_amount \
            FROM transfer) t";
    q!(db.read, fetch_one, SELECT)
}
