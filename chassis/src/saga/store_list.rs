//! Lists, counts and the removal of old sagas.

use super::machine::Phase;
use super::record::SagaRecord;
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError};
use crate::q;
use uuid::Uuid;

/// Sagas that are removed in one transaction.
const REMOVED_AT_ONCE: i64 = 500;
/// More than this are not counted: it would take long, and nobody needs to know.
const COUNTED: i64 = 100_000;

/// Which sagas a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that workers go on with; the one that is due first comes first.
    Open,
    /// Those for which somebody must decide; the newest comes first.
    Stuck,
    /// Those that are done or compensated; the newest comes first.
    Ended,
}

/// Where a list goes on: behind this saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// Its time in the list's order: `due_at` of open ones, `updated_at` of others.
    pub at: Ts,
    /// Its id.
    pub id: Uuid,
}

const COLUMNS: &str = "id, name, version, plan, state, back, step, done, unsure, attempts, params, memory, failure, \
     stuck_reason, last_error, fence, moves, owner, due_at, deadline_at, traceparent, correlation_id, created_at, updated_at";

pub(super) async fn list(
    db: &Db,
    which: Which,
    name: Option<&str>,
    after: Option<After>,
    most: i64,
) -> Result<Vec<SagaRecord>, DbError> {
    let (column, states, order, beyond) = match which {
        Which::Open => ("due_at", "IN ('running', 'compensating')", "", ">"),
        Which::Stuck => ("updated_at", "= 'stuck'", "DESC", "<"),
        Which::Ended => ("updated_at", "IN ('done', 'compensated')", "DESC", "<"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM saga WHERE state {states} AND ($1 IS NULL OR name = $1)
             AND ($2 IS NULL OR ({column}, id) {beyond} ($2, $3))
         ORDER BY {column} {order}, id {order} LIMIT $4"
    );
    let (at, id) = (after.map(|after| after.at), after.map(|after| after.id));
    q!(db.read, fetch_all, AssertSqlSafe(sql), name, at, id, most)
}

/// How many sagas of each flow are in each state that is not an end.
pub(super) async fn count(db: &Db) -> Result<Vec<(String, Phase, i64)>, DbError> {
    let sql = "SELECT name, state, count(*) FROM (
                   SELECT name, state FROM saga WHERE state IN ('running', 'compensating')
                   UNION ALL SELECT name, state FROM saga WHERE state = 'stuck'
                   LIMIT $1) AS unended
               GROUP BY name, state";
    let rows: Vec<(String, String, i64)> = q!(db.read, fetch_all, sql, COUNTED)?;
    let known = |(name, state, count): (String, String, i64)| Some((name, state.parse().ok()?, count));
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Removes some of those that ended before `before`, with their logs. Says how many.
pub(super) async fn remove_ended(db: &Db, before: Ts) -> Result<u64, DbError> {
    let mut t = db.begin().await?;
    let old = "SELECT id FROM saga WHERE state IN ('done', 'compensated') AND updated_at < $1
               ORDER BY updated_at, id LIMIT $2";
    let logs = format!("DELETE FROM saga_step WHERE saga_id IN ({old})");
    q!(t.tx, execute, AssertSqlSafe(logs), before, REMOVED_AT_ONCE)?;
    let sagas = format!("DELETE FROM saga WHERE id IN ({old})");
    let removed = q!(t.tx, execute, AssertSqlSafe(sagas), before, REMOVED_AT_ONCE)?;
    t.commit().await?;
    Ok(removed)
}
