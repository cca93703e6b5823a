//! What is kept of orders, for the audit that compares it with their events.

use super::live;
use chassis::db::{Db, DbError, q};
use contract::ids::OrderId;
use uuid::Uuid;

/// What is kept of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The order.
    pub order: OrderId,
    /// Where it stands.
    pub status: String,
    /// Whether something about it is still being settled.
    pub processing: bool,
    /// What it comes to, in the smallest units.
    pub total: i64,
    /// The version of it.
    pub version: i64,
    /// The aggregate at that version.
    pub state: String,
    /// How much of what happened to it was told.
    pub told: i64,
}

/// What is kept of the orders behind an identifier, by identifier.
///
/// # Errors
/// When the database fails.
pub async fn list_kept(db: &Db, after: Uuid, limit: i64) -> Result<Vec<Kept>, DbError> {
    const SELECT: &str = concat!(
        "SELECT order_id, status, processing, total_amount, version, state, (SELECT COUNT(*) FROM order_update u \
         WHERE u.generation = order_list.generation AND u.order_id = order_list.order_id) AS told FROM order_list WHERE ",
        live!(),
        " AND order_id > $1 ORDER BY order_id LIMIT $2"
    );
    let rows: Vec<(Uuid, String, bool, i64, i64, String, i64)> =
        q!(db.read, fetch_all, SELECT, after, limit)?;
    let kept = |(order, status, processing, total, version, state, told)| Kept {
        order: OrderId(order),
        status,
        processing,
        total,
        version,
        state,
        told,
    };
    Ok(rows.into_iter().map(kept).collect())
}
