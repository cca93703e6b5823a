//! What organisations allow.

use crate::domain::viewer::Rules;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::events::EventRules;
use contract::ids::{OrganizationId, UserId};
use uuid::Uuid;

/// The rules of an organisation, as they are shown.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, organization: OrganizationId) -> Result<EventRules, DbError> {
    const SELECT: &str = "SELECT own_decisions, set_by, set_at FROM event_rules WHERE organization_id = $1";
    let row: Option<(bool, Uuid, Ts)> = q!(db.read, fetch_optional, SELECT, organization.uuid())?;
    Ok(match row {
        Some((own_decisions, by, at)) => {
            let (set_by, set_at) = (Some(UserId(by)), Some(at.to_datetime()));
            EventRules { organization_id: organization, own_decisions, set_by, set_at }
        }
        None => {
            let Rules { own_decisions } = Rules::default();
            EventRules { organization_id: organization, own_decisions, set_by: None, set_at: None }
        }
    })
}

/// The rules of an organisation, as a decision needs them.
///
/// # Errors
/// When the database fails.
pub async fn of(tx: &mut Tx, organization: OrganizationId) -> Result<Rules, DbError> {
    const SELECT: &str = "SELECT own_decisions FROM event_rules WHERE organization_id = $1";
    let row: Option<(bool,)> = q!(tx.tx, fetch_optional, SELECT, organization.uuid())?;
    Ok(row.map_or_else(Rules::default, |(own_decisions,)| Rules { own_decisions }))
}

/// Sets the rules of an organisation.
///
/// # Errors
/// When the database fails.
pub async fn set(
    tx: &mut Tx,
    organization: OrganizationId,
    rules: Rules,
    by: UserId,
    now: Ts,
) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO event_rules (organization_id, own_decisions, set_by, set_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (organization_id) DO UPDATE SET own_decisions = excluded.own_decisions, set_by = excluded.set_by, \
        set_at = excluded.set_at";
    q!(tx.tx, execute, UPSERT, organization.uuid(), rules.own_decisions, by.uuid(), now).map(|_| ())
}
