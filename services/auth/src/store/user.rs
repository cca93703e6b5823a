//! Accounts.

use super::corrupt;
use crate::domain::email::Email;
use crate::domain::password::PasswordHash;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Engine, Tx, q, violated};
use contract::auth::{self, UserStatus};
use contract::identity::Role;
use contract::ids::UserId;
use uuid::Uuid;

/// An account, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its identifier.
    pub id: UserId,
    /// Its address.
    pub email: String,
    /// When the address was proved.
    pub email_verified_at: Option<Ts>,
    /// Its password, hashed.
    pub password_hash: PasswordHash,
    /// What others see.
    pub display_name: Option<String>,
    /// Roles on the platform.
    pub roles: Vec<Role>,
    /// Whether it may be used.
    pub status: UserStatus,
    /// Version of its rights.
    pub version: i64,
    /// When it was made.
    pub created_at: Ts,
    /// When its profile, roles or status last changed.
    pub updated_at: Ts,
}

impl User {
    /// A new account.
    #[must_use]
    pub fn new(email: &Email, name: Option<String>, hash: PasswordHash, roles: Vec<Role>, now: Ts) -> Self {
        Self {
            id: UserId::new(),
            email: email.as_str().to_owned(),
            email_verified_at: None,
            password_hash: hash,
            display_name: name,
            roles,
            status: UserStatus::Active,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// What its owner and an administrator see.
    #[must_use]
    pub fn view(&self) -> auth::User {
        auth::User {
            id: self.id,
            email: self.email.clone(),
            email_verified: self.email_verified_at.is_some(),
            display_name: self.display_name.clone(),
            roles: self.roles.clone(),
            status: self.status,
            created_at: self.created_at.to_datetime(),
            updated_at: self.updated_at.to_datetime(),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    email_verified_at: Option<Ts>,
    password_hash: String,
    display_name: Option<String>,
    roles: Option<String>,
    status: String,
    version: i64,
    created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for User {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            email_verified_at: row.email_verified_at,
            password_hash: PasswordHash::from_stored(row.password_hash),
            display_name: row.display_name,
            roles: parse_roles(row.roles.as_deref())?,
            status: UserStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The roles of a row, which come as one text.
pub(super) fn parse_roles(roles: Option<&str>) -> Result<Vec<Role>, DbError> {
    let roles = roles.unwrap_or_default().split(',').filter(|role| !role.is_empty());
    roles.map(|role| Role::parse(role).ok_or_else(|| corrupt("a role"))).collect()
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.email, u.email_verified_at, u.password_hash, u.display_name, ",
            "(SELECT string_agg(r.role, ',' ORDER BY r.role) FROM user_roles r WHERE r.user_id = u.id) AS roles, ",
            "u.status, u.version, u.created_at, u.updated_at FROM users u ",
            $rest
        )
    };
}

/// The lower-case text that a search by the beginning of a name reads.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// Adds an account with its roles. `false` when the address already has one; the transaction is of no more use then.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, user: &User) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO users (id, email, email_verified_at, password_hash, display_name, name_key, \
        status, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    let key = user.display_name.as_deref().map(name_key);
    let inserted = q!(
        tx.tx,
        execute,
        INSERT,
        user.id.uuid(),
        &user.email,
        user.email_verified_at,
        user.password_hash.as_str(),
        &user.display_name,
        &key,
        user.status.as_str(),
        user.version,
        user.created_at
    );
    match inserted {
        Ok(_) => insert_roles(tx, user.id, &user.roles).await.map(|()| true),
        Err(e) if violated(&e).is_some_and(|v| v.is_unique("users_email_key")) => Ok(false),
        Err(e) => Err(e),
    }
}

async fn insert_roles(tx: &mut Tx, user: UserId, roles: &[Role]) -> Result<(), DbError> {
    // At most four, so a statement each is no matter.
    for role in roles {
        const INSERT: &str = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        q!(tx.tx, execute, INSERT, user.uuid(), role.as_str())?;
    }
    Ok(())
}

/// The account of an address.
///
/// # Errors
/// When the database fails.
pub async fn find_by_email(db: &Db, email: &Email) -> Result<Option<User>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, select!("WHERE u.email = $1"), email.as_str())?;
    row.map(User::try_from).transpose()
}

/// The account of an address, as this transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_email_in(tx: &mut Tx, email: &Email) -> Result<Option<User>, DbError> {
    let row: Option<Row> = q!(tx.tx, fetch_optional, select!("WHERE u.email = $1"), email.as_str())?;
    row.map(User::try_from).transpose()
}

