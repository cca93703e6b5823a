//! The statements of API keys. Whatever others must hear of takes the next position first, in the same transaction.

use super::text::Hash;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use chassis::http::{Cursor, cut_page};
use contract::gateway::{ApiKey, ListApiKeys};
use contract::ids::{ApiKeyId, UserId};
use sqlx::types::Json;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, name, owner_id, scopes, secret_hash, previous_hash, previous_until, created_at, created_by, expires_at, \
         rotated_at, revoked_at, revoked_by, last_used_at"
    };
}

/// A key as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) owner_id: Uuid,
    pub(super) scopes: Json<Vec<String>>,
    pub(super) secret_hash: Vec<u8>,
    pub(super) previous_hash: Option<Vec<u8>>,
    pub(super) previous_until: Option<Ts>,
    pub(super) created_at: Ts,
    pub(super) created_by: Uuid,
    pub(super) expires_at: Option<Ts>,
    pub(super) rotated_at: Option<Ts>,
    pub(super) revoked_at: Option<Ts>,
    pub(super) revoked_by: Option<Uuid>,
    pub(super) last_used_at: Option<Ts>,
}

impl Row {
    /// What an administrator is shown: everything but the hashes.
    pub(super) fn shown(self) -> ApiKey {
        let id = ApiKeyId(self.id);
        ApiKey {
            id,
            name: self.name,
            prefix: super::text::prefix(id),
            owner: UserId(self.owner_id),
            scopes: self.scopes.0,
            created_at: self.created_at.to_datetime(),
            created_by: UserId(self.created_by),
            expires_at: self.expires_at.map(Ts::to_datetime),
            rotated_at: self.rotated_at.map(Ts::to_datetime),
            previous_until: self.previous_until.map(Ts::to_datetime),
            revoked_at: self.revoked_at.map(Ts::to_datetime),
            revoked_by: self.revoked_by.map(UserId),
            last_used_at: self.last_used_at.map(Ts::to_datetime),
        }
    }
}

/// The key of this identifier.
pub(super) async fn find(db: &Db, id: ApiKeyId) -> Result<Option<Row>, DbError> {
    q!(db.read, fetch_optional, concat!("SELECT ", columns!(), " FROM api_key WHERE id = $1"), id.uuid())
}

/// The keys that the filter lets through, the last made first, from behind `after`; and where the page after them begins.
pub(super) async fn list(
    db: &Db,
    filter: &ListApiKeys,
    after: Option<Cursor>,
    now: Ts,
) -> Result<(Vec<Row>, Option<Cursor>), DbError> {
    const GOOD: &str = "(revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2))";
    const OVER: &str = "(revoked_at IS NOT NULL OR expires_at <= $2)";
    let mut condition = vec!["1 = 1"];
    if filter.owner.is_some() {
        condition.push("owner_id = $1");
    }
    match filter.active {
        Some(true) => condition.push(GOOD),
        Some(false) => condition.push(OVER),
        None => {}
    }
    if after.is_some() {
        condition.push("(created_at < $3 OR (created_at = $3 AND id < $4))");
    }
    let select = format!(
        concat!("SELECT ", columns!(), " FROM api_key WHERE {} ORDER BY created_at DESC, id DESC LIMIT $5"),
        condition.join(" AND ")
    );
    let rows: Vec<Row> = q!(
        db.read,
        fetch_all,
        AssertSqlSafe(select.as_str()),
        filter.owner.map(UserId::uuid),
        now,
        after.map(|after| after.at),
        after.map(|after| after.id),
        // One more than is shown, which tells whether a page follows.
        i64::from(filter.limit) + 1
    )?;
    Ok(cut_page(rows, filter.limit, |last| Cursor { at: last.created_at, id: last.id }))
}

/// Takes the next position. Nobody else changes a key until the transaction ends.
async fn next(t: &mut Tx) -> Result<i64, DbError> {
    const NEXT: &str = "UPDATE api_key_head SET position = position + 1 WHERE id = 1 RETURNING position";
    q!(t.tx, scalar, NEXT)
}

/// Adds a key.
pub(super) async fn insert(t: &mut Tx, row: &Row) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO api_key (id, name, owner_id, scopes, secret_hash, created_at, created_by, expires_at, \
        changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let changed = next(t).await?;
    q!(
        t.tx,
        execute,
        INSERT,
        row.id,
        row.name.as_str(),
        row.owner_id,
        &row.scopes,
        row.secret_hash.as_slice(),
        row.created_at,
        row.created_by,
        row.expires_at,
        changed
    )
    .map(drop)
}

/// Gives a key that is good another secret; the one that it has stays good until then. `None` when there is no such key.
pub(super) async fn rotate(
    t: &mut Tx,
    id: ApiKeyId,
    hash: &Hash,
    now: Ts,
    previous_until: Ts,
) -> Result<Option<Row>, DbError> {
    const ROTATE: &str = concat!(
        "UPDATE api_key SET previous_hash = secret_hash, previous_until = $4, secret_hash = $2, rotated_at = $3, \
         changed = $5 WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) RETURNING ",
        columns!()
    );
    let changed = next(t).await?;
    q!(t.tx, fetch_optional, ROTATE, id.uuid(), hash.bytes(), now, previous_until, changed)
}

/// Takes a key back. The first time counts. Says whether there is such a key.
pub(super) async fn revoke(t: &mut Tx, id: ApiKeyId, by: UserId, now: Ts) -> Result<bool, DbError> {
    const REVOKE: &str = "UPDATE api_key SET revoked_at = coalesce(revoked_at, $2), revoked_by = coalesce(revoked_by, $3), \
        changed = $4 WHERE id = $1";
    let changed = next(t).await?;
    Ok(q!(t.tx, execute, REVOKE, id.uuid(), now, by.uuid(), changed)? > 0)
}

/// The position of the last change.
pub(super) async fn head(db: &Db) -> Result<i64, DbError> {
    q!(db.read, scalar, "SELECT position FROM api_key_head WHERE id = 1")
}

/// Which keys were changed behind a position, the first `most` of them with their positions.
pub(super) async fn changed(db: &Db, after: i64, most: i64) -> Result<Vec<(Uuid, i64)>, DbError> {
    const CHANGED: &str = "SELECT id, changed FROM api_key WHERE changed > $1 ORDER BY changed LIMIT $2";
    q!(db.read, fetch_all, CHANGED, after, most)
}

/// Notes that a key was used, unless a later use is noted.
pub(super) async fn used(db: &Db, id: ApiKeyId, at: Ts) -> Result<(), DbError> {
    const USED: &str =
        "UPDATE api_key SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    q!(db.write, execute, USED, id.uuid(), at).map(drop)
}
