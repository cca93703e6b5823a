//! Categories. The tree is small and read as a whole.

use crate::domain::tree::{Entry, Tree};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::CategoryId;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    tree: i64,
    id: Option<Uuid>,
    parent_id: Option<Uuid>,
    slug: Option<String>,
    name: Option<String>,
    position: Option<i32>,
    created_at: Option<Ts>,
    updated_at: Option<Ts>,
}

/// One statement, so that the version is that of the rows.
const SELECT: &str = "SELECT t.version AS tree, c.id, c.parent_id, c.slug, c.name, c.position, c.created_at, c.updated_at \
    FROM category_tree t LEFT JOIN category c ON 1 = 1";

fn tree(rows: Vec<Row>) -> Tree {
    let version = rows.first().map_or(0, |row| row.tree);
    let entry = |row: Row| {
        Some(Entry {
            id: CategoryId(row.id?),
            parent: row.parent_id.map(CategoryId),
            slug: row.slug?,
            name: row.name?,
            position: row.position?,
            created_at: row.created_at?.micros(),
            updated_at: row.updated_at?.micros(),
        })
    };
    Tree::new(version, rows.into_iter().filter_map(entry).collect())
}

/// The tree.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Tree, DbError> {
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT)?;
    Ok(tree(rows))
}

/// Holds the tree until the transaction ends, raises its version, and reads it.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx) -> Result<Tree, DbError> {
    q!(tx.tx, execute, "UPDATE category_tree SET version = version + 1 WHERE id = 1")?;
    all_in(tx).await
}

/// The tree, as this transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn all_in(tx: &mut Tx) -> Result<Tree, DbError> {
    let rows: Vec<Row> = q!(tx.tx, fetch_all, SELECT)?;
    Ok(tree(rows))
}

/// Adds a category. `false` when its slug is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, entry: &Entry) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO category (id, parent_id, slug, name, position, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let (id, parent) = (entry.id.uuid(), entry.parent.map(CategoryId::uuid));
    let (made, changed) = (Ts::from_micros(entry.created_at), Ts::from_micros(entry.updated_at));
    let inserted =
        q!(tx.tx, execute, INSERT, id, parent, &entry.slug, &entry.name, entry.position, made, changed)?;
    Ok(inserted == 1)
}

/// Writes what a category has become. The caller holds the tree and has seen that the slug is free.
///
/// # Errors
/// When the database fails.
pub async fn update(tx: &mut Tx, entry: &Entry) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE category SET parent_id = $2, slug = $3, name = $4, position = $5, updated_at = $6 \
        WHERE id = $1";
    let (id, parent) = (entry.id.uuid(), entry.parent.map(CategoryId::uuid));
    let changed = Ts::from_micros(entry.updated_at);
    q!(tx.tx, execute, UPDATE, id, parent, &entry.slug, &entry.name, entry.position, changed)?;
    Ok(())
}

/// Removes a category in which there is no product. `false` when there is one.
///
/// # Errors
/// When the database fails; see [`is_reference`](super::is_reference).
pub async fn delete(tx: &mut Tx, id: CategoryId) -> Result<bool, DbError> {
    const DELETE: &str =
        "DELETE FROM category WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM product WHERE category_id = $1)";
    Ok(q!(tx.tx, execute, DELETE, id.uuid())? == 1)
}

/// Whether there is such a category.
///
/// # Errors
/// When the database fails.
pub async fn exists(tx: &mut Tx, id: CategoryId) -> Result<bool, DbError> {
    let count: i64 = q!(tx.tx, scalar, "SELECT COUNT(*) FROM category WHERE id = $1", id.uuid())?;
    Ok(count == 1)
}
