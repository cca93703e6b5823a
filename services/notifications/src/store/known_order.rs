//! Whose order it is, and payments that were heard of before their order.
//!
//! Both kinds of events write the row of the order first, so that they are one after the other: whichever comes second sees
//! what the first one left.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::money::{Currency, Money};
use uuid::Uuid;

/// What is known of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whose it is, if that was heard.
    pub user: Option<UserId>,
    /// Its readable number, if that was heard.
    pub number: Option<String>,
}

/// Notes whose order it is and gives what is known of it then. What is known already stays.
///
/// # Errors
/// When the database fails.
pub async fn learn(
    tx: &mut Tx,
    order: OrderId,
    user: Option<UserId>,
    number: Option<&str>,
    now: Ts,
) -> Result<Known, DbError> {
    const UPSERT: &str = "INSERT INTO known_order (order_id, user_id, number, heard_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (order_id) DO UPDATE SET user_id = COALESCE(known_order.user_id, excluded.user_id), \
        number = COALESCE(known_order.number, excluded.number), heard_at = excluded.heard_at RETURNING user_id, number";
    let user = user.map(UserId::uuid);
    let (user, number): (Option<Uuid>, Option<String>) =
        q!(tx.tx, fetch_one, UPSERT, order.uuid(), user, number, now)?;
    Ok(Known { user: user.map(UserId), number })
}

/// Keeps a payment until its order is known.
///
/// # Errors
/// When the database fails.
pub async fn park(tx: &mut Tx, order: OrderId, checkout: CheckoutId, amount: Money) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO parked_receipt (checkout_id, order_id, amount, currency) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (checkout_id) DO NOTHING";
    let Money { amount, currency } = amount;
    q!(tx.tx, execute, INSERT, checkout.uuid(), order.uuid(), amount, currency.code()).map(|_| ())
}

/// Takes the payments that waited for this order.
///
/// # Errors
/// When the database fails.
pub async fn unpark(tx: &mut Tx, order: OrderId) -> Result<Vec<(CheckoutId, Money)>, DbError> {
    const DELETE: &str =
        "DELETE FROM parked_receipt WHERE order_id = $1 RETURNING checkout_id, amount, currency";
    let rows: Vec<(Uuid, i64, String)> = q!(tx.tx, fetch_all, DELETE, order.uuid())?;
    let read = |(checkout, amount, currency): (Uuid, i64, String)| {
        let currency = Currency::parse(&currency).ok_or_else(|| corrupt("the currency"))?;
        Ok((CheckoutId(checkout), Money::new(amount, currency)))
    };
    rows.into_iter().map(read).collect()
}
