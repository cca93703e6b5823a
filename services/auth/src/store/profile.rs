//! Profiles and pictures.

use super::{corrupt, user};
use crate::domain::profile::Profile;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::auth::UserStatus;
use contract::ids::UserId;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    display_name: Option<String>,
    status: String,
    account_updated_at: Ts,
    bio: Option<String>,
    location: Option<String>,
    website: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
    is_public: Option<bool>,
    show_email: Option<bool>,
    show_location: Option<bool>,
    avatar_tag: Option<String>,
    version: Option<i64>,
    updated_at: Option<Ts>,
}

impl TryFrom<Row> for Profile {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            user: UserId(row.id),
            email: row.email,
            display_name: row.display_name,
            status: UserStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            account_updated_at: row.account_updated_at,
            bio: row.bio,
            location: row.location,
            website: row.website,
            locale: row.locale,
            time_zone: row.time_zone,
            // Who has said nothing shows nothing.
            is_public: row.is_public.unwrap_or(false),
            show_email: row.show_email.unwrap_or(false),
            show_location: row.show_location.unwrap_or(false),
            avatar_tag: row.avatar_tag,
            version: row.version.unwrap_or_default(),
            updated_at: row.updated_at.unwrap_or(row.account_updated_at),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.email, u.display_name, u.status, u.updated_at AS account_updated_at, p.bio, p.location, \
             p.website, p.locale, p.time_zone, p.is_public, p.show_email, p.show_location, p.avatar_tag, p.version, \
             p.updated_at FROM users u ",
            $rest
        )
    };
}

/// The profile of an account; an empty one for who has said nothing.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, user: UserId) -> Result<Option<Profile>, DbError> {
    const SELECT: &str = select!("LEFT JOIN profiles p ON p.user_id = u.id WHERE u.id = $1");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, user.uuid())?;
    row.map(Profile::try_from).transpose()
}

/// The profile of an account, as this transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn find_in(tx: &mut Tx, user: UserId) -> Result<Option<Profile>, DbError> {
    const SELECT: &str = select!("LEFT JOIN profiles p ON p.user_id = u.id WHERE u.id = $1");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, user.uuid())?;
    row.map(Profile::try_from).transpose()
}

/// Public profiles of accounts in use of which something that is shown begins with this text, or whose address is it.
///
/// # Errors
/// When the database fails.
pub async fn search(db: &Db, text: &str, limit: u32) -> Result<Vec<Profile>, DbError> {
    // What is hidden is in no branch, so nothing can be found out by asking for it.
    const SELECT: &str = select!(
        "JOIN profiles p ON p.user_id = u.id WHERE p.is_public AND u.status = 'active' AND \
         ((u.name_key >= $1 AND u.name_key < $2) \
         OR (p.show_location AND p.location_key >= $1 AND p.location_key < $2) \
         OR (p.show_email AND u.email = $1)) ORDER BY COALESCE(u.name_key, ''), u.id LIMIT $3"
    );
    let from = user::name_key(text.trim());
    // Nothing sorts behind this character, so everything that begins with the text lies between.
    let to = format!("{from}\u{10ffff}");
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, &from, &to, i64::from(limit))?;
    rows.into_iter().map(Profile::try_from).collect()
}

/// Keeps a profile as it is now. The account is held.
///
/// # Errors
/// When the database fails.
pub async fn replace(tx: &mut Tx, profile: &Profile) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO profiles (user_id, bio, location, location_key, website, locale, time_zone, is_public, \
        show_email, show_location, avatar_tag, version, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (user_id) DO UPDATE SET \
        bio = excluded.bio, location = excluded.location, location_key = excluded.location_key, \
        website = excluded.website, locale = excluded.locale, time_zone = excluded.time_zone, \
        is_public = excluded.is_public, show_email = excluded.show_email, show_location = excluded.show_location, \
        avatar_tag = excluded.avatar_tag, version = excluded.version, updated_at = excluded.updated_at";
    q!(
        tx.tx,
        execute,
        UPSERT,
        profile.user.uuid(),
        &profile.bio,
        &profile.location,
        profile.location.as_deref().map(user::name_key),
        &profile.website,
        &profile.locale,
        &profile.time_zone,
        profile.is_public,
        profile.show_email,
        profile.show_location,
        &profile.avatar_tag,
        profile.version,
        profile.updated_at
    )
    .map(|_| ())
}

/// Keeps a picture in the place of the one before.
///
/// # Errors
/// When the database fails.
pub async fn put_avatar(tx: &mut Tx, user: UserId, image: &[u8], tag: &str) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO avatars (user_id, image, tag) VALUES ($1, $2, $3) \
        ON CONFLICT (user_id) DO UPDATE SET image = excluded.image, tag = excluded.tag";
    q!(tx.tx, execute, UPSERT, user.uuid(), image, tag).map(|_| ())
}

/// Removes a picture.
///
/// # Errors
/// When the database fails.
pub async fn delete_avatar(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    q!(tx.tx, execute, "DELETE FROM avatars WHERE user_id = $1", user.uuid()).map(|_| ())
}

/// A picture, and its tag.
///
/// # Errors
/// When the database fails.
pub async fn find_avatar(db: &Db, user: UserId) -> Result<Option<(Vec<u8>, String)>, DbError> {
    const SELECT: &str = "SELECT image, tag FROM avatars WHERE user_id = $1";
    q!(db.read, fetch_optional, SELECT, user.uuid())
}
