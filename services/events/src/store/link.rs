//! Calendar feeds: one for each person and organisation.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::events::CalendarLink;
use contract::ids::{CalendarLinkId, OrganizationId, UserId};
use uuid::Uuid;

/// Makes a feed, in the place of the one that the person had for the organisation.
///
/// # Errors
/// When the database fails.
pub async fn put(tx: &mut Tx, user: UserId, link: &CalendarLink, hash: &[u8]) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO calendar_link (id, user_id, organization_id, token_hash, created_at) \
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id, organization_id) DO UPDATE SET id = excluded.id, \
        token_hash = excluded.token_hash, created_at = excluded.created_at";
    let (id, organization) = (link.id.uuid(), link.organization_id.uuid());
    let at = Ts::from_datetime(link.created_at);
    q!(tx.tx, execute, UPSERT, id, user.uuid(), organization, hash, at).map(|_| ())
}

/// Whose feed has a secret of this hash, and of which organisation it is.
///
/// # Errors
/// When the database fails.
pub async fn find_by_hash(db: &Db, hash: &[u8]) -> Result<Option<(UserId, OrganizationId)>, DbError> {
    const SELECT: &str = "SELECT user_id, organization_id FROM calendar_link WHERE token_hash = $1";
    let row: Option<(Uuid, Uuid)> = q!(db.read, fetch_optional, SELECT, hash)?;
    Ok(row.map(|(user, organization)| (UserId(user), OrganizationId(organization))))
}

/// The feeds of a person; there are no more than they have organisations.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(db: &Db, user: UserId) -> Result<Vec<CalendarLink>, DbError> {
    const SELECT: &str = "SELECT id, organization_id, created_at FROM calendar_link WHERE user_id = $1 ORDER BY organization_id";
    let rows: Vec<(Uuid, Uuid, Ts)> = q!(db.read, fetch_all, SELECT, user.uuid())?;
    let link = |(id, organization, at): (Uuid, Uuid, Ts)| CalendarLink {
        id: CalendarLinkId(id),
        organization_id: OrganizationId(organization),
        created_at: at.to_datetime(),
    };
    Ok(rows.into_iter().map(link).collect())
}

/// Ends a feed of a person. Tells whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_user(tx: &mut Tx, user: UserId, id: CalendarLinkId) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM calendar_link WHERE id = $1 AND user_id = $2";
    Ok(q!(tx.tx, execute, DELETE, id.uuid(), user.uuid())? == 1)
}

/// Ends the feed that a person has of an organisation, if they have one.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_member(
    tx: &mut Tx,
    user: UserId,
    organization: OrganizationId,
) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM calendar_link WHERE user_id = $1 AND organization_id = $2";
    q!(tx.tx, execute, DELETE, user.uuid(), organization.uuid()).map(|_| ())
}
