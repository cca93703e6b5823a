//! Signing keys.

use crate::domain::signing_key::PublishedKey;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Engine, Tx, q};

/// Who changes the set of keys holds this lock on PostgreSQL; on SQLite there is one writer anyway.
const LOCK: i64 = 0x6b65_7973;

/// A key with its sealed private half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What everybody may know.
    pub published: PublishedKey,
    /// PKCS#8, sealed.
    pub private_key: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    kid: String,
    private_key: Vec<u8>,
    public_key: Vec<u8>,
    signs_from: Ts,
    verifies_until: Option<Ts>,
}

impl From<Row> for Kept {
    fn from(row: Row) -> Self {
        let Row { kid, private_key, public_key: public, signs_from, verifies_until } = row;
        Self { published: PublishedKey { kid, public, signs_from, verifies_until }, private_key }
    }
}

/// Lets nobody else change the set of keys until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    if tx.engine() == Engine::Postgres {
        q!(tx.tx, execute, "SELECT pg_advisory_xact_lock($1)", LOCK)?;
    }
    Ok(())
}

/// Every key that is or will be good, the youngest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, now: Ts) -> Result<Vec<Kept>, DbError> {
    const SELECT: &str = "SELECT kid, private_key, public_key, signs_from, verifies_until FROM signing_keys \
        WHERE verifies_until IS NULL OR verifies_until > $1 ORDER BY signs_from DESC, kid DESC";
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, now)?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

/// Whether there is a key that signs now or later and that no younger one takes over from.
///
/// # Errors
/// When the database fails.
pub async fn has_current(tx: &mut Tx) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM signing_keys WHERE verifies_until IS NULL";
    let count: i64 = q!(tx.tx, scalar, SELECT)?;
    Ok(count > 0)
}

/// Whether there is a key that signs now, so that a new one can wait until verifiers know it.
///
/// # Errors
/// When the database fails.
pub async fn any_signs(tx: &mut Tx, now: Ts) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM signing_keys \
        WHERE signs_from <= $1 AND (verifies_until IS NULL OR verifies_until > $1)";
    let count: i64 = q!(tx.tx, scalar, SELECT, now)?;
    Ok(count > 0)
}

/// Sets until when the signatures of every older key are good. A time that was set before and is earlier stays.
///
/// # Errors
/// When the database fails.
pub async fn retire_all(tx: &mut Tx, until: Ts) -> Result<u64, DbError> {
    const UPDATE: &str = "UPDATE signing_keys SET verifies_until = $1 \
        WHERE verifies_until IS NULL OR verifies_until > $1";
    q!(tx.tx, execute, UPDATE, until)
}

/// Adds a key.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, key: &Kept, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO signing_keys (kid, private_key, public_key, created_at, signs_from, \
        verifies_until) VALUES ($1, $2, $3, $4, $5, $6)";
    let PublishedKey { kid, public, signs_from, verifies_until } = &key.published;
    q!(tx.tx, execute, INSERT, kid, &key.private_key, public, now, *signs_from, *verifies_until)?;
    Ok(())
}

/// Removes the keys whose signatures have not been good for a while. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_over(db: &Db, before: Ts) -> Result<u64, DbError> {
    q!(db.write, execute, "DELETE FROM signing_keys WHERE verifies_until < $1", before)
}
