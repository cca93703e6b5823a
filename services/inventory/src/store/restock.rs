//! Goods that came back.

use super::{by_engine, line, line_rows};
use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use contract::ids::{OrderId, ProductId, RefundId};
use contract::inventory::ReserveLine;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Adds a return without lines. `false` when the refund has one.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, refund: RefundId, order: OrderId, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO restock (refund_id, order_id, at) VALUES ($1, $2, $3) \
        ON CONFLICT (refund_id) DO NOTHING";
    Ok(q!(t.tx, execute, INSERT, refund.uuid(), order.uuid(), now)? == 1)
}

/// Removes a return that this transaction has added and that has no lines.
///
/// # Errors
/// When the database fails.
pub async fn take_back(t: &mut Tx, refund: RefundId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM restock WHERE refund_id = $1";
    q!(t.tx, execute, DELETE, refund.uuid()).map(|_| ())
}

/// Adds the lines of a return.
///
/// # Errors
/// When the database fails.
pub async fn insert_lines(t: &mut Tx, refund: RefundId, lines: &[ReserveLine]) -> Result<(), DbError> {
    const SQLITE: &str = "INSERT INTO restock_line (refund_id, product_id, quantity) \
        SELECT $2, unhex(value ->> 'p'), value ->> 'q' FROM json_each($1)";
    const POSTGRES: &str = "INSERT INTO restock_line (refund_id, product_id, quantity) \
        SELECT $2, p, q FROM jsonb_to_recordset($1) AS d(p UUID, q BIGINT)";
    let sql = by_engine(t, SQLITE, POSTGRES);
    let rows = line_rows(lines);
    q!(t.tx, execute, sql, Json(&rows), refund.uuid()).map(|_| ())
}

/// The order of a return and its lines by product.
///
/// # Errors
/// When the database fails.
pub async fn find(t: &mut Tx, refund: RefundId) -> Result<Option<(OrderId, Vec<ReserveLine>)>, DbError> {
    const SELECT: &str = "SELECT order_id FROM restock WHERE refund_id = $1";
    const LINES: &str =
        "SELECT product_id, quantity FROM restock_line WHERE refund_id = $1 ORDER BY product_id";
    let order: Option<(Uuid,)> = q!(t.tx, fetch_optional, SELECT, refund.uuid())?;
    let Some((order,)) = order else { return Ok(None) };
    let rows: Vec<(Uuid, i64)> = q!(t.tx, fetch_all, LINES, refund.uuid())?;
    Ok(Some((OrderId(order), rows.into_iter().map(line).collect::<Result<_, _>>()?)))
}

/// How many of each product were sold with an order and have not come back.
///
/// # Errors
/// When the database fails.
pub async fn left_with_buyer(t: &mut Tx, order: OrderId) -> Result<BTreeMap<ProductId, u32>, DbError> {
    const SELECT: &str = "SELECT product_id, CAST(SUM(quantity) AS BIGINT) FROM (\
        SELECT l.product_id, l.quantity FROM reservation r JOIN reservation_line l ON l.checkout_id = r.checkout_id \
            WHERE r.order_id = $1 AND r.state = 'COMMITTED' \
        UNION ALL \
        SELECT l.product_id, -l.quantity FROM restock r JOIN restock_line l ON l.refund_id = r.refund_id \
            WHERE r.order_id = $1) AS moved GROUP BY product_id";
    let rows: Vec<(Uuid, i64)> = q!(t.tx, fetch_all, SELECT, order.uuid())?;
    let left = |number: i64| u32::try_from(number).unwrap_or_default();
    Ok(rows.into_iter().map(|(product, number)| (ProductId(product), left(number))).collect())
}
