//! The audit log. Lines are added in the transaction of what they tell about, and never changed.

use crate::domain::audit::AuditEvent;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use contract::ids::AuditId;
use sqlx::types::Json;

/// Adds an event.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, event: &AuditEvent, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO audit_log (id, at, action, actor_id, user_id, session_id, organization_id, \
        ip, correlation_id, details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let AuditEvent { action, actor, user, session, organization, origin, details } = event;
    let ip = origin.ip.map(|ip| ip.to_string());
    q!(
        tx.tx,
        execute,
        INSERT,
        AuditId::new().uuid(),
        now,
        action.as_str(),
        actor.map(|id| id.uuid()),
        user.map(|id| id.uuid()),
        session.map(|id| id.uuid()),
        organization.map(|id| id.uuid()),
        &ip,
        &origin.correlation_id,
        Json(details)
    )?;
    Ok(())
}
