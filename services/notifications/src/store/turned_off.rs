//! What people do not want to be told.

use super::corrupt;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::UserId;
use contract::notifications::NotificationKind;

/// The kinds that a person has turned off.
///
/// # Errors
/// When the database fails.
pub async fn of_user(db: &Db, user: UserId) -> Result<Vec<NotificationKind>, DbError> {
    const SELECT: &str = "SELECT kind FROM turned_off WHERE user_id = $1";
    let rows: Vec<(String,)> = q!(db.read, fetch_all, SELECT, user.uuid())?;
    kinds(rows)
}

/// The kinds that a person has turned off, as this transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn of_user_in(tx: &mut Tx, user: UserId) -> Result<Vec<NotificationKind>, DbError> {
    const SELECT: &str = "SELECT kind FROM turned_off WHERE user_id = $1";
    let rows: Vec<(String,)> = q!(tx.tx, fetch_all, SELECT, user.uuid())?;
    kinds(rows)
}

fn kinds(rows: Vec<(String,)>) -> Result<Vec<NotificationKind>, DbError> {
    let kind = |(kind,): (String,)| NotificationKind::parse(&kind).ok_or_else(|| corrupt("the kind"));
    rows.into_iter().map(kind).collect()
}

/// Turns a kind on or off for a person.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &mut Tx, user: UserId, kind: NotificationKind, off: bool) -> Result<(), DbError> {
    const INSERT: &str =
        "INSERT INTO turned_off (user_id, kind) VALUES ($1, $2) ON CONFLICT (user_id, kind) DO NOTHING";
    const DELETE: &str = "DELETE FROM turned_off WHERE user_id = $1 AND kind = $2";
    let sql = if off { INSERT } else { DELETE };
    q!(tx.tx, execute, sql, user.uuid(), kind.as_str()).map(|_| ())
}
