//! Lists of todos, always of one owner.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{TodoListId, UserId};
use contract::todos::TodoList;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    version: i64,
    created_at: Ts,
    updated_at: Ts,
}

impl From<Row> for TodoList {
    fn from(row: Row) -> Self {
        Self {
            id: TodoListId(row.id),
            name: row.name,
            version: row.version,
            created_at: row.created_at.to_datetime(),
            updated_at: row.updated_at.to_datetime(),
        }
    }
}

macro_rules! select {
    () => {
        "SELECT id, name, version, created_at, updated_at FROM todo_list WHERE owner_id = $1"
    };
}

/// Adds a list.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, owner: UserId, id: TodoListId, name: &str, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO todo_list (id, owner_id, name, version, created_at, updated_at) \
        VALUES ($1, $2, $3, 1, $4, $4)";
    q!(tx.tx, execute, INSERT, id.uuid(), owner.uuid(), name, now).map(|_| ())
}

/// How many lists somebody has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_owner(tx: &mut Tx, owner: UserId) -> Result<u64, DbError> {
    let count: i64 = q!(tx.tx, scalar, "SELECT COUNT(*) FROM todo_list WHERE owner_id = $1", owner.uuid())?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// All lists of somebody, the oldest first. There are not many.
///
/// # Errors
/// When the database fails.
pub async fn all_of_owner(db: &Db, owner: UserId) -> Result<Vec<TodoList>, DbError> {
    const SELECT: &str = concat!(select!(), " ORDER BY created_at, id");
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, owner.uuid())?;
    Ok(rows.into_iter().map(TodoList::from).collect())
}

/// A list of somebody.
///
/// # Errors
/// When the database fails.
pub async fn find_of_owner(db: &Db, owner: UserId, id: TodoListId) -> Result<Option<TodoList>, DbError> {
    const SELECT: &str = concat!(select!(), " AND id = $2");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, owner.uuid(), id.uuid())?;
    Ok(row.map(TodoList::from))
}

/// A list of somebody whose row is held.
///
/// # Errors
/// When the database fails.
pub async fn read_of_owner(tx: &mut Tx, owner: UserId, id: TodoListId) -> Result<Option<TodoList>, DbError> {
    const SELECT: &str = concat!(select!(), " AND id = $2");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, owner.uuid(), id.uuid())?;
    Ok(row.map(TodoList::from))
}

/// Renames a list, if it is still at the version before `version`. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn rename(
    tx: &mut Tx,
    owner: UserId,
    id: TodoListId,
    (name, version): (&str, i64),
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE todo_list SET name = $3, version = $4, updated_at = $5 \
        WHERE id = $1 AND owner_id = $2 AND version = $4 - 1";
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), owner.uuid(), name, version, now)? == 1)
}

/// Removes a list. What stands in it, also in the bin, stands in none from then on.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, owner: UserId, id: TodoListId, now: Ts) -> Result<bool, DbError> {
    const EMPTY: &str = "UPDATE todo SET list_id = NULL, version = version + 1, updated_at = $3 \
        WHERE list_id = $1 AND owner_id = $2";
    const DELETE: &str = "DELETE FROM todo_list WHERE id = $1 AND owner_id = $2";
    q!(tx.tx, execute, EMPTY, id.uuid(), owner.uuid(), now)?;
    Ok(q!(tx.tx, execute, DELETE, id.uuid(), owner.uuid())? == 1)
}
