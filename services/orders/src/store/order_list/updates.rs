//! What happened to orders, for those who follow them.

use super::{live, order, status};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, q};
use contract::ids::{OrderId, UserId};
use contract::orders::OrderUpdate;
use uuid::Uuid;

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its place among everything that happened to orders.
    pub position: i64,
    /// What is told.
    pub update: OrderUpdate,
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    order_id: Uuid,
    number: String,
    what: String,
    status: String,
    processing: bool,
    version: i64,
    at: Ts,
}

impl TryFrom<Row> for Told {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let update = OrderUpdate {
            order: order(row.order_id),
            number: row.number,
            what: row.what,
            status: status(&row.status)?,
            processing: row.processing,
            version: row.version,
            at: row.at.to_datetime(),
        };
        Ok(Self { position: row.position, update })
    }
}

/// Selects what is told, under a condition.
macro_rules! select {
    ($($rest:literal)+) => {
        concat!(
            "SELECT position, order_id, number, what, status, processing, version, at FROM order_update WHERE ",
            live!(),
            $($rest),+
        )
    };
}

/// What happened to an order after a version, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_of_order(db: &Db, order: OrderId, after: i64, limit: i64) -> Result<Vec<Told>, DbError> {
    const SELECT: &str = select!(" AND order_id = $1 AND version > $2 ORDER BY version LIMIT $3");
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, order.uuid(), after, limit)?;
    rows.into_iter().map(Told::try_from).collect()
}

/// What happened to a person's orders after a position, in order.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(db: &Db, user: UserId, after: i64, limit: i64) -> Result<Vec<Told>, DbError> {
    const SELECT: &str = select!(" AND user_id = $1 AND position > $2 ORDER BY position LIMIT $3");
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, user.uuid(), after, limit)?;
    rows.into_iter().map(Told::try_from).collect()
}

/// The version of an order that the read model has; 0 before the first.
///
/// # Errors
/// When the database fails.
pub async fn last_of_order(db: &Db, order: OrderId) -> Result<i64, DbError> {
    const SELECT: &str =
        concat!("SELECT COALESCE(max(version), 0) FROM order_update WHERE ", live!(), " AND order_id = $1");
    q!(db.read, scalar, SELECT, order.uuid())
}

/// The position of the last thing that happened; 0 before the first.
///
/// # Errors
/// When the database fails.
pub async fn head(db: &Db) -> Result<i64, DbError> {
    const SELECT: &str = concat!("SELECT COALESCE(max(position), 0) FROM order_update WHERE ", live!());
    q!(db.read, scalar, SELECT)
}

/// What has news after a position, in order: the position, the order and whose it is.
///
/// # Errors
/// When the database fails.
pub async fn list_after(db: &Db, after: i64, limit: i64) -> Result<Vec<(i64, Uuid, Uuid)>, DbError> {
    const SELECT: &str = concat!(
        "SELECT position, order_id, user_id FROM order_update WHERE ",
        live!(),
        " AND position > $1 ORDER BY position LIMIT $2"
    );
    q!(db.read, fetch_all, SELECT, after, limit)
}
