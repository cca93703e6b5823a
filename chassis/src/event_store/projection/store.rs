//! Who works on a projection, and how far its generations are.

use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Tx};
use crate::q;
use serde::Serialize;
use uuid::Uuid;

/// What a generation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GenerationState {
    /// It is read.
    Live,
    /// It is being built beside the live one.
    Building,
    /// Another has taken its place; it is about to be removed.
    Retired,
}

impl GenerationState {
    /// Its text in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Building => "building",
            Self::Retired => "retired",
        }
    }
}

impl TryFrom<String> for GenerationState {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let all = [Self::Live, Self::Building, Self::Retired];
        all.into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("no such state of a generation: {text}"))
    }
}

/// How far a generation of a projection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionStatus {
    /// The projection.
    pub name: String,
    /// Which build of it.
    pub generation: i64,
    /// The projection's version that it was built with.
    pub version: i64,
    /// What it is for.
    #[sqlx(try_from = "String")]
    pub state: GenerationState,
    /// The position of the last event that it has taken in.
    pub position: i64,
    /// How many positions there are behind it. Some may be of transactions that were rolled back.
    pub lag: i64,
    /// When the first event that it has not taken in was appended.
    pub waiting_since: Option<Ts>,
    /// Failed tries at the next event.
    pub failures: i64,
    /// Why the last try failed.
    pub error: Option<String>,
    /// When it is tried again.
    pub retry_at: Option<Ts>,
}

const STATUS: &str = "SELECT g.name, g.generation, g.version, g.state, g.position, g.failures, g.error, g.retry_at, \
    CASE WHEN head.position > g.position THEN head.position - g.position ELSE 0 END AS lag, \
    (SELECT e.at FROM event_store e WHERE e.position > g.position ORDER BY e.position LIMIT 1) AS waiting_since \
    FROM projection_generation g \
    CROSS JOIN (SELECT COALESCE(max(position), 0) AS position FROM event_store) head";

/// All generations of all projections.
pub(in crate::event_store) async fn statuses(db: &Db) -> Result<Vec<ProjectionStatus>, DbError> {
    let sql = format!("{STATUS} ORDER BY g.name, g.generation");
    q!(db.read, fetch_all, AssertSqlSafe(sql))
}

/// The generations of a projection, oldest first.
pub(super) async fn generations(db: &Db, name: &str) -> Result<Vec<ProjectionStatus>, DbError> {
    let sql = format!("{STATUS} WHERE g.name = $1 ORDER BY g.generation");
    q!(db.read, fetch_all, AssertSqlSafe(sql), name)
}

/// Makes a projection known. Nobody owns it yet.
pub(super) async fn introduce(db: &Db, name: &str, now: Ts) -> Result<(), DbError> {
    const INSERT: &str =
        "INSERT INTO projection (name, leased_until) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    q!(db.write, execute, INSERT, name, now).map(|_| ())
}

/// Until when a projection is somebody's.
pub(super) async fn leased_until(db: &Db, name: &str) -> Result<Ts, DbError> {
    q!(db.read, scalar, "SELECT leased_until FROM projection WHERE name = $1", name)
}

/// Takes a projection whose lease has run out, and returns the fence of the new owner.
pub(super) async fn claim(
    db: &Db,
    name: &str,
    owner: Uuid,
    now: Ts,
    until: Ts,
) -> Result<Option<i64>, DbError> {
    const UPDATE: &str = "UPDATE projection SET owner = $2, fence = fence + 1, leased_until = $4 \
        WHERE name = $1 AND leased_until <= $3 RETURNING fence";
    let claimed: Option<(i64,)> = q!(db.write, fetch_optional, UPDATE, name, owner, now, until)?;
    Ok(claimed.map(|(fence,)| fence))
}

/// Prolongs a lease; `false` when the projection has another owner. In a transaction it keeps others from taking over
/// until that ends.
pub(super) async fn prolong(t: &mut Tx, name: &str, fence: i64, until: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE projection SET leased_until = $3 WHERE name = $1 AND fence = $2";
    Ok(q!(t.tx, execute, UPDATE, name, fence, until)? == 1)
}

