//! What must hold over all messages and their mail.

use chassis::db::{Db, DbError, q};
use uuid::Uuid;

/// How many messages there are.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db) -> Result<u64, DbError> {
    let count: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM notification")?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Mail of the outbox that belongs to no message, or to more than one, and how many that is.
///
/// # Errors
/// When the database fails.
pub async fn mail_of_no_message(db: &Db) -> Result<Vec<(Uuid, i64)>, DbError> {
    const SELECT: &str = "SELECT m.id, COUNT(n.id) FROM mail_outbox m LEFT JOIN notification n ON n.mail_id = m.id \
        GROUP BY m.id HAVING COUNT(n.id) <> 1 LIMIT 100";
    q!(db.read, fetch_all, SELECT)
}

/// Messages of one kind, to one recipient, about one thing, of which there is more than one.
///
/// # Errors
/// When the database fails.
pub async fn told_twice(db: &Db) -> Result<Vec<(String, String, String, i64)>, DbError> {
    const SELECT: &str = "SELECT kind, subject, recipient, COUNT(*) FROM notification GROUP BY kind, subject, recipient \
        HAVING COUNT(*) > 1 LIMIT 100";
    q!(db.read, fetch_all, SELECT)
}

/// Messages that wait and that no job will send.
///
/// # Errors
/// When the database fails.
pub async fn forgotten(db: &Db) -> Result<Vec<(Uuid, String)>, DbError> {
    const SELECT: &str = "SELECT n.id, n.kind FROM notification n WHERE n.state = 'QUEUED' AND NOT EXISTS \
        (SELECT 1 FROM job j WHERE j.id = n.job_id AND j.status IN ('waiting', 'running', 'failed')) LIMIT 100";
    q!(db.read, fetch_all, SELECT)
}

/// Payments that wait for an order that is known, and how many wait in all.
///
/// # Errors
/// When the database fails.
pub async fn parked(db: &Db) -> Result<(u64, Vec<(Uuid, Uuid)>), DbError> {
    const COUNT: &str = "SELECT COUNT(*) FROM parked_receipt";
    const SELECT: &str = "SELECT p.checkout_id, p.order_id FROM parked_receipt p JOIN known_order o ON o.order_id = p.order_id \
        WHERE o.user_id IS NOT NULL LIMIT 100";
    let count: i64 = q!(db.read, scalar, COUNT)?;
    let known = q!(db.read, fetch_all, SELECT)?;
    Ok((u64::try_from(count).unwrap_or_default(), known))
}
