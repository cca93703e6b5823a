//! Invitations to organisations, by the hash of their mailed token. One is open until it is accepted, withdrawn, replaced
//! or expired; a withdrawn one stays for a while as an expired one, so that it is known when the address was last mailed.

use super::corrupt;
use crate::domain::email::Email;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use chassis::http::Page;
use contract::auth;
use contract::identity::OrganizationRole;
use contract::ids::{InvitationId, OrganizationId, UserId};
use uuid::Uuid;

/// An invitation, open or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// The organisation.
    pub organization: OrganizationId,
    /// Who is invited.
    pub email: String,
    /// The role that they will have.
    pub role: OrganizationRole,
    /// Who invited them.
    pub invited_by: UserId,
    /// When.
    pub created_at: Ts,
    /// Until when it can be accepted.
    pub expires_at: Ts,
}

impl Invitation {
    /// What the managers of the organisation see.
    #[must_use]
    pub fn view(&self) -> auth::Invitation {
        auth::Invitation {
            id: self.id,
            organization_id: self.organization,
            email: self.email.clone(),
            role: self.role,
            invited_by: self.invited_by,
            created_at: self.created_at.to_datetime(),
            expires_at: self.expires_at.to_datetime(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    organization_id: Uuid,
    email: String,
    role: String,
    invited_by: Uuid,
    created_at: Ts,
    expires_at: Ts,
}

impl TryFrom<Row> for Invitation {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let Row { id, organization_id, email, role, invited_by, created_at, expires_at } = row;
        let role = OrganizationRole::parse(&role).ok_or_else(|| corrupt("a role"))?;
        let (id, organization) = (InvitationId(id), OrganizationId(organization_id));
        Ok(Self { id, organization, email, role, invited_by: UserId(invited_by), created_at, expires_at })
    }
}

macro_rules! columns {
    () => {
        "id, organization_id, email, role, invited_by, created_at, expires_at"
    };
}

/// Adds an invitation; the one that the address had from this organisation is replaced.
///
/// # Errors
/// When the database fails.
pub async fn upsert(tx: &mut Tx, invitation: &Invitation, hash: &[u8]) -> Result<(), DbError> {
    const UPSERT: &str = concat!(
        "INSERT INTO invitations (",
        columns!(),
        ", token_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (organization_id, email) DO UPDATE SET ",
        "id = excluded.id, role = excluded.role, invited_by = excluded.invited_by, ",
        "created_at = excluded.created_at, expires_at = excluded.expires_at, token_hash = excluded.token_hash"
    );
    let Invitation { id, organization, email, role, invited_by, created_at, expires_at } = invitation;
    let (id, organization, by) = (id.uuid(), organization.uuid(), invited_by.uuid());
    let role = role.as_str();
    q!(tx.tx, execute, UPSERT, id, organization, email, role, by, *created_at, *expires_at, hash)?;
    Ok(())
}

/// The last invitation of an address by this organisation, open or not.
///
/// # Errors
/// When the database fails.
pub async fn find_of_address(
    tx: &mut Tx,
    organization: OrganizationId,
    email: &Email,
) -> Result<Option<Invitation>, DbError> {
    const SELECT: &str =
        concat!("SELECT ", columns!(), " FROM invitations WHERE organization_id = $1 AND email = $2");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, organization.uuid(), email.as_str())?;
    row.map(Invitation::try_from).transpose()
}

/// An open invitation of this organisation.
///
/// # Errors
/// When the database fails.
pub async fn find_of_organization(
    tx: &mut Tx,
    organization: OrganizationId,
    id: InvitationId,
    now: Ts,
) -> Result<Option<Invitation>, DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invitations WHERE id = $1 AND organization_id = $2 AND expires_at > $3"
    );
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, id.uuid(), organization.uuid(), now)?;
    row.map(Invitation::try_from).transpose()
}

/// The open invitation of a token.
///
/// # Errors
/// When the database fails.
pub async fn find_by_hash(db: &Db, hash: &[u8], now: Ts) -> Result<Option<Invitation>, DbError> {
    const SELECT: &str =
        concat!("SELECT ", columns!(), " FROM invitations WHERE token_hash = $1 AND expires_at > $2");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, hash, now)?;
    row.map(Invitation::try_from).transpose()
}

/// A page of the open invitations of an organisation, the newest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list_open_of_organization(
    db: &Db,
    organization: OrganizationId,
    now: Ts,
    page: Page,
) -> Result<(Vec<Invitation>, u64), DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invitations WHERE organization_id = $1 AND expires_at > $2 ",
        "ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4"
    );
    const COUNT: &str = "SELECT COUNT(*) FROM invitations WHERE organization_id = $1 AND expires_at > $2";
    let (id, limit) = (organization.uuid(), i64::from(page.limit));
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, id, now, limit, page.offset())?;
    let total: i64 = q!(db.read, scalar, COUNT, id, now)?;
    let open = rows.into_iter().map(Invitation::try_from).collect::<Result<_, _>>()?;
    Ok((open, u64::try_from(total).unwrap_or_default()))
}

/// Uses a token up, for the one address that it was mailed to: of many that try at once, one gets the invitation.
/// `None` when it is unknown, used, withdrawn, replaced, expired, or somebody else's.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, hash: &[u8], email: &str, now: Ts) -> Result<Option<Invitation>, DbError> {
    const DELETE: &str = concat!(
        "DELETE FROM invitations WHERE token_hash = $1 AND email = $2 AND expires_at > $3 RETURNING ",
        columns!()
    );
    let row: Option<Row> = q!(tx.tx, fetch_optional, DELETE, hash, email, now)?;
    row.map(Invitation::try_from).transpose()
}

/// Withdraws an open invitation of this organisation. `false` when there is none.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(
    tx: &mut Tx,
    organization: OrganizationId,
    id: InvitationId,
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE invitations SET expires_at = $3 WHERE id = $1 AND organization_id = $2 AND expires_at > $3";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), organization.uuid(), now)? == 1)
}

/// Removes at most `limit` invitations that expired before `before`. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM invitations WHERE id IN \
        (SELECT id FROM invitations WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    q!(db.write, execute, DELETE, before, limit)
}
