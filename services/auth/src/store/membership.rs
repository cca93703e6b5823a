//! Memberships: who belongs to which organisation, and as what.

use super::corrupt;
use crate::domain::email::Email;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use chassis::http::Page;
use contract::auth::{ActiveMember, ListActiveMembers, Member};
use contract::identity::{Membership, OrganizationRole};
use contract::ids::{OrganizationId, UserId};
use uuid::Uuid;

/// A token has room for so many; the oldest memberships travel.
const IN_A_TOKEN: i64 = 50;

/// The memberships of a person for their token.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(tx: &mut Tx, user: UserId) -> Result<Vec<Membership>, DbError> {
    const SELECT: &str = "SELECT organization_id, role FROM memberships WHERE user_id = $1 \
        ORDER BY organization_id LIMIT $2";
    let rows: Vec<(Uuid, String)> = q!(tx.tx, fetch_all, SELECT, user.uuid(), IN_A_TOKEN)?;
    let membership =
        |(id, role): (Uuid, String)| Ok(Membership { id: OrganizationId(id), role: parse(&role)? });
    rows.into_iter().map(membership).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    email: String,
    display_name: Option<String>,
    role: String,
    created_at: Ts,
}

impl TryFrom<Row> for Member {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let Row { user_id, email, display_name, role, created_at } = row;
        let (user_id, role, joined_at) = (UserId(user_id), parse(&role)?, created_at.to_datetime());
        Ok(Self { user_id, email, display_name, role, joined_at })
    }
}

fn parse(role: &str) -> Result<OrganizationRole, DbError> {
    OrganizationRole::parse(role).ok_or_else(|| corrupt("a role"))
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.user_id, u.email, u.display_name, m.role, m.created_at FROM memberships m ",
            "JOIN users u ON u.id = m.user_id WHERE m.organization_id = $1 ",
            $rest
        )
    };
}

/// A page of the members of an organisation, the longest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list_of_organization(
    db: &Db,
    organization: OrganizationId,
    page: Page,
) -> Result<(Vec<Member>, u64), DbError> {
    const SELECT: &str = select!("ORDER BY m.created_at, m.user_id LIMIT $2 OFFSET $3");
    const COUNT: &str = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1";
    let (id, limit) = (organization.uuid(), i64::from(page.limit));
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, id, limit, page.offset())?;
    let total: i64 = q!(db.read, scalar, COUNT, id)?;
    let members = rows.into_iter().map(Member::try_from).collect::<Result<_, _>>()?;
    Ok((members, u64::try_from(total).unwrap_or_default()))
}

/// A member, as this transaction sees them.
///
/// # Errors
/// When the database fails.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<Member>, DbError> {
    const SELECT: &str = select!("AND m.user_id = $2");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, organization.uuid(), user.uuid())?;
    row.map(Member::try_from).transpose()
}

/// The role of a member whose account may be used.
///
/// # Errors
/// When the database fails.
pub async fn role_in_use(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<OrganizationRole>, DbError> {
    const SELECT: &str = select!("AND m.user_id = $2 AND u.status = 'active'");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, organization.uuid(), user.uuid())?;
    row.map(|row| parse(&row.role)).transpose()
}

/// Members whose accounts may be used and who have at least a role, by identifier, from behind one of them on.
///
/// # Errors
/// When the database fails.
pub async fn list_in_use(
    db: &Db,
    organization: OrganizationId,
    query: &ListActiveMembers,
) -> Result<Vec<ActiveMember>, DbError> {
    const SELECT: &str = "SELECT m.user_id, m.role FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 AND m.role IN ($2, $3, $4, $5) AND m.user_id > $6 AND u.status = 'active' \
        ORDER BY m.user_id LIMIT $7";
    let ListActiveMembers { role: least, after, limit } = *query;
    let [member, moderator, admin, owner] = [
        OrganizationRole::Member,
        OrganizationRole::Moderator,
        OrganizationRole::Admin,
        OrganizationRole::Owner,
    ]
    .map(|role| role.max(least).as_str());
    let (id, after) = (organization.uuid(), after.map_or(Uuid::nil(), UserId::uuid));
    let limit = i64::from(limit);
    let rows: Vec<(Uuid, String)> =
        q!(db.read, fetch_all, SELECT, id, member, moderator, admin, owner, after, limit)?;
    rows.into_iter()
        .map(|(user, role)| Ok(ActiveMember { user: UserId(user), role: parse(&role)? }))
        .collect()
}

/// A member whose account may be used.
///
/// # Errors
/// When the database fails.
pub async fn find_in_use(
    db: &Db,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<ActiveMember>, DbError> {
    const SELECT: &str = "SELECT m.role FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.organization_id = $1 AND m.user_id = $2 AND u.status = 'active'";
    let row: Option<(String,)> = q!(db.read, fetch_optional, SELECT, organization.uuid(), user.uuid())?;
    row.map(|(role,)| Ok(ActiveMember { user, role: parse(&role)? })).transpose()
}

/// Whether the account of this address is a member's.
///
/// # Errors
/// When the database fails.
pub async fn has_address(tx: &mut Tx, organization: OrganizationId, email: &Email) -> Result<bool, DbError> {
    const SELECT: &str = select!("AND u.email = $2");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, organization.uuid(), email.as_str())?;
    Ok(row.is_some())
}

/// How many owners an organisation has. Right until the transaction ends, if it holds the organisation.
///
/// # Errors
/// When the database fails.
pub async fn count_owners(tx: &mut Tx, organization: OrganizationId) -> Result<u64, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND role = 'owner'";
    let owners: i64 = q!(tx.tx, scalar, SELECT, organization.uuid())?;
    Ok(u64::try_from(owners).unwrap_or_default())
}

/// Adds a member. `false` when the person is one already; their role is as it was then.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
    role: OrganizationRole,
    now: Ts,
) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO memberships (organization_id, user_id, role, created_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    Ok(q!(tx.tx, execute, INSERT, organization.uuid(), user.uuid(), role.as_str(), now)? == 1)
}

/// Sets a member's role. The caller bumps the person's version.
///
/// # Errors
/// When the database fails.
pub async fn set_role(
    tx: &mut Tx,
    organization: OrganizationId,
    user: UserId,
    role: OrganizationRole,
) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE memberships SET role = $3 WHERE organization_id = $1 AND user_id = $2";
    q!(tx.tx, execute, UPDATE, organization.uuid(), user.uuid(), role.as_str())?;
    Ok(())
}

/// Ends a membership. The caller bumps the person's version.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, user: UserId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2";
    q!(tx.tx, execute, DELETE, organization.uuid(), user.uuid())?;
    Ok(())
}
