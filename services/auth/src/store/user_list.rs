//! Accounts as an administrator lists them: filtered, sorted, a page at a time.

use super::{corrupt, user};
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Page, SortKey};
use contract::auth::{ListUsers, User, UserStatus};
use contract::ids::UserId;
use uuid::Uuid;

/// What accounts can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When they were made.
    CreatedAt,
    /// Their address.
    Email,
}

impl SortKey for SortBy {
    const KEYS: &'static [(&'static str, Self)] = &[("createdAt", Self::CreatedAt), ("email", Self::Email)];
}

impl SortBy {
    /// The order, with the identifier to tell equal ones apart.
    const fn order(self, descending: bool) -> &'static str {
        match (self, descending) {
            (Self::CreatedAt, false) => "u.created_at, u.id",
            (Self::CreatedAt, true) => "u.created_at DESC, u.id DESC",
            (Self::Email, false) => "u.email",
            (Self::Email, true) => "u.email DESC",
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    email_verified_at: Option<Ts>,
    display_name: Option<String>,
    roles: Option<String>,
    status: String,
    created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for User {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            email_verified: row.email_verified_at.is_some(),
            display_name: row.display_name,
            roles: user::parse_roles(row.roles.as_deref())?,
            status: UserStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            created_at: row.created_at.to_datetime(),
            updated_at: row.updated_at.to_datetime(),
        })
    }
}

const COLUMNS: &str = "u.id, u.email, u.email_verified_at, u.display_name, \
    (SELECT string_agg(r.role, ',' ORDER BY r.role) FROM user_roles r WHERE r.user_id = u.id) AS roles, \
    u.status, u.created_at, u.updated_at";

/// The condition of the filters that are set. Texts are compared as ranges of bytes, which an index serves and in which
/// no character of the client's has a meaning; a parameter that no filter uses is bound and left alone.
fn condition(filter: &ListUsers) -> String {
    let mut all = vec!["1 = 1"];
    if filter.q.is_some() {
        all.push("((u.email >= $1 AND u.email < $2) OR (u.name_key >= $1 AND u.name_key < $2))");
    }
    if filter.role.is_some() {
        all.push("EXISTS (SELECT 1 FROM user_roles f WHERE f.user_id = u.id AND f.role = $3)");
    }
    if filter.status.is_some() {
        all.push("u.status = $4");
    }
    all.join(" AND ")
}

/// A page of the accounts that the filter lets through, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &ListUsers,
    (by, descending): (SortBy, bool),
    page: Page,
) -> Result<(Vec<User>, u64), DbError> {
    let (condition, order) = (condition(filter), by.order(descending));
    let select =
        format!("SELECT {COLUMNS} FROM users u WHERE {condition} ORDER BY {order} LIMIT $5 OFFSET $6");
    let count = format!("SELECT COUNT(*) FROM users u WHERE {condition}");
    let from = user::name_key(filter.q.as_deref().unwrap_or_default().trim());
    // Nothing sorts behind this character, so everything that begins with the text lies between.
    let to = format!("{from}\u{10ffff}");
    let role = filter.role.map(|role| role.as_str());
    let status = filter.status.map(|status| status.as_str());
    let (limit, offset) = (i64::from(page.limit), page.offset());
    let rows: Vec<Row> =
        q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), &from, &to, role, status, limit, offset)?;
    let total: i64 = q!(db.read, scalar, AssertSqlSafe(count.as_str()), &from, &to, role, status)?;
    let users = rows.into_iter().map(User::try_from).collect::<Result<_, _>>()?;
    Ok((users, u64::try_from(total).unwrap_or_default()))
}
