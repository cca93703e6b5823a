//! Incidents, one by one.

use super::corrupt;
use crate::domain::incident::PLATFORM;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use contract::ids::{IncidentId, UserId};
use contract::status::{Impact, Incident, IncidentOrigin, IncidentStatus, IncidentUpdate};
use sqlx::types::Json;
use uuid::Uuid;

/// An incident as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub id: IncidentId,
    /// What it is about, when it was opened automatically.
    pub subject: Option<String>,
    /// What opened it.
    pub origin: IncidentOrigin,
    /// Whether it ends by itself.
    pub automatic: bool,
    /// One line about it.
    pub title: String,
    /// How much does not work.
    pub impact: Impact,
    /// How far the work on it is.
    pub status: IncidentStatus,
    /// The services that it is about.
    pub services: Vec<String>,
    /// When it was opened.
    pub opened_at: Ts,
    /// When it was over.
    pub resolved_at: Option<Ts>,
    /// Who said that it is over.
    pub resolved_by: Option<UserId>,
    /// Its version.
    pub version: i64,
}

impl Kept {
    /// As staff sees it.
    #[must_use]
    pub fn with(self, updates: Vec<IncidentUpdate>) -> Incident {
        Incident {
            id: self.id,
            title: self.title,
            impact: self.impact,
            status: self.status,
            services: self.services,
            origin: self.origin,
            automatic: self.automatic,
            updates,
            opened_at: self.opened_at.to_datetime(),
            resolved_at: self.resolved_at.map(Ts::to_datetime),
            version: self.version,
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    subject: Option<String>,
    origin: String,
    automatic: i64,
    title: String,
    impact: String,
    status: String,
    services: Json<Vec<String>>,
    pub(super) opened_at: Ts,
    resolved_at: Option<Ts>,
    resolved_by: Option<Uuid>,
    version: i64,
}

impl TryFrom<Row> for Kept {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: IncidentId(row.id),
            subject: row.subject,
            origin: IncidentOrigin::parse(&row.origin).ok_or_else(|| corrupt("the origin"))?,
            automatic: row.automatic != 0,
            title: row.title,
            impact: Impact::parse(&row.impact).ok_or_else(|| corrupt("the impact"))?,
            status: IncidentStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            services: row.services.0,
            opened_at: row.opened_at,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by.map(UserId),
            version: row.version,
        })
    }
}

macro_rules! columns {
    () => {
        "id, subject, origin, automatic, title, impact, status, services, opened_at, resolved_at, resolved_by, version"
    };
}
pub(super) use columns;

/// Adds an incident. `false` when there is an open one of its subject already.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &Kept) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO incident (id, subject, origin, automatic, title, impact, status, services, opened_at, \
        resolved_at, resolved_by, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
        ON CONFLICT DO NOTHING";
    let inserted = q!(
        t.tx,
        execute,
        INSERT,
        new.id.uuid(),
        &new.subject,
        new.origin.as_str(),
        i64::from(new.automatic),
        &new.title,
        new.impact.as_str(),
        new.status.as_str(),
        Json(&new.services),
        new.opened_at,
        new.resolved_at,
        new.resolved_by.map(UserId::uuid),
        new.version
    )?;
    Ok(inserted == 1)
}

/// Keeps a held incident as it is now.
///
/// # Errors
/// When the database fails.
pub async fn replace(t: &mut Tx, new: &Kept) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE incident SET automatic = $2, title = $3, impact = $4, status = $5, services = $6, \
        resolved_at = $7, resolved_by = $8, version = $9 WHERE id = $1";
    q!(
        t.tx,
        execute,
        UPDATE,
        new.id.uuid(),
        i64::from(new.automatic),
        &new.title,
        new.impact.as_str(),
        new.status.as_str(),
        Json(&new.services),
        new.resolved_at,
        new.resolved_by.map(UserId::uuid),
        new.version
    )
    .map(|_| ())
}

/// An incident, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold(t: &mut Tx, id: IncidentId) -> Result<Option<Kept>, DbError> {
    const HOLD: &str = concat!("UPDATE incident SET version = version WHERE id = $1 RETURNING ", columns!());
    let row: Option<Row> = q!(t.tx, fetch_optional, HOLD, id.uuid())?;
    row.map(Kept::try_from).transpose()
}

