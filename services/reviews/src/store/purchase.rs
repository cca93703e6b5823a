//! Who has bought what, and has it.

use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use contract::ids::{OrderId, ProductId, UserId};

/// Notes that somebody has a product. The first time counts.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    user: UserId,
    product: ProductId,
    order: OrderId,
    delivered: Ts,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO purchase (user_id, product_id, order_id, delivered_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (user_id, product_id) DO NOTHING";
    q!(tx.tx, execute, INSERT, user.uuid(), product.uuid(), order.uuid(), delivered).map(|_| ())
}

/// Whether somebody has bought a product and has it.
///
/// # Errors
/// When the database fails.
pub async fn exists(tx: &mut Tx, user: UserId, product: ProductId) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM purchase WHERE user_id = $1 AND product_id = $2";
    let found: i64 = q!(tx.tx, scalar, SELECT, user.uuid(), product.uuid())?;
    Ok(found > 0)
}
