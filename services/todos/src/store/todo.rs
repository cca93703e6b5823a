//! Todos, one by one and by their identifiers, always of one owner.

use super::corrupt;
use crate::domain::rank::Rank;
use crate::domain::texts;
use crate::domain::todo::Todo;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Engine, Tx, q};
use contract::ids::{TodoId, TodoListId, UserId};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    owner_id: Uuid,
    list_id: Option<Uuid>,
    title: String,
    notes: Option<String>,
    tags: Json<Vec<String>>,
    due_at: Option<Ts>,
    completed_at: Option<Ts>,
    version: i64,
    created_at: Ts,
    updated_at: Ts,
    deleted_at: Option<Ts>,
}

impl From<Row> for Todo {
    fn from(row: Row) -> Self {
        Self {
            id: TodoId(row.id),
            owner: UserId(row.owner_id),
            list: row.list_id.map(TodoListId),
            title: row.title,
            notes: row.notes,
            tags: row.tags.0,
            due_at: row.due_at,
            completed_at: row.completed_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        }
    }
}

macro_rules! columns {
    () => {
        "t.id, t.owner_id, t.list_id, t.title, t.notes, t.tags, t.due_at, t.completed_at, t.version, t.created_at, \
         t.updated_at, t.deleted_at"
    };
}
pub(super) use columns;

/// Adds a todo at a place.
///
/// # Errors
/// When the database fails, also when the place is taken.
pub async fn insert(tx: &mut Tx, todo: &Todo, rank: &Rank) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO todo (id, owner_id, list_id, title, title_key, notes, tags, due_at, completed_at, \
        rank, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    q!(
        tx.tx,
        execute,
        INSERT,
        todo.id.uuid(),
        todo.owner.uuid(),
        todo.list.map(TodoListId::uuid),
        &todo.title,
        texts::key(&todo.title),
        &todo.notes,
        Json(&todo.tags),
        todo.due_at,
        todo.completed_at,
        rank.as_bytes(),
        todo.version,
        todo.created_at,
        todo.updated_at
    )
    .map(|_| ())
}

/// How many todos somebody has, with those in the bin.
///
/// # Errors
/// When the database fails.
pub async fn count_of_owner(tx: &mut Tx, owner: UserId) -> Result<u64, DbError> {
    let count: i64 = q!(tx.tx, scalar, "SELECT COUNT(*) FROM todo WHERE owner_id = $1", owner.uuid())?;
    u64::try_from(count).map_err(|_| corrupt("the number"))
}

/// A todo of somebody, also one in the bin.
///
/// # Errors
/// When the database fails.
pub async fn find_of_owner(db: &Db, owner: UserId, id: TodoId) -> Result<Option<Todo>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM todo t WHERE t.id = $1 AND t.owner_id = $2");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid(), owner.uuid())?;
    Ok(row.map(Todo::from))
}

/// A todo of somebody whose row is held, also one in the bin.
///
/// # Errors
/// When the database fails.
pub async fn read_of_owner(tx: &mut Tx, owner: UserId, id: TodoId) -> Result<Option<Todo>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM todo t WHERE t.id = $1 AND t.owner_id = $2");
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, id.uuid(), owner.uuid())?;
    Ok(row.map(Todo::from))
}

/// These todos of somebody whose row is held, in this order, also those in the bin; `None` for one that is not there.
///
/// # Errors
/// When the database fails.
pub async fn read_many_of_owner(
    tx: &mut Tx,
    owner: UserId,
    ids: &[TodoId],
) -> Result<Vec<Option<Todo>>, DbError> {
    const SQLITE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM todo t WHERE t.owner_id = $1 AND t.id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($2))"
    );
    const POSTGRES: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM todo t WHERE t.owner_id = $1 AND t.id IN (SELECT value::uuid FROM jsonb_array_elements_text($2))"
    );
    let select = match tx.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    let rows: Vec<Row> = q!(tx.tx, fetch_all, select, owner.uuid(), Json(ids))?;
    let mut found: HashMap<Uuid, Todo> = rows.into_iter().map(|row| (row.id, Todo::from(row))).collect();
    Ok(ids.iter().map(|id| found.remove(&id.uuid())).collect())
}

/// Keeps a todo as it is now, if it is still at the version before. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn replace(tx: &mut Tx, todo: &Todo) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE todo SET list_id = $4, title = $5, title_key = $6, notes = $7, tags = $8, due_at = $9, \
        completed_at = $10, deleted_at = $11, updated_at = $12, version = $3 \
        WHERE id = $1 AND owner_id = $2 AND version = $3 - 1";
    let replaced = q!(
        tx.tx,
        execute,
        UPDATE,
        todo.id.uuid(),
        todo.owner.uuid(),
        todo.version,
        todo.list.map(TodoListId::uuid),
        &todo.title,
        texts::key(&todo.title),
        &todo.notes,
        Json(&todo.tags),
        todo.due_at,
        todo.completed_at,
        todo.deleted_at,
        todo.updated_at
    )?;
    Ok(replaced == 1)
}

/// Removes everything in somebody's bin for good. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_bin_of_owner(tx: &mut Tx, owner: UserId) -> Result<u64, DbError> {
    const DELETE: &str = "DELETE FROM todo WHERE owner_id = $1 AND deleted_at IS NOT NULL";
    q!(tx.tx, execute, DELETE, owner.uuid())
}

/// Removes what has been in a bin since before `before` for good, a few at a time. Says how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_binned(db: &Db, before: Ts, batch: i64) -> Result<u64, DbError> {
    // Asked again outside: one that is restored while this waits for its row stays.
    const DELETE: &str = "DELETE FROM todo WHERE id IN (SELECT id FROM todo WHERE deleted_at < $1 ORDER BY deleted_at \
        LIMIT $2) AND deleted_at < $1";
    q!(db.write, execute, DELETE, before, batch)
}
