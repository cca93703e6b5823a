//! Rows of orders: whose each is, its number, and what is kept beside its events.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{OrderId, UserId};
use contract::orders::Address;
use sqlx::types::Json;
use uuid::Uuid;

/// What is kept of an order beside its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// The order.
    pub id: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// Where it goes.
    pub shipping_address: Address,
    /// Where the bill goes, when that is elsewhere.
    pub billing_address: Option<Address>,
    /// What the buyer wants the shop to know.
    pub notes: Option<String>,
    /// When it was placed.
    pub placed_at: Ts,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    user_id: Uuid,
    number: String,
    shipping_address: Json<Address>,
    billing_address: Option<Json<Address>>,
    notes: Option<String>,
    placed_at: Ts,
}

impl From<Row> for OrderRow {
    fn from(row: Row) -> Self {
        Self {
            id: OrderId(row.id),
            user: UserId(row.user_id),
            number: row.number,
            shipping_address: row.shipping_address.0,
            billing_address: row.billing_address.map(|address| address.0),
            notes: row.notes,
            placed_at: row.placed_at,
        }
    }
}

/// Adds an order. Says whether its number was free.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, order: &OrderRow) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO orders (id, user_id, number, shipping_address, billing_address, notes, placed_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (number) DO NOTHING";
    let inserted = q!(
        t.tx,
        execute,
        INSERT,
        order.id.uuid(),
        order.user.uuid(),
        &order.number,
        Json(&order.shipping_address),
        order.billing_address.as_ref().map(Json),
        order.notes.as_deref(),
        order.placed_at
    )?;
    Ok(inserted == 1)
}

/// An order of this person.
///
/// # Errors
/// When the database fails.
pub async fn find_for_owner(db: &Db, id: OrderId, user: UserId) -> Result<Option<OrderRow>, DbError> {
    const SELECT: &str = "SELECT id, user_id, number, shipping_address, billing_address, notes, placed_at FROM orders \
        WHERE id = $1 AND user_id = $2";
    let found: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid(), user.uuid())?;
    Ok(found.map(OrderRow::from))
}

/// An order, whoever's it is.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: OrderId) -> Result<Option<OrderRow>, DbError> {
    const SELECT: &str = "SELECT id, user_id, number, shipping_address, billing_address, notes, placed_at FROM orders \
        WHERE id = $1";
    let found: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    Ok(found.map(OrderRow::from))
}
