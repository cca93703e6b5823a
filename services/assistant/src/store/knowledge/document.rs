//! Documents, with the passages that they are cut into. A document is its owner's through its knowledge base.

use crate::domain::number::{count, whole};
use crate::store::corrupt;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, Tx, q};
use chassis::http::Page;
use contract::assistant::{Document, DocumentFormat};
use contract::ids::{DocumentId, KnowledgeBaseId, UserId};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    base_id: Uuid,
    title: String,
    format: String,
    bytes: i64,
    passages: i64,
    created_at: Ts,
}

impl TryFrom<Row> for Document {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: DocumentId(row.id),
            base: KnowledgeBaseId(row.base_id),
            title: row.title,
            format: DocumentFormat::parse(&row.format).ok_or_else(|| corrupt("the format"))?,
            bytes: count(row.bytes),
            passages: u32::try_from(row.passages).unwrap_or_default(),
            created_at: row.created_at.to_datetime(),
        })
    }
}

/// A passage as it is kept.
#[derive(Debug, Serialize)]
pub struct Kept<'a> {
    /// Which of the document's passages it is, from 0.
    pub position: usize,
    /// Its text.
    pub text: &'a str,
    /// What it is found by.
    pub words: String,
}

/// Adds a document with its passages to a knowledge base that is held.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, document: &Document, passages: &[Kept<'_>]) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO knowledge_document (id, base_id, title, format, bytes, passages, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (id, base) = (document.id.uuid(), document.base.uuid());
    let (bytes, number) = (whole(document.bytes), i64::from(document.passages));
    let (format, made) = (document.format.as_str(), Ts::from_datetime(document.created_at));
    q!(tx.tx, execute, INSERT, id, base, &document.title, format, bytes, number, made)?;
    let rows = match tx.engine() {
        Engine::Sqlite => "json_each($3)",
        Engine::Postgres => "jsonb_array_elements($3)",
    };
    let fill = format!(
        "INSERT INTO passage (base_id, document_id, position, text, words) \
         SELECT $1, $2, CAST(value ->> 'position' AS BIGINT), value ->> 'text', value ->> 'words' FROM {rows}"
    );
    q!(tx.tx, execute, AssertSqlSafe(fill.as_str()), base, id, Json(passages)).map(|_| ())
}

/// Removes a document of a knowledge base that is held, with its passages and what is kept of them in the index. How many
/// bytes it had; nothing when there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, base: KnowledgeBaseId, id: DocumentId) -> Result<Option<i64>, DbError> {
    const PASSAGES: &str = "DELETE FROM passage WHERE document_id = $1 AND base_id = $2";
    const DOCUMENT: &str = "DELETE FROM knowledge_document WHERE id = $1 AND base_id = $2 RETURNING bytes";
    q!(tx.tx, execute, PASSAGES, id.uuid(), base.uuid())?;
    let gone: Option<(i64,)> = q!(tx.tx, fetch_optional, DOCUMENT, id.uuid(), base.uuid())?;
    Ok(gone.map(|(bytes,)| bytes))
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.base_id, d.title, d.format, d.bytes, d.passages, d.created_at FROM knowledge_document d \
             JOIN knowledge_base b ON b.id = d.base_id WHERE b.owner_id = $1 AND b.id = $2 ",
            $rest
        )
    };
}

/// A document in a person's knowledge base.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &Db,
    owner: UserId,
    base: KnowledgeBaseId,
    id: DocumentId,
) -> Result<Option<Document>, DbError> {
    const SELECT: &str = select!("AND d.id = $3");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, owner.uuid(), base.uuid(), id.uuid())?;
    row.map(Document::try_from).transpose()
}

/// A page of the documents in a person's knowledge base, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list_of_base(
    db: &Db,
    owner: UserId,
    base: KnowledgeBaseId,
    page: Page,
) -> Result<Vec<Document>, DbError> {
    const SELECT: &str = select!("ORDER BY d.created_at DESC, d.id DESC LIMIT $3 OFFSET $4");
    let (limit, offset) = (i64::from(page.limit), page.offset());
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, owner.uuid(), base.uuid(), limit, offset)?;
    rows.into_iter().map(Document::try_from).collect()
}

/// The oldest document in a person's knowledge base, if there is any in it.
///
/// # Errors
/// When the database fails.
pub async fn oldest_of_base(
    db: &Db,
    owner: UserId,
    base: KnowledgeBaseId,
) -> Result<Option<DocumentId>, DbError> {
    const SELECT: &str = select!("ORDER BY d.created_at, d.id LIMIT 1");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, owner.uuid(), base.uuid())?;
    Ok(row.map(|row| DocumentId(row.id)))
}
