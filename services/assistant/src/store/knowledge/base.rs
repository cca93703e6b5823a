//! Knowledge bases, and how much somebody has. Whose they are stands in every statement.

use super::{in_list, list};
use crate::domain::number::count;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use chassis::http::Page;
use contract::assistant::KnowledgeBase;
use contract::ids::{KnowledgeBaseId, UserId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    description: Option<String>,
    documents: i64,
    bytes: i64,
    created_at: Ts,
}

impl From<Row> for KnowledgeBase {
    fn from(row: Row) -> Self {
        Self {
            id: KnowledgeBaseId(row.id),
            name: row.name,
            description: row.description,
            documents: u32::try_from(row.documents).unwrap_or_default(),
            bytes: count(row.bytes),
            created_at: row.created_at.to_datetime(),
        }
    }
}

/// What somebody has in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    /// Knowledge bases.
    pub bases: u64,
    /// Bytes of their documents.
    pub bytes: u64,
}

/// Holds what somebody has until the transaction ends, and reads it.
///
/// # Errors
/// When the database fails.
pub async fn hold_all(tx: &mut Tx, owner: UserId) -> Result<Holdings, DbError> {
    const INSERT: &str =
        "INSERT INTO knowledge_owner (user_id, bases, bytes) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING";
    const HOLD: &str = "UPDATE knowledge_owner SET bases = bases WHERE user_id = $1 RETURNING bases, bytes";
    q!(tx.tx, execute, INSERT, owner.uuid())?;
    let (bases, bytes): (i64, i64) = q!(tx.tx, fetch_one, HOLD, owner.uuid())?;
    Ok(Holdings { bases: count(bases), bytes: count(bytes) })
}

/// Adds to what somebody has, or takes from it.
///
/// # Errors
/// When the database fails.
pub async fn change_holdings(tx: &mut Tx, owner: UserId, bases: i64, bytes: i64) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE knowledge_owner SET bases = bases + $2, bytes = bytes + $3 WHERE user_id = $1";
    q!(tx.tx, execute, UPDATE, owner.uuid(), bases, bytes).map(|_| ())
}

/// Adds a knowledge base, in which there is nothing yet.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, owner: UserId, base: &KnowledgeBase) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO knowledge_base (id, owner_id, name, description, documents, bytes, created_at) \
        VALUES ($1, $2, $3, $4, 0, 0, $5)";
    let made = Ts::from_datetime(base.created_at);
    q!(tx.tx, execute, INSERT, base.id.uuid(), owner.uuid(), &base.name, &base.description, made).map(|_| ())
}

/// Holds a person's knowledge base until the transaction ends, and reads it. Their holdings are held already.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, owner: UserId, id: KnowledgeBaseId) -> Result<Option<KnowledgeBase>, DbError> {
    const HOLD: &str = "UPDATE knowledge_base SET documents = documents WHERE id = $1 AND owner_id = $2 \
        RETURNING id, name, description, documents, bytes, created_at";
    let row: Option<Row> = q!(tx.tx, fetch_optional, HOLD, id.uuid(), owner.uuid())?;
    Ok(row.map(KnowledgeBase::from))
}

/// Adds to what is in a knowledge base that is held, or takes from it.
///
/// # Errors
/// When the database fails.
pub async fn change(tx: &mut Tx, id: KnowledgeBaseId, documents: i64, bytes: i64) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE knowledge_base SET documents = documents + $2, bytes = bytes + $3 WHERE id = $1";
    q!(tx.tx, execute, UPDATE, id.uuid(), documents, bytes).map(|_| ())
}

/// Removes a knowledge base that is held, with its documents, their passages, and what is kept of them in the index.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: KnowledgeBaseId) -> Result<(), DbError> {
    q!(tx.tx, execute, "DELETE FROM passage WHERE base_id = $1", id.uuid())?;
    q!(tx.tx, execute, "DELETE FROM knowledge_document WHERE base_id = $1", id.uuid())?;
    q!(tx.tx, execute, "DELETE FROM knowledge_base WHERE id = $1", id.uuid()).map(|_| ())
}

