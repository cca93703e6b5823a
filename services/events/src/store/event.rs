//! Events, one by one.

use super::{Reach, corrupt};
use crate::domain::content::Content;
use crate::domain::event::Event;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use chassis::words::fold;
use contract::events::EventStatus;
use contract::ids::{EventId, OrganizationId, UserId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    organization_id: Uuid,
    title: String,
    description: String,
    location: Option<String>,
    pub(super) start_at: Ts,
    end_at: Ts,
    pub(super) status: String,
    rejection_reason: Option<String>,
    created_by: Uuid,
    edited_by: Uuid,
    decided_by: Option<Uuid>,
    version: i64,
    pub(super) created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for Event {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let Row { title, description, location, start_at: start, end_at: end, .. } = row;
        Ok(Self {
            id: EventId(row.id),
            organization: OrganizationId(row.organization_id),
            content: Content { title, description, location, start, end },
            status: EventStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            reason: row.rejection_reason,
            creator: UserId(row.created_by),
            editor: UserId(row.edited_by),
            decider: row.decided_by.map(UserId),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

macro_rules! columns {
    () => {
        "id, organization_id, title, description, location, start_at, end_at, status, rejection_reason, created_by, \
         edited_by, decided_by, version, created_at, updated_at"
    };
}
pub(super) use columns;

/// Adds an event.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, event: &Event) -> Result<(), DbError> {
    const INSERT: &str = concat!(
        "INSERT INTO event (",
        columns!(),
        ", title_words, description_words) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    let content = &event.content;
    q!(
        tx.tx,
        execute,
        INSERT,
        event.id.uuid(),
        event.organization.uuid(),
        &content.title,
        &content.description,
        &content.location,
        content.start,
        content.end,
        event.status.as_str(),
        &event.reason,
        event.creator.uuid(),
        event.editor.uuid(),
        event.decider.map(UserId::uuid),
        event.version,
        event.created_at,
        event.updated_at,
        fold(&content.title),
        fold(&content.description)
    )
    .map(|_| ())
}

/// An event of these organisations.
///
/// # Errors
/// When the database fails.
pub async fn find_within(db: &Db, reach: &Reach, id: EventId) -> Result<Option<Event>, DbError> {
    let condition = reach.condition(db.engine(), 2);
    let select = format!(concat!("SELECT ", columns!(), " FROM event WHERE id = $1 AND {}"), condition);
    let row: Option<Row> =
        q!(db.read, fetch_optional, AssertSqlSafe(select.as_str()), id.uuid(), reach.list())?;
    row.map(Event::try_from).transpose()
}

/// An event of these organisations, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold_within(tx: &mut Tx, reach: &Reach, id: EventId) -> Result<Option<Event>, DbError> {
    let condition = reach.condition(tx.engine(), 2);
    let hold = format!(
        concat!("UPDATE event SET version = version WHERE id = $1 AND {} RETURNING ", columns!()),
        condition
    );
    let row: Option<Row> = q!(tx.tx, fetch_optional, AssertSqlSafe(hold.as_str()), id.uuid(), reach.list())?;
    row.map(Event::try_from).transpose()
}

/// Keeps an event as it is now, if it is still at the version before. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn replace(tx: &mut Tx, event: &Event) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE event SET version = $2, title = $3, description = $4, location = $5, start_at = $6, \
        end_at = $7, title_words = $8, description_words = $9, status = $10, rejection_reason = $11, edited_by = $12, \
        decided_by = $13, updated_at = $14 WHERE id = $1 AND version = $2 - 1";
    let content = &event.content;
    let replaced = q!(
        tx.tx,
        execute,
        UPDATE,
        event.id.uuid(),
        event.version,
        &content.title,
        &content.description,
        &content.location,
        content.start,
        content.end,
        fold(&content.title),
        fold(&content.description),
        event.status.as_str(),
        &event.reason,
        event.editor.uuid(),
        event.decider.map(UserId::uuid),
        event.updated_at
    )?;
    Ok(replaced == 1)
}

/// Removes an event, if it is still at this version. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, event: &Event) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM event WHERE id = $1 AND version = $2";
    Ok(q!(tx.tx, execute, DELETE, event.id.uuid(), event.version)? == 1)
}
