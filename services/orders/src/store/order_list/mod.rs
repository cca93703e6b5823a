//! The read models of orders: as they are listed, what happened to them, and what people have bought.
//!
//! The rows of a generation are written by its projection alone. Who reads takes the live generation in the same statement.

mod kept;
mod read;
mod updates;

pub use kept::{Kept, list_kept};
pub use read::{list_before, list_purchases_of};
pub use updates::{Told, head, last_of_order, list_after, list_of_order, list_of_user};

use crate::domain::order::Order;
use anyhow::Context as _;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use chassis::event_store::Generation;
use contract::ids::{OrderId, ProductId, UserId};
use contract::money::Money;
use contract::orders::OrderStatus;
use uuid::Uuid;

/// The name of the projection.
pub const NAME: &str = "order-list";

/// Chooses the rows of the live generation.
macro_rules! live {
    () => {
        "generation = (SELECT generation FROM projection_generation WHERE name = 'order-list' AND state = 'live')"
    };
}

use live;

/// An order as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Whether something about it is still being settled.
    pub processing: bool,
    /// What it comes to.
    pub total: Money,
    /// Pieces in it.
    pub quantity: i64,
    /// The name of the first product in it.
    pub title: String,
    /// The version of it.
    pub version: i64,
    /// When it came to that version.
    pub changed_at: Ts,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Among all events.
    pub position: i64,
    /// In the stream of its order.
    pub version: i64,
    /// When it was appended.
    pub at: Ts,
}

impl Listed {
    /// What is listed of an order that the event at `place` has brought to this state.
    ///
    /// # Errors
    /// When nothing was placed, which no stream begins with.
    pub fn of(order: OrderId, state: &Order, place: Place) -> anyhow::Result<Self> {
        let placed = state.placed.as_ref().context("nothing was placed")?;
        Ok(Self {
            order,
            user: placed.user,
            number: placed.number.clone(),
            status: state.status.context("it stands nowhere")?,
            processing: state.is_processing(),
            total: placed.totals.total,
            quantity: placed.lines.iter().map(|line| i64::from(line.quantity)).sum(),
            title: placed.lines.first().map(|line| line.name.clone()).unwrap_or_default(),
            version: place.version,
            changed_at: place.at,
        })
    }
}

/// The aggregate as it is kept beside what is listed of it.
///
/// # Errors
/// When the database fails.
pub async fn state_of(
    tx: &mut Tx,
    generation: Generation,
    order: OrderId,
) -> Result<Option<String>, DbError> {
    const SELECT: &str = "SELECT state FROM order_list WHERE generation = $1 AND order_id = $2";
    let row: Option<(String,)> = q!(tx.tx, fetch_optional, SELECT, generation.0, order.uuid())?;
    Ok(row.map(|(state,)| state))
}

/// Keeps what is listed of an order. It was placed when it is first seen.
///
/// # Errors
/// When the database fails.
pub async fn keep(tx: &mut Tx, generation: Generation, listed: &Listed, state: &str) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO order_list (generation, order_id, user_id, number, status, processing, \
        total_amount, total_currency, quantity, title, version, placed_at, changed_at, state) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13) \
        ON CONFLICT (generation, order_id) DO UPDATE SET status = excluded.status, processing = excluded.processing, \
        version = excluded.version, changed_at = excluded.changed_at, state = excluded.state";
    let Listed { order, user, number, status, processing, total, quantity, title, version, changed_at } =
        listed;
    let (order, user, status) = (order.uuid(), user.uuid(), status.as_str());
    let (amount, currency) = (total.amount, total.currency.code());
    q!(
        tx.tx,
        execute,
        UPSERT,
        generation.0,
        order,
        user,
        number,
        status,
        *processing,
        amount,
        currency,
        *quantity,
        title,
        *version,
        *changed_at,
        state
    )?;
    Ok(())
}

/// Notes what happened to an order, for who follows it.
///
/// # Errors
/// When the database fails.
pub async fn tell(
    tx: &mut Tx,
    generation: Generation,
    listed: &Listed,
    what: &str,
    position: i64,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO order_update \
        (generation, position, order_id, user_id, number, what, status, processing, version, at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let Listed { order, user, number, status, processing, version, changed_at, .. } = listed;
    let (order, user, status) = (order.uuid(), user.uuid(), status.as_str());
    q!(
        tx.tx,
        execute,
        INSERT,
        generation.0,
        position,
        order,
        user,
        number,
        what,
        status,
        *processing,
        *version,
        *changed_at
    )?;
    Ok(())
}

/// Notes that somebody has bought a product.
///
/// # Errors
/// When the database fails.
pub async fn bought(
    tx: &mut Tx,
    generation: Generation,
    user: UserId,
    product: ProductId,
    position: i64,
) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO order_purchase (generation, user_id, product_id, position) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (generation, user_id, product_id) DO UPDATE SET position = excluded.position";
    q!(tx.tx, execute, UPSERT, generation.0, user.uuid(), product.uuid(), position)?;
    Ok(())
}

/// Removes everything of a generation.
///
/// # Errors
/// When the database fails.
pub async fn reset(tx: &mut Tx, generation: Generation) -> Result<(), DbError> {
    q!(tx.tx, execute, "DELETE FROM order_list WHERE generation = $1", generation.0)?;
    q!(tx.tx, execute, "DELETE FROM order_update WHERE generation = $1", generation.0)?;
    q!(tx.tx, execute, "DELETE FROM order_purchase WHERE generation = $1", generation.0)?;
    Ok(())
}

/// Where an order stands, from a row.
fn status(text: &str) -> Result<OrderStatus, DbError> {
    OrderStatus::parse(text).ok_or_else(|| super::corrupt("a status"))
}

/// An identifier of a row.
const fn order(id: Uuid) -> OrderId {
    OrderId(id)
}