/// Gives a lease back.
pub(super) async fn release(db: &Db, name: &str, fence: i64, now: Ts) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE projection SET owner = NULL, leased_until = $3 WHERE name = $1 AND fence = $2";
    q!(db.write, execute, UPDATE, name, fence, now).map(|_| ())
}

/// Adds the next generation, unless there is one in this state. Says whether it did.
pub(super) async fn add_generation(
    t: &mut Tx,
    name: &str,
    version: i64,
    state: GenerationState,
    now: Ts,
) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO projection_generation (name, generation, version, state, changed_at) \
        SELECT $1, (SELECT COALESCE(max(generation), 0) + 1 FROM projection_generation WHERE name = $1), $2, $3, $4 \
        WHERE NOT EXISTS (SELECT 1 FROM projection_generation WHERE name = $1 AND state = $3) \
        ON CONFLICT DO NOTHING";
    Ok(q!(t.tx, execute, INSERT, name, version, state.as_str(), now)? == 1)
}

/// Asks for a build beside the live generation, of the same version.
pub(in crate::event_store) async fn rebuild(t: &mut Tx, name: &str, now: Ts) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT version FROM projection_generation WHERE name = $1 AND state = 'live'";
    let live: Option<(i64,)> = q!(t.tx, fetch_optional, SELECT, name)?;
    let Some((version,)) = live else { return Ok(false) };
    add_generation(t, name, version, GenerationState::Building, now).await
}

/// Notes that a generation has taken in everything up to a position.
pub(super) async fn advance(
    t: &mut Tx,
    name: &str,
    generation: i64,
    position: i64,
    now: Ts,
) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE projection_generation \
        SET position = $3, failures = 0, error = NULL, retry_at = NULL, changed_at = $4 \
        WHERE name = $1 AND generation = $2";
    q!(t.tx, execute, UPDATE, name, generation, position, now).map(|_| ())
}

/// Notes that the next event could not be taken in.
pub(super) async fn fail(
    t: &mut Tx,
    name: &str,
    generation: i64,
    error: &str,
    retry_at: Ts,
    now: Ts,
) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE projection_generation \
        SET failures = failures + 1, error = $3, retry_at = $4, changed_at = $5 WHERE name = $1 AND generation = $2";
    q!(t.tx, execute, UPDATE, name, generation, error, retry_at, now).map(|_| ())
}

/// Puts a generation in the place of the live one. `false` when it has not come as far as that yet.
pub(super) async fn switch(t: &mut Tx, name: &str, generation: i64, now: Ts) -> Result<bool, DbError> {
    const RETIRE: &str = "UPDATE projection_generation SET state = 'retired', error = NULL, retry_at = NULL, \
        changed_at = $3 WHERE name = $1 AND state = 'live' AND position <= \
        (SELECT position FROM projection_generation WHERE name = $1 AND generation = $2)";
    if q!(t.tx, execute, RETIRE, name, generation, now)? == 0 {
        return Ok(false);
    }
    const GO_LIVE: &str = "UPDATE projection_generation SET state = 'live', changed_at = $3 WHERE name = $1 AND generation = $2";
    q!(t.tx, execute, GO_LIVE, name, generation, now).map(|_| true)
}

/// Gives a generation up that newer code does not go on with.
pub(super) async fn retire(t: &mut Tx, name: &str, generation: i64, now: Ts) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE projection_generation SET state = 'retired', changed_at = $3 WHERE name = $1 AND generation = $2";
    q!(t.tx, execute, UPDATE, name, generation, now).map(|_| ())
}

/// Removes the row of a generation.
pub(super) async fn remove(t: &mut Tx, name: &str, generation: i64) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM projection_generation WHERE name = $1 AND generation = $2";
    q!(t.tx, execute, DELETE, name, generation).map(|_| ())
}
