//! How the services are, and how they were.

use super::corrupt;
use crate::domain::uptime::{Found, Sums};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};

/// How a service was found last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// How.
    pub found: Found,
    /// Since when.
    pub since: Ts,
    /// When somebody looked.
    pub looked_at: Ts,
}

#[derive(sqlx::FromRow)]
struct Row {
    service: String,
    state: String,
    since: Ts,
    looked_at: Ts,
}

impl TryFrom<Row> for (String, Last) {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let found = Found::parse(&row.state).ok_or_else(|| corrupt("the state"))?;
        Ok((row.service, Last { found, since: row.since, looked_at: row.looked_at }))
    }
}

/// How a service was found last, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold(t: &mut Tx, service: &str) -> Result<Option<Last>, DbError> {
    const HOLD: &str = "UPDATE service_state SET looked_at = looked_at WHERE service = $1 \
        RETURNING service, state, since, looked_at";
    let row: Option<Row> = q!(t.tx, fetch_optional, HOLD, service)?;
    Ok(row.map(<(String, Last)>::try_from).transpose()?.map(|(_, last)| last))
}

/// How a service was found last. Not held: only who looks writes it, and a look comes again.
///
/// # Errors
/// When the database fails.
pub async fn find(t: &mut Tx, service: &str) -> Result<Option<Last>, DbError> {
    const SELECT: &str = "SELECT service, state, since, looked_at FROM service_state WHERE service = $1";
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, service)?;
    Ok(row.map(<(String, Last)>::try_from).transpose()?.map(|(_, last)| last))
}

/// Writes how a service was found.
///
/// # Errors
/// When the database fails.
pub async fn write(t: &mut Tx, service: &str, last: Last) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO service_state (service, state, since, looked_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (service) DO UPDATE SET state = excluded.state, since = excluded.since, looked_at = excluded.looked_at";
    let Last { found, since, looked_at } = last;
    q!(t.tx, execute, UPSERT, service, found.state().as_str(), since, looked_at).map(|_| ())
}

/// Adds to what is known of an hour.
///
/// # Errors
/// When the database fails.
pub async fn add(t: &mut Tx, service: &str, hour: i64, found: Found, ms: i64) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO service_hour (service, hour, up_ms, degraded_ms, down_ms) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT (service, hour) DO UPDATE SET up_ms = service_hour.up_ms + excluded.up_ms, \
        degraded_ms = service_hour.degraded_ms + excluded.degraded_ms, down_ms = service_hour.down_ms + excluded.down_ms";
    let of = |which| if found == which { ms } else { 0 };
    let (up, degraded, down) = (of(Found::Operational), of(Found::Degraded), of(Found::Down));
    q!(t.tx, execute, UPSERT, service, hour, up, degraded, down).map(|_| ())
}

/// How every service was found last.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<(String, Last)>, DbError> {
    const SELECT: &str = "SELECT service, state, since, looked_at FROM service_state";
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT)?;
    rows.into_iter().map(<(String, Last)>::try_from).collect()
}

/// What is known of each service in each span of `hours`, from the hour `from` on: the service, the span since 1970, and what
/// is known of it.
///
/// # Errors
/// When the database fails.
pub async fn known(db: &Db, from: i64, hours: i64) -> Result<Vec<(String, i64, Sums)>, DbError> {
    const SELECT: &str = "SELECT service, hour / $2 AS span, CAST(SUM(up_ms) AS BIGINT), \
        CAST(SUM(degraded_ms) AS BIGINT), CAST(SUM(down_ms) AS BIGINT) FROM service_hour WHERE hour >= $1 \
        GROUP BY service, span ORDER BY service, span";
    let rows: Vec<(String, i64, i64, i64, i64)> = q!(db.read, fetch_all, SELECT, from, hours)?;
    Ok(rows
        .into_iter()
        .map(|(name, span, up, degraded, down)| (name, span, Sums { up, degraded, down }))
        .collect())
}

/// Removes what is known of hours before `before`. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(t: &mut Tx, before: i64) -> Result<u64, DbError> {
    q!(t.tx, execute, "DELETE FROM service_hour WHERE hour < $1", before)
}