/// A person's knowledge base.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, owner: UserId, id: KnowledgeBaseId) -> Result<Option<KnowledgeBase>, DbError> {
    const SELECT: &str = "SELECT id, name, description, documents, bytes, created_at FROM knowledge_base \
        WHERE id = $1 AND owner_id = $2";
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid(), owner.uuid())?;
    Ok(row.map(KnowledgeBase::from))
}

/// A page of a person's knowledge bases, the newest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list_of_owner(db: &Db, owner: UserId, page: Page) -> Result<(Vec<KnowledgeBase>, u64), DbError> {
    const SELECT: &str = "SELECT id, name, description, documents, bytes, created_at FROM knowledge_base \
        WHERE owner_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3";
    const COUNT: &str = "SELECT COUNT(*) FROM knowledge_base WHERE owner_id = $1";
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, owner.uuid(), i64::from(page.limit), page.offset())?;
    let total: i64 = q!(db.read, scalar, COUNT, owner.uuid())?;
    Ok((rows.into_iter().map(KnowledgeBase::from).collect(), count(total)))
}

/// Those of these knowledge bases that are a person's.
///
/// # Errors
/// When the database fails.
pub async fn owned(db: &Db, owner: UserId, ids: &[KnowledgeBaseId]) -> Result<Vec<KnowledgeBaseId>, DbError> {
    let select = format!(
        "SELECT id FROM knowledge_base WHERE owner_id = $2 AND id {} ORDER BY id",
        in_list(db.engine())
    );
    let ids = list(ids.iter().map(|id| id.uuid()));
    let rows: Vec<(Uuid,)> = q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), &ids, owner.uuid())?;
    Ok(rows.into_iter().map(|(id,)| KnowledgeBaseId(id)).collect())
}

/// All knowledge bases of a person, the newest first, so many at most.
///
/// # Errors
/// When the database fails.
pub async fn newest_of_owner(db: &Db, owner: UserId, limit: u32) -> Result<Vec<KnowledgeBaseId>, DbError> {
    const SELECT: &str =
        "SELECT id FROM knowledge_base WHERE owner_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
    let rows: Vec<(Uuid,)> = q!(db.read, fetch_all, SELECT, owner.uuid(), i64::from(limit))?;
    Ok(rows.into_iter().map(|(id,)| KnowledgeBaseId(id)).collect())
}

/// What has another number of parts, or of bytes, than is counted for it: the first hundred of each kind. And how many things
/// were looked at.
///
/// # Errors
/// When the database fails.
pub async fn miscounted(db: &Db) -> Result<(u64, Vec<(&'static str, Uuid)>), DbError> {
    const DOCUMENTS: &str = "SELECT d.id FROM knowledge_document d LEFT JOIN passage p ON p.document_id = d.id \
        GROUP BY d.id, d.passages HAVING d.passages <> COUNT(p.document_id) ORDER BY d.id LIMIT 100";
    const BASES: &str = "SELECT b.id FROM knowledge_base b LEFT JOIN knowledge_document d ON d.base_id = b.id \
        GROUP BY b.id, b.documents, b.bytes \
        HAVING b.documents <> COUNT(d.id) OR b.bytes <> COALESCE(SUM(d.bytes), 0) ORDER BY b.id LIMIT 100";
    const OWNERS: &str = "SELECT o.user_id FROM knowledge_owner o LEFT JOIN knowledge_base b ON b.owner_id = o.user_id \
        GROUP BY o.user_id, o.bases, o.bytes \
        HAVING o.bases <> COUNT(b.id) OR o.bytes <> COALESCE(SUM(b.bytes), 0) ORDER BY o.user_id LIMIT 100";
    const ALL: &str = "SELECT (SELECT COUNT(*) FROM knowledge_document) + (SELECT COUNT(*) FROM knowledge_base) \
        + (SELECT COUNT(*) FROM knowledge_owner)";
    let mut wrong = Vec::new();
    for (what, select) in [("document", DOCUMENTS), ("knowledge base", BASES), ("owner", OWNERS)] {
        let rows: Vec<(Uuid,)> = q!(db.read, fetch_all, select)?;
        wrong.extend(rows.into_iter().map(|(id,)| (what, id)));
    }
    let all: i64 = q!(db.read, scalar, ALL)?;
    Ok((count(all), wrong))
}
