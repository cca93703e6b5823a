//! Alerts as they come in.

use super::corrupt;
use crate::domain::alert::Standing;
use crate::domain::incident::Firing;
use crate::domain::told::Told;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, DbError, Tx, q};
use contract::ids::AlertId;
use contract::status::{AlertStatus, Severity};
use sqlx::types::Json;
use uuid::Uuid;

/// Adds an alert that nobody has heard of. `false` when somebody has.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, id: AlertId, told: &Told, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO alert (id, fingerprint, name, severity, status, service, summary, description, \
        public_summary, labels, starts_at, ends_at, fired, received, first_received_at, last_received_at, changed_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, 1, $13, $13, $13) \
        ON CONFLICT (fingerprint) DO NOTHING";
    let inserted = q!(
        t.tx,
        execute,
        INSERT,
        id.uuid(),
        &told.fingerprint,
        &told.name,
        told.severity.as_str(),
        told.status.as_str(),
        &told.service,
        &told.summary,
        &told.description,
        &told.public_summary,
        Json(&told.labels),
        told.starts_at,
        told.ends_at,
        now
    )?;
    Ok(inserted == 1)
}

/// An alert that is held.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Which.
    pub id: AlertId,
    /// How it stands.
    pub standing: Standing,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    status: String,
    starts_at: Ts,
    changed_at: Ts,
    expired: i64,
}

/// Notes that an alert was sent again, and holds it until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hear_again(t: &mut Tx, fingerprint: &str, now: Ts) -> Result<Option<Held>, DbError> {
    const HOLD: &str = "UPDATE alert SET received = received + 1, last_received_at = $2 WHERE fingerprint = $1 \
        RETURNING id, status, starts_at, changed_at, expired";
    let row: Option<Row> = q!(t.tx, fetch_optional, HOLD, fingerprint, now)?;
    row.map(|row| {
        let status = AlertStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?;
        let Row { starts_at, changed_at, expired, .. } = row;
        let standing = Standing { status, starts_at, changed_at, expired: expired != 0 };
        Ok(Held { id: AlertId(row.id), standing })
    })
    .transpose()
}

/// Writes how a held alert stands now, and what is said about it. `again` is 1 when another time of it has begun.
///
/// # Errors
/// When the database fails.
pub async fn replace(t: &mut Tx, id: AlertId, told: &Told, again: i64, now: Ts) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE alert SET name = $2, severity = $3, status = $4, service = $5, summary = $6, \
        description = $7, public_summary = $8, labels = $9, starts_at = $10, ends_at = $11, fired = fired + $12, \
        changed_at = $13, expired = 0 WHERE id = $1";
    q!(
        t.tx,
        execute,
        UPDATE,
        id.uuid(),
        &told.name,
        told.severity.as_str(),
        told.status.as_str(),
        &told.service,
        &told.summary,
        &told.description,
        &told.public_summary,
        Json(&told.labels),
        told.starts_at,
        told.ends_at,
        again,
        now
    )
    .map(|_| ())
}

/// Writes what is said about a held alert, which stands as it did.
///
/// # Errors
/// When the database fails.
pub async fn reword(t: &mut Tx, id: AlertId, told: &Told) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE alert SET summary = $2, description = $3, public_summary = $4 WHERE id = $1";
    q!(t.tx, execute, UPDATE, id.uuid(), &told.summary, &told.description, &told.public_summary).map(|_| ())
}

/// A step of an alert.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// What it came to.
    pub status: AlertStatus,
    /// Of which time.
    pub starts_at: Ts,
    /// When, as the sender says.
    pub at: Ts,
    /// Whether nobody said so.
    pub expired: bool,
}

/// Adds a step to the history of a held alert.
///
/// # Errors
/// When the database fails.
pub async fn add_change(t: &mut Tx, id: AlertId, change: Change, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO alert_change (id, alert_id, status, starts_at, at, received_at, expired) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let Change { status, starts_at, at, expired } = change;
    q!(
        t.tx,
        execute,
        INSERT,
        Uuid::now_v7(),
        id.uuid(),
        status.as_str(),
        starts_at,
        at,
        now,
        i64::from(expired)
    )
    .map(|_| ())
}