/// The open incident of a subject, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold_open_of(t: &mut Tx, subject: &str) -> Result<Option<Kept>, DbError> {
    const HOLD: &str = concat!(
        "UPDATE incident SET version = version WHERE subject = $1 AND resolved_at IS NULL RETURNING ",
        columns!()
    );
    let row: Option<Row> = q!(t.tx, fetch_optional, HOLD, subject)?;
    row.map(Kept::try_from).transpose()
}

/// When a person last said that an incident of a subject is over.
///
/// # Errors
/// When the database fails.
pub async fn last_ended_by_person(t: &mut Tx, subject: &str) -> Result<Option<Ts>, DbError> {
    const SELECT: &str = "SELECT resolved_at FROM incident WHERE subject = $1 AND resolved_by IS NOT NULL \
        AND resolved_at IS NOT NULL ORDER BY resolved_at DESC LIMIT 1";
    let row: Option<(Ts,)> = q!(t.tx, fetch_optional, SELECT, subject)?;
    Ok(row.map(|(at,)| at))
}

/// The subjects of open incidents and of critical alerts that fire, in order.
///
/// # Errors
/// When the database fails.
pub async fn subjects(t: &mut Tx) -> Result<Vec<String>, DbError> {
    const SELECT: &str = "SELECT subject FROM incident WHERE resolved_at IS NULL AND subject IS NOT NULL UNION \
        SELECT COALESCE(service, $1) FROM alert WHERE status = 'FIRING' AND severity = 'CRITICAL'";
    let mut rows: Vec<(String,)> = q!(t.tx, fetch_all, SELECT, PLATFORM)?;
    // In our own order: that of a database depends on its language.
    rows.sort_unstable();
    Ok(rows.into_iter().map(|(subject,)| subject).collect())
}

/// Adds what is said about a held incident.
///
/// # Errors
/// When the database fails.
pub async fn add_update(t: &mut Tx, id: IncidentId, update: &IncidentUpdate) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO incident_update (id, incident_id, status, text, at, user_id) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    q!(
        t.tx,
        execute,
        INSERT,
        Uuid::now_v7(),
        id.uuid(),
        update.status.as_str(),
        &update.text,
        Ts::from_datetime(update.at),
        update.by.map(UserId::uuid)
    )
    .map(|_| ())
}

/// An incident.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: IncidentId) -> Result<Option<Kept>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM incident WHERE id = $1");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    row.map(Kept::try_from).transpose()
}

#[derive(sqlx::FromRow)]
pub(super) struct UpdateRow {
    pub(super) incident_id: Uuid,
    status: String,
    text: String,
    at: Ts,
    user_id: Option<Uuid>,
}

impl TryFrom<UpdateRow> for IncidentUpdate {
    type Error = DbError;

    fn try_from(row: UpdateRow) -> Result<Self, DbError> {
        let status = IncidentStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?;
        Ok(Self { status, text: row.text, at: row.at.to_datetime(), by: row.user_id.map(UserId) })
    }
}

const UPDATES: &str = "SELECT incident_id, status, text, at, user_id FROM incident_update WHERE incident_id = $1 \
    ORDER BY at DESC, id DESC LIMIT 200";

/// What was said about an incident, the newest first, two hundred at most.
///
/// # Errors
/// When the database fails.
pub async fn updates(db: &Db, id: IncidentId) -> Result<Vec<IncidentUpdate>, DbError> {
    let rows: Vec<UpdateRow> = q!(db.read, fetch_all, UPDATES, id.uuid())?;
    rows.into_iter().map(IncidentUpdate::try_from).collect()
}

/// The same inside a transaction.
///
/// # Errors
/// When the database fails.
pub async fn updates_now(t: &mut Tx, id: IncidentId) -> Result<Vec<IncidentUpdate>, DbError> {
    let rows: Vec<UpdateRow> = q!(t.tx, fetch_all, UPDATES, id.uuid())?;
    rows.into_iter().map(IncidentUpdate::try_from).collect()
}

/// Removes incidents that were over before `before`, with what was said about them. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn remove_old(t: &mut Tx, before: Ts) -> Result<u64, DbError> {
    let delete = format!(
        "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE resolved_at < $1 ORDER BY id LIMIT 500 {})",
        t.skip_locked()
    );
    q!(t.tx, execute, AssertSqlSafe(delete.as_str()), before)
}
