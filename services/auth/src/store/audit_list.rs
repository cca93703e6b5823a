//! The audit log as an administrator reads it.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Cursor, cut_page};
use contract::auth::{AuditAction, AuditEntry, ListAudit};
use contract::ids::{AuditId, OrganizationId, SessionId, UserId};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    at: Ts,
    action: String,
    actor_id: Option<Uuid>,
    user_id: Option<Uuid>,
    session_id: Option<Uuid>,
    organization_id: Option<Uuid>,
    ip: Option<String>,
    correlation_id: Option<String>,
    details: Json<Value>,
}

impl Row {
    const fn cursor(&self) -> Cursor {
        Cursor { at: self.at, id: self.id }
    }
}

impl TryFrom<Row> for AuditEntry {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: AuditId(row.id),
            at: row.at.to_datetime(),
            action: AuditAction::parse(&row.action).ok_or_else(|| corrupt("an action"))?,
            actor: row.actor_id.map(UserId),
            user: row.user_id.map(UserId),
            session: row.session_id.map(SessionId),
            organization: row.organization_id.map(OrganizationId),
            ip: row.ip,
            correlation_id: row.correlation_id,
            details: row.details.0,
        })
    }
}

/// The condition of the filters that are set; a parameter that none of them uses is bound and left alone.
fn condition(filter: &ListAudit, after: Option<Cursor>) -> String {
    let mut all = vec!["1 = 1"];
    if filter.action.is_some() {
        all.push("action = $1");
    }
    if filter.user.is_some() {
        all.push("user_id = $2");
    }
    if filter.from.is_some() {
        all.push("at >= $3");
    }
    if filter.to.is_some() {
        all.push("at < $4");
    }
    if after.is_some() {
        all.push("(at, id) < ($5, $6)");
    }
    all.join(" AND ")
}

/// The lines that the filter lets through, the newest first, from behind `after`, at most as many as it says; and where
/// the page after them begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list_before(
    db: &Db,
    filter: &ListAudit,
    after: Option<Cursor>,
) -> Result<(Vec<AuditEntry>, Option<Cursor>), DbError> {
    let select = format!(
        "SELECT id, at, action, actor_id, user_id, session_id, organization_id, ip, correlation_id, details \
         FROM audit_log WHERE {} ORDER BY at DESC, id DESC LIMIT $7",
        condition(filter, after)
    );
    let action = filter.action.map(AuditAction::as_str);
    let user = filter.user.map(UserId::uuid);
    let (from, to) = (filter.from.map(Ts::from_datetime), filter.to.map(Ts::from_datetime));
    let (at, id) = (after.map(|after| after.at), after.map(|after| after.id));
    // One more than is shown, which tells whether a page follows.
    let limit = i64::from(filter.limit) + 1;
    let rows: Vec<Row> =
        q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), action, user, from, to, at, id, limit)?;
    let (rows, next) = cut_page(rows, filter.limit, Row::cursor);
    let entries = rows.into_iter().map(AuditEntry::try_from).collect::<Result<_, _>>()?;
    Ok((entries, next))
}