/// Whether the end of an earlier time of a held alert is in its history.
///
/// # Errors
/// When the database fails.
pub async fn knows_end(t: &mut Tx, id: AlertId, starts_at: Ts) -> Result<bool, DbError> {
    const COUNT: &str =
        "SELECT count(*) FROM alert_change WHERE alert_id = $1 AND starts_at = $2 AND status = 'RESOLVED'";
    let known: i64 = q!(t.tx, scalar, COUNT, id.uuid(), starts_at)?;
    Ok(known > 0)
}

/// The critical alerts of a service that fire, or those of no service: since when the oldest does, and what the newest says to
/// everybody.
///
/// # Errors
/// When the database fails.
pub async fn critical(t: &mut Tx, service: Option<&str>) -> Result<Option<Firing>, DbError> {
    const OF_SERVICE: &str = "SELECT changed_at, public_summary FROM alert \
        WHERE status = 'FIRING' AND severity = 'CRITICAL' AND service = $1 ORDER BY changed_at, id LIMIT 100";
    const OF_NONE: &str = "SELECT changed_at, public_summary FROM alert \
        WHERE status = 'FIRING' AND severity = 'CRITICAL' AND service IS NULL ORDER BY changed_at, id LIMIT 100";
    let rows: Vec<(Ts, Option<String>)> = match service {
        Some(service) => q!(t.tx, fetch_all, OF_SERVICE, service)?,
        None => q!(t.tx, fetch_all, OF_NONE)?,
    };
    let since = rows.first().map(|(since, _)| *since);
    let said = rows.into_iter().rev().find_map(|(_, said)| said);
    Ok(since.map(|since| Firing { since, public_summary: said }))
}

/// An alert that ended because nobody spoke of it.
#[derive(Debug, sqlx::FromRow)]
pub struct Expired {
    id: Uuid,
    /// Its name.
    pub name: String,
    severity: String,
    /// The service that it was about.
    pub service: Option<String>,
    /// Since when it fired.
    pub starts_at: Ts,
    /// When it was last heard of.
    pub last_received_at: Ts,
}

impl Expired {
    /// Which.
    #[must_use]
    pub const fn id(&self) -> AlertId {
        AlertId(self.id)
    }

    /// How bad it was.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::parse(&self.severity).unwrap_or(Severity::Warning)
    }
}

/// Ends alerts that fire and were last heard of before `before`, a hundred at most.
///
/// # Errors
/// When the database fails.
pub async fn expire(t: &mut Tx, before: Ts, now: Ts) -> Result<Vec<Expired>, DbError> {
    let expire = format!(
        "UPDATE alert SET status = 'RESOLVED', ends_at = last_received_at, changed_at = $2, expired = 1 WHERE id IN \
         (SELECT id FROM alert WHERE status = 'FIRING' AND last_received_at < $1 ORDER BY fingerprint LIMIT 100 {}) \
         RETURNING id, name, severity, service, starts_at, last_received_at",
        t.skip_locked()
    );
    q!(t.tx, fetch_all, AssertSqlSafe(expire.as_str()), before, now)
}

/// Removes alerts that do not fire and were last heard of before `before`, with their history. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(t: &mut Tx, before: Ts) -> Result<u64, DbError> {
    let delete = format!(
        "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE status = 'RESOLVED' AND last_received_at < $1 \
         ORDER BY fingerprint LIMIT 500 {})",
        t.skip_locked()
    );
    q!(t.tx, execute, AssertSqlSafe(delete.as_str()), before)
}

/// Removes steps that were heard before `before`, whatever became of their alert. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn remove_old_changes(t: &mut Tx, before: Ts) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM alert_change WHERE id IN \
        (SELECT id FROM alert_change WHERE received_at < $1 ORDER BY id LIMIT 500)";
    q!(t.tx, execute, DELETE, before)
}