/// An account by its identifier.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: UserId) -> Result<Option<User>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, select!("WHERE u.id = $1"), id.uuid())?;
    row.map(User::try_from).transpose()
}

/// An account by its identifier, as this transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn find_in(tx: &mut Tx, id: UserId) -> Result<Option<User>, DbError> {
    let row: Option<Row> = q!(tx.tx, fetch_optional, select!("WHERE u.id = $1"), id.uuid())?;
    row.map(User::try_from).transpose()
}

/// Notes a login, and holds the account's row until the transaction ends. `false` when the account was disabled or its
/// password changed since it was read: the login does not hold then.
///
/// # Errors
/// When the database fails.
pub async fn note_login(tx: &mut Tx, user: &User, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE users SET last_login_at = $3 \
        WHERE id = $1 AND password_hash = $2 AND status = 'active'";
    let touched = q!(tx.tx, execute, UPDATE, user.id.uuid(), user.password_hash.as_str(), now)?;
    Ok(touched == 1)
}

/// Replaces the hash of the same password. `false` when it was changed meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn rehash(tx: &mut Tx, user: &User, hash: &PasswordHash) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    let touched = q!(tx.tx, execute, UPDATE, user.id.uuid(), user.password_hash.as_str(), hash.as_str())?;
    Ok(touched == 1)
}

/// Sets a new password, if the old one is still what was read. `false` when it was changed meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn change_password(
    tx: &mut Tx,
    user: &User,
    hash: &PasswordHash,
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE users SET password_hash = $3, updated_at = $4 \
        WHERE id = $1 AND password_hash = $2 AND status = 'active'";
    let (id, old) = (user.id.uuid(), user.password_hash.as_str());
    let touched = q!(tx.tx, execute, UPDATE, id, old, hash.as_str(), now)?;
    Ok(touched == 1)
}

/// Sets a new password whatever the old one is. `false` when there is no such account in use.
///
/// # Errors
/// When the database fails.
pub async fn reset_password(tx: &mut Tx, id: UserId, hash: &PasswordHash, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str =
        "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1 AND status = 'active'";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), hash.as_str(), now)? == 1)
}

/// Makes every access token of the account outdated and tells the version from which they hold.
///
/// # Errors
/// When the database fails or there is no such account.
pub async fn bump_version(tx: &mut Tx, id: UserId) -> Result<i64, DbError> {
    const UPDATE: &str = "UPDATE users SET version = version + 1 WHERE id = $1 RETURNING version";
    q!(tx.tx, scalar, UPDATE, id.uuid())
}

/// Notes that the address was proved; the first time counts. `false` when there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn verify_email(tx: &mut Tx, id: UserId, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE users SET email_verified_at = COALESCE(email_verified_at, $2), updated_at = $2 \
        WHERE id = $1";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), now)? == 1)
}

/// Sets what others see. `false` when there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn set_display_name(tx: &mut Tx, id: UserId, name: Option<&str>, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE users SET display_name = $2, name_key = $3, updated_at = $4 WHERE id = $1";
    let key = name.map(name_key);
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), name, &key, now)? == 1)
}

/// Lets nobody else change the rights of any account until the transaction ends: on PostgreSQL by a lock of this number,
/// on SQLite there is one writer anyway.
///
/// # Errors
/// When the database fails.
pub async fn lock_rights(tx: &mut Tx) -> Result<(), DbError> {
    const LOCK: i64 = 0x7269_6768;
    if tx.engine() == Engine::Postgres {
        q!(tx.tx, execute, "SELECT pg_advisory_xact_lock($1)", LOCK)?;
    }
    Ok(())
}

/// Holds the account's row until the transaction ends. `false` when there is no such account.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE users SET version = version WHERE id = $1";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid())? == 1)
}

/// Sets roles and status. The caller bumps the version.
///
/// # Errors
/// When the database fails.
pub async fn set_rights(
    tx: &mut Tx,
    id: UserId,
    roles: &[Role],
    status: UserStatus,
    now: Ts,
) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE users SET status = $2, updated_at = $3 WHERE id = $1";
    q!(tx.tx, execute, UPDATE, id.uuid(), status.as_str(), now)?;
    q!(tx.tx, execute, "DELETE FROM user_roles WHERE user_id = $1", id.uuid())?;
    insert_roles(tx, id, roles).await
}
