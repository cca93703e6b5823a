//! Organisations.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use chassis::http::Page;
use contract::auth::Organization;
use contract::identity::OrganizationRole;
use contract::ids::{OrganizationId, UserId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    slug: String,
    role: Option<String>,
    created_at: Ts,
}

impl TryFrom<Row> for Organization {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let Row { id, name, slug, role, created_at } = row;
        let role = role.map(|role| OrganizationRole::parse(&role).ok_or_else(|| corrupt("a role")));
        let (id, created_at) = (OrganizationId(id), created_at.to_datetime());
        Ok(Self { id, name, slug, role: role.transpose()?, created_at })
    }
}

/// Adds an organisation. `false` when the slug is taken; nothing was added then.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut Tx,
    id: OrganizationId,
    name: &str,
    slug: &str,
    now: Ts,
) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO organizations (id, name, slug, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $4) ON CONFLICT (slug) DO NOTHING";
    Ok(q!(tx.tx, execute, INSERT, id.uuid(), name, slug, now)? == 1)
}

/// An organisation as this person sees it: of which they are a member, or any when `every` says that they may see all.
///
/// # Errors
/// When the database fails.
pub async fn find_seen_by(
    db: &Db,
    id: OrganizationId,
    user: UserId,
    every: bool,
) -> Result<Option<Organization>, DbError> {
    const SELECT: &str = "SELECT o.id, o.name, o.slug, m.role, o.created_at FROM organizations o \
        LEFT JOIN memberships m ON m.organization_id = o.id AND m.user_id = $2 \
        WHERE o.id = $1 AND (m.role IS NOT NULL OR $3)";
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid(), user.uuid(), every)?;
    row.map(Organization::try_from).transpose()
}

/// A page of the organisations that a person belongs to, the oldest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list_of_user(db: &Db, user: UserId, page: Page) -> Result<(Vec<Organization>, u64), DbError> {
    const SELECT: &str = "SELECT o.id, o.name, o.slug, m.role, o.created_at FROM memberships m \
        JOIN organizations o ON o.id = m.organization_id \
        WHERE m.user_id = $1 ORDER BY m.organization_id LIMIT $2 OFFSET $3";
    const COUNT: &str = "SELECT COUNT(*) FROM memberships WHERE user_id = $1";
    let limit = i64::from(page.limit);
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, user.uuid(), limit, page.offset())?;
    let total: i64 = q!(db.read, scalar, COUNT, user.uuid())?;
    let seen = rows.into_iter().map(Organization::try_from).collect::<Result<_, _>>()?;
    Ok((seen, u64::try_from(total).unwrap_or_default()))
}

/// Holds an organisation until the transaction ends, so that changes of its members follow one another. The role in
/// what is returned is this person's, as of after the wait; `None` when there is no such organisation.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, id: OrganizationId, user: UserId) -> Result<Option<Organization>, DbError> {
    const LOCK: &str = "UPDATE organizations SET updated_at = updated_at WHERE id = $1";
    // A statement of its own: the first one may have waited, and sees nothing that was committed meanwhile.
    const SELECT: &str = "SELECT o.id, o.name, o.slug, m.role, o.created_at FROM organizations o \
        LEFT JOIN memberships m ON m.organization_id = o.id AND m.user_id = $2 WHERE o.id = $1";
    if q!(tx.tx, execute, LOCK, id.uuid())? == 0 {
        return Ok(None);
    }
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, id.uuid(), user.uuid())?;
    row.map(Organization::try_from).transpose()
}
