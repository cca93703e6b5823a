//! What is compared for the invariants.

use chassis::db::{Db, DbError, q};
use uuid::Uuid;

/// An event whose history tells something else of it.
#[derive(Debug, sqlx::FromRow)]
pub struct Difference {
    /// The event.
    pub id: Uuid,
    /// Its version.
    pub version: i64,
    /// Where it stands.
    pub status: String,
    /// How many steps it has.
    pub steps: i64,
    /// Where it stands after the last of them, if that is the one of its version.
    pub told: Option<String>,
}

/// Events that have not one step for each version, or stand elsewhere than their last step says; a hundred at most.
///
/// # Errors
/// When the database fails.
pub async fn differences(db: &Db) -> Result<Vec<Difference>, DbError> {
    const SELECT: &str = "SELECT id, version, status, steps, told FROM (SELECT e.id, e.version, e.status, \
        (SELECT COUNT(*) FROM event_step s WHERE s.event_id = e.id) AS steps, \
        (SELECT s.status_after FROM event_step s WHERE s.event_id = e.id AND s.version = e.version) AS told FROM event e) AS told_of \
        WHERE steps <> version OR told IS NULL OR told <> status LIMIT 100";
    q!(db.read, fetch_all, SELECT)
}

/// How many events there are.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db) -> Result<u64, DbError> {
    let count: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM event")?;
    Ok(u64::try_from(count).unwrap_or_default())
}
