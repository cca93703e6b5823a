//! The history of events: a row for each version, which nobody ever changes.

use super::{Reach, corrupt};
use crate::domain::event::Step;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use chassis::http::Page;
use contract::events::{EventAction, EventStatus, FieldChange};
use contract::ids::{EventId, OrganizationId, UserId};
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    event_id: Uuid,
    version: i64,
    organization_id: Uuid,
    creator: Uuid,
    action: String,
    done_by: Uuid,
    done_at: Ts,
    status_before: Option<String>,
    status_after: Option<String>,
    reason: Option<String>,
    changes: Json<Vec<FieldChange>>,
}

impl TryFrom<Row> for Step {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let status = |text: Option<String>| {
            text.map(|text| EventStatus::parse(&text).ok_or_else(|| corrupt("a status"))).transpose()
        };
        Ok(Self {
            event: EventId(row.event_id),
            version: row.version,
            organization: OrganizationId(row.organization_id),
            creator: UserId(row.creator),
            action: EventAction::parse(&row.action).ok_or_else(|| corrupt("the action"))?,
            by: UserId(row.done_by),
            at: row.done_at,
            from: status(row.status_before)?,
            to: status(row.status_after)?,
            reason: row.reason,
            changes: row.changes.0,
        })
    }
}

macro_rules! columns {
    () => {
        "event_id, version, organization_id, creator, action, done_by, done_at, status_before, status_after, reason, changes"
    };
}

/// Adds a step. That there is one of this version already fails: two transactions have made the same version.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, step: &Step) -> Result<(), DbError> {
    const INSERT: &str = concat!(
        "INSERT INTO event_step (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    q!(
        tx.tx,
        execute,
        INSERT,
        step.event.uuid(),
        step.version,
        step.organization.uuid(),
        step.creator.uuid(),
        step.action.as_str(),
        step.by.uuid(),
        step.at,
        step.from.map(EventStatus::as_str),
        step.to.map(EventStatus::as_str),
        &step.reason,
        Json(&step.changes)
    )
    .map(|_| ())
}

/// Whose an event of these organisations is, and who made it; also of one that was removed.
///
/// # Errors
/// When the database fails.
pub async fn origin_within(
    db: &Db,
    reach: &Reach,
    id: EventId,
) -> Result<Option<(OrganizationId, UserId)>, DbError> {
    let condition = reach.condition(db.engine(), 2);
    let select = format!(
        "SELECT organization_id, creator FROM event_step WHERE event_id = $1 AND version = 1 AND {condition}"
    );
    let row: Option<(Uuid, Uuid)> =
        q!(db.read, fetch_optional, AssertSqlSafe(select.as_str()), id.uuid(), reach.list())?;
    Ok(row.map(|(organization, creator)| (OrganizationId(organization), UserId(creator))))
}

/// A page of the steps of an event, from the first on, and how many there are. Whether who asks may see them is known before.
///
/// # Errors
/// When the database fails.
pub async fn list_of_event(db: &Db, id: EventId, page: Page) -> Result<(Vec<Step>, u64), DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM event_step WHERE event_id = $1 ORDER BY version LIMIT $2 OFFSET $3"
    );
    const COUNT: &str = "SELECT COUNT(*) FROM event_step WHERE event_id = $1";
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, id.uuid(), i64::from(page.limit), page.offset())?;
    let total: i64 = q!(db.read, scalar, COUNT, id.uuid())?;
    let steps = rows.into_iter().map(Step::try_from).collect::<Result<_, _>>()?;
    Ok((steps, u64::try_from(total).unwrap_or_default()))
}

/// Removes the history of events that were removed before this time, so many events at most. Tells whether there were any.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_removed(db: &Db, before: Ts, most: i64) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM event_step WHERE event_id IN (SELECT event_id FROM event_step \
        WHERE action = 'DELETED' AND done_at < $1 ORDER BY done_at, event_id LIMIT $2)";
    Ok(q!(db.write, execute, DELETE, before, most)? > 0)
}
