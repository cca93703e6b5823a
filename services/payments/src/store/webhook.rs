//! Which webhooks have come already.

use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};

/// Notes that a webhook has come. Tells whether it is the first one of its id.
///
/// # Errors
/// When the database fails.
pub async fn note(t: &mut Tx, provider: &str, id: &str, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO webhook_event (provider, id, received_at) VALUES ($1, $2, $3) \
        ON CONFLICT (provider, id) DO NOTHING";
    Ok(q!(t.tx, execute, INSERT, provider, id, now)? == 1)
}

/// Forgets webhooks that came before this time, some at once. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_before(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    let delete = format!(
        "DELETE FROM webhook_event WHERE (provider, id) IN (SELECT provider, id FROM webhook_event WHERE received_at < $1 \
         ORDER BY received_at LIMIT $2 {})",
        db.skip_locked()
    );
    q!(db.write, execute, AssertSqlSafe(delete.as_str()), before, limit)
}
