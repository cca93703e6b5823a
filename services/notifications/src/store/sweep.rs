//! Removing what has been kept long enough, a few hundred rows at a time so that no statement holds the database for long.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, q};

/// Removes messages that were settled and called for before `before`. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_notifications(db: &Db, before: Ts, batch: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM notification WHERE id IN (SELECT id FROM notification \
        WHERE created_at < $1 AND state <> 'QUEUED' ORDER BY created_at LIMIT $2)";
    q!(db.write, execute, DELETE, before, batch)
}

/// Removes orders of which nothing was heard since `before`, but not those whose payment waits to be told of. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_orders(db: &Db, before: Ts, batch: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM known_order WHERE order_id IN (SELECT o.order_id FROM known_order o \
        WHERE o.heard_at < $1 AND o.user_id IS NOT NULL ORDER BY o.heard_at LIMIT $2)";
    q!(db.write, execute, DELETE, before, batch)
}
