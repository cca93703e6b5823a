//! The SQL of the errands.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use serde::Serialize;
use uuid::Uuid;

/// From which one can tell whether an errand was lost or done twice.
#[derive(Debug, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// Errands that were asked for.
    asked: i64,
    /// Effects.
    effects: i64,
    /// Errands without an effect.
    undone: i64,
    /// Errands with several.
    doubled: i64,
    /// Effects of another try than the first.
    repeated: i64,
    /// Jobs that are not done.
    open: i64,
}

/// Notes an errand that was asked for. False when it is known.
pub(super) async fn ask(t: &mut Tx, id: Uuid, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO errand (id, asked_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    q!(t.tx, execute, INSERT, id, now).map(|added| added == 1)
}

/// The effect.
pub(super) async fn note_effect(t: &mut Tx, id: Uuid, attempt: u32, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO errand_effect (errand_id, attempt, done_at) VALUES ($1, $2, $3)";
    q!(t.tx, execute, INSERT, id, i64::from(attempt), now).map(|_| ())
}

pub(super) async fn figures(db: &Db) -> Result<Figures, DbError> {
    const SELECT: &str = "SELECT \
        (SELECT COUNT(*) FROM errand) AS asked, \
        (SELECT COUNT(*) FROM errand_effect) AS effects, \
        (SELECT COUNT(*) FROM errand WHERE NOT EXISTS \
            (SELECT 1 FROM errand_effect WHERE errand_id = errand.id)) AS undone, \
        (SELECT COUNT(*) FROM (SELECT errand_id FROM errand_effect GROUP BY errand_id HAVING COUNT(*) > 1) d) AS doubled, \
        (SELECT COUNT(*) FROM errand_effect WHERE attempt > 1) AS repeated, \
        (SELECT COUNT(*) FROM job WHERE name = 'errand' AND status <> 'done') AS open";
    q!(db.read, fetch_one, SELECT)
}
