//! What must hold over all rows, each rule in one statement: a statement sees one state of the database, whatever is written
//! meanwhile.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, q};
use uuid::Uuid;

/// Violations that are read at most.
const MOST: i64 = 100;

/// How many products there are.
///
/// # Errors
/// When the database fails.
pub async fn count_stock(db: &Db) -> Result<u64, DbError> {
    let count: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM stock")?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// How many reservations there are.
///
/// # Errors
/// When the database fails.
pub async fn count_reservations(db: &Db) -> Result<u64, DbError> {
    let count: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM reservation")?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Products with less than nothing, or with more reserved than there is: product, on hand, reserved.
///
/// # Errors
/// When the database fails.
pub async fn negative(db: &Db) -> Result<Vec<(Uuid, i64, i64)>, DbError> {
    const SELECT: &str = "SELECT product_id, on_hand, reserved FROM stock \
        WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand ORDER BY product_id LIMIT $1";
    q!(db.read, fetch_all, SELECT, MOST)
}

/// Products of which another number is reserved than the open reservations want: product, reserved, wanted.
///
/// # Errors
/// When the database fails.
pub async fn not_as_reserved(db: &Db) -> Result<Vec<(Uuid, i64, i64)>, DbError> {
    const SELECT: &str = "SELECT product_id, CAST(SUM(reserved) AS BIGINT), CAST(SUM(wanted) AS BIGINT) FROM (\
        SELECT product_id, reserved, 0 AS wanted FROM stock \
        UNION ALL \
        SELECT l.product_id, 0, l.quantity FROM reservation_line l JOIN reservation r ON r.checkout_id = l.checkout_id \
            WHERE r.state IN ('ACTIVE', 'SECURED')) AS both_sides \
        GROUP BY product_id HAVING SUM(reserved) <> SUM(wanted) ORDER BY product_id LIMIT $1";
    q!(db.read, fetch_all, SELECT, MOST)
}

/// A product whose numbers are not those of its ledger.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NotInLedger {
    /// The product.
    pub product_id: Uuid,
    /// How many are there by the stock, less those by the ledger.
    pub on_hand: i64,
    /// How many are reserved by the stock, less those by the ledger.
    pub reserved: i64,
    /// How many lines the stock says there are, less those that there are.
    pub lines: i64,
}

/// Products whose ledger does not come to what is there.
///
/// # Errors
/// When the database fails.
pub async fn not_in_ledger(db: &Db) -> Result<Vec<NotInLedger>, DbError> {
    const SELECT: &str = "SELECT product_id, CAST(SUM(on_hand) AS BIGINT) AS on_hand, \
        CAST(SUM(reserved) AS BIGINT) AS reserved, CAST(SUM(lines) AS BIGINT) AS lines FROM (\
        SELECT product_id, on_hand, reserved, seq AS lines FROM stock \
        UNION ALL \
        SELECT product_id, -on_hand_change, -reserved_change, -1 FROM movement) AS both_sides \
        GROUP BY product_id HAVING SUM(on_hand) <> 0 OR SUM(reserved) <> 0 OR SUM(lines) <> 0 \
        ORDER BY product_id LIMIT $1";
    q!(db.read, fetch_all, SELECT, MOST)
}

/// Reservations that are active although their time was over at `before`.
///
/// # Errors
/// When the database fails.
pub async fn overdue(db: &Db, before: Ts) -> Result<Vec<(Uuid, Ts)>, DbError> {
    const SELECT: &str = "SELECT checkout_id, expires_at FROM reservation \
        WHERE state = 'ACTIVE' AND expires_at < $1 ORDER BY expires_at LIMIT $2";
    q!(db.read, fetch_all, SELECT, before, MOST)
}

/// Orders of which more came back than was sold: order, product, how many too many.
///
/// # Errors
/// When the database fails.
pub async fn returned_unsold(db: &Db) -> Result<Vec<(Uuid, Uuid, i64)>, DbError> {
    const SELECT: &str = "SELECT order_id, product_id, CAST(SUM(back) AS BIGINT) FROM (\
        SELECT r.order_id, l.product_id, l.quantity AS back FROM restock r JOIN restock_line l ON l.refund_id = r.refund_id \
        UNION ALL \
        SELECT r.order_id, l.product_id, -l.quantity FROM reservation r \
            JOIN reservation_line l ON l.checkout_id = r.checkout_id WHERE r.state = 'COMMITTED') AS both_sides \
        GROUP BY order_id, product_id HAVING SUM(back) > 0 ORDER BY order_id, product_id LIMIT $1";
    q!(db.read, fetch_all, SELECT, MOST)
}
