//! Each movement of money as often as it happened, without any constraint that would hide a second time. Both services
//! have it.

use chassis::db::{Db, DbError, Tx, q};
use uuid::Uuid;

/// Notes a movement of a transfer.
pub(super) async fn note(t: &mut Tx, transfer: Uuid, kind: &str, amount: i64) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO movement (transfer_id, kind, amount) VALUES ($1, $2, $3)";
    q!(t.tx, execute, INSERT, transfer, kind, amount).map(|_| ())
}

/// How many movements happened more than once.
pub(super) async fn doubled(db: &Db) -> Result<i64, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM \
        (SELECT 1 FROM movement GROUP BY transfer_id, kind HAVING COUNT(*) > 1) doubled";
    q!(db.read, scalar, SELECT)
}
