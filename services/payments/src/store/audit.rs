//! What must hold over everything that is kept. Each question is one statement, which sees one moment.

use chassis::db::{Db, DbError, q};
use uuid::Uuid;

/// What breaks a rule: whose it is, and the numbers.
#[derive(Debug, sqlx::FromRow)]
pub struct Broken {
    /// The payment.
    pub id: Uuid,
    /// What was found.
    pub found: String,
}

/// How many payments there are.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db) -> Result<u64, DbError> {
    let count: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM payment")?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Payments of which more was taken than their amount, or another one than their state says.
///
/// # Errors
/// When the database fails.
pub async fn captured(db: &Db) -> Result<Vec<Broken>, DbError> {
    const SELECT: &str = "SELECT id, state || ': captured ' || CAST(captured AS TEXT) || ' of ' || CAST(amount AS TEXT) AS found \
        FROM payment WHERE captured > amount OR (state IN ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED') AND captured <> amount) \
        OR (state IN ('PENDING', 'REQUIRES_ACTION', 'AUTHORIZED', 'FAILED', 'VOIDED') AND captured <> 0) LIMIT 101";
    q!(db.read, fetch_all, SELECT)
}

/// Payments of which more was given back than was taken, or another amount than the sum of their refunds.
///
/// # Errors
/// When the database fails.
pub async fn refunded(db: &Db) -> Result<Vec<Broken>, DbError> {
    const SELECT: &str = "SELECT p.id AS id, 'refunded ' || CAST(p.refunded AS TEXT) || ' and refunding ' || CAST(p.refunding AS TEXT) \
        || ' of ' || CAST(p.captured AS TEXT) || '; refunds say ' || CAST(COALESCE(r.done, 0) AS TEXT) || ' and ' \
        || CAST(COALESCE(r.open, 0) AS TEXT) AS found FROM payment p LEFT JOIN (SELECT payment_id, \
        SUM(CASE WHEN state = 'SUCCEEDED' THEN amount ELSE 0 END) AS done, \
        SUM(CASE WHEN state = 'PENDING' THEN amount ELSE 0 END) AS open FROM refund GROUP BY payment_id) r \
        ON r.payment_id = p.id WHERE p.refunded > p.captured OR p.refunded <> COALESCE(r.done, 0) \
        OR p.refunding <> COALESCE(r.open, 0) OR (p.state = 'PARTIALLY_REFUNDED' AND p.refunded = 0) \
        OR (p.state = 'REFUNDED' AND p.refunded <> p.captured) LIMIT 101";
    q!(db.read, fetch_all, SELECT)
}

/// Payments and refunds whose end is not known, and about which nobody would ever ask.
///
/// # Errors
/// When the database fails.
pub async fn forgotten(db: &Db) -> Result<Vec<Broken>, DbError> {
    const SELECT: &str = "SELECT id, state || COALESCE(' to ' || wish, '') || ' and never asked about' AS found FROM payment \
        WHERE next_at IS NULL AND (wish IS NOT NULL OR state IN ('PENDING', 'REQUIRES_ACTION')) \
        UNION ALL SELECT payment_id AS id, 'a pending refund is never asked about' AS found FROM refund \
        WHERE next_at IS NULL AND state = 'PENDING' LIMIT 101";
    q!(db.read, fetch_all, SELECT)
}

/// Payments at rest that stand elsewhere than their charges in the books of the sandbox's bank.
///
/// # Errors
/// When the database fails.
pub async fn unlike_bank(db: &Db) -> Result<Vec<Broken>, DbError> {
    const SELECT: &str = "SELECT p.id AS id, p.state || ' of ' || CAST(p.amount AS TEXT) || ', refunded ' || CAST(p.refunded AS TEXT) \
        || '; the bank has ' || CAST(COALESCE(b.kept, 0) AS TEXT) || ' kept, ' || CAST(COALESCE(b.taken, 0) AS TEXT) || ' taken, ' \
        || CAST(COALESCE(b.returned, 0) AS TEXT) || ' returned' AS found FROM payment p LEFT JOIN (SELECT checkout, \
        SUM(CASE WHEN state IN ('processing', 'requires_action', 'authorized') THEN amount ELSE 0 END) AS kept, \
        SUM(captured) AS taken, SUM(refunded) AS returned FROM sandbox_charge GROUP BY checkout) b ON b.checkout = p.id \
        WHERE p.wish IS NULL AND p.refunding = 0 AND p.state NOT IN ('PENDING', 'REQUIRES_ACTION') AND p.amount > 0 \
        AND (COALESCE(b.kept, 0) <> CASE WHEN p.state = 'AUTHORIZED' THEN p.amount ELSE 0 END \
        OR COALESCE(b.taken, 0) <> p.captured OR COALESCE(b.returned, 0) <> p.refunded) LIMIT 101";
    q!(db.read, fetch_all, SELECT)
}
