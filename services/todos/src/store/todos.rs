//! Todos as lists: filtered, sorted, a page at a time, always of one owner.

use super::corrupt;
use super::todo::columns;
use crate::domain::cursor::{Cursor, Order, SortBy, Value};
use crate::domain::rank::Rank;
use crate::domain::texts;
use crate::domain::todo::Todo;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, q};
use chassis::http::SortKey;
use contract::ids::{TodoListId, UserId};
use contract::todos::ListTodos;

impl SortKey for SortBy {
    const KEYS: &'static [(&'static str, Self)] = &[
        ("position", Self::Position),
        ("createdAt", Self::CreatedAt),
        ("updatedAt", Self::UpdatedAt),
        ("title", Self::Title),
        ("completed", Self::Completed),
        ("dueAt", Self::DueAt),
    ];
}

/// What is due never is due last: in the last second that can be written.
const NEVER: Ts = Ts::from_secs(253_402_300_799);

/// The column, and the parameter with which a cursor's value is compared with it.
const fn column(by: SortBy) -> (&'static str, &'static str) {
    match by {
        SortBy::Position => ("t.rank", "$8"),
        SortBy::CreatedAt => ("t.created_at", "$9"),
        SortBy::UpdatedAt => ("t.updated_at", "$9"),
        SortBy::Title => ("t.title_key", "$10"),
        SortBy::Completed => ("CASE WHEN t.completed_at IS NULL THEN 0 ELSE 1 END", "$11"),
        SortBy::DueAt => ("COALESCE(t.due_at, $13)", "$9"),
    }
}

/// What every row must be; a parameter that no filter uses is bound and left alone.
fn condition(engine: Engine, filter: &ListTodos) -> String {
    let mut all = vec!["t.owner_id = $1"];
    all.push(if filter.deleted { "t.deleted_at IS NOT NULL" } else { "t.deleted_at IS NULL" });
    match filter.completed {
        Some(true) => all.push("t.completed_at IS NOT NULL"),
        Some(false) => all.push("t.completed_at IS NULL"),
        None => {}
    }
    if filter.title_contains.is_some() {
        // No pattern, so no character of the client's has a meaning.
        all.push(match engine {
            Engine::Sqlite => "instr(t.title_key, $2) > 0",
            Engine::Postgres => "strpos(t.title_key, $2) > 0",
        });
    }
    if filter.list.is_some() {
        all.push("t.list_id = $3");
    }
    match filter.unlisted {
        Some(true) => all.push("t.list_id IS NULL"),
        Some(false) => all.push("t.list_id IS NOT NULL"),
        None => {}
    }
    if filter.tag.is_some() {
        all.push(match engine {
            Engine::Sqlite => "EXISTS (SELECT 1 FROM json_each(t.tags) j WHERE j.value = $4)",
            Engine::Postgres => "jsonb_exists(t.tags, $4)",
        });
    }
    if filter.due_before.is_some() {
        all.push("t.due_at < $5");
    }
    if filter.due_after.is_some() {
        all.push("t.due_at >= $6");
    }
    match filter.overdue {
        Some(true) => all.push("t.due_at < $7 AND t.completed_at IS NULL"),
        Some(false) => all.push("(t.due_at IS NULL OR t.due_at >= $7 OR t.completed_at IS NOT NULL)"),
        None => {}
    }
    all.join(" AND ")
}

/// What the filter is compared with.
struct Given {
    contains: Option<String>,
    list: Option<uuid::Uuid>,
    tag: Option<String>,
    before: Option<Ts>,
    after: Option<Ts>,
}

impl Given {
    fn of(filter: &ListTodos) -> Self {
        Self {
            contains: filter.title_contains.as_deref().map(texts::key),
            list: filter.list.map(TodoListId::uuid),
            tag: filter.tag.as_deref().map(|tag| texts::key(tag.trim())),
            before: filter.due_before.map(Ts::from_datetime),
            after: filter.due_after.map(Ts::from_datetime),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    todo: super::todo::Row,
    title_key: String,
    rank: Vec<u8>,
    numbering: i64,
}

/// A row of a page, and the cursor of the page that begins behind it.
pub struct Listed {
    /// The todo.
    pub todo: Todo,
    title_key: String,
    rank: Rank,
    /// How often all places have been given anew.
    pub numbering: i64,
}

impl TryFrom<Row> for Listed {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let rank = Rank::of_bytes(row.rank).ok_or_else(|| corrupt("the place"))?;
        Ok(Self { todo: row.todo.into(), title_key: row.title_key, rank, numbering: row.numbering })
    }
}

impl Listed {
    /// The place behind this row in a list that is sorted by `by`.
    #[must_use]
    pub fn cursor(&self, by: SortBy) -> Cursor {
        let value = match by {
            SortBy::Position => Value::Place(self.rank.clone(), self.numbering),
            SortBy::CreatedAt => Value::Time(self.todo.created_at),
            SortBy::UpdatedAt => Value::Time(self.todo.updated_at),
            SortBy::Title => Value::Text(self.title_key.clone()),
            SortBy::Completed => Value::Flag(self.todo.completed_at.is_some()),
            SortBy::DueAt => Value::Time(self.todo.due_at.unwrap_or(NEVER)),
        };
        Cursor { value, id: self.todo.id.uuid() }
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// Behind so many rows.
    Offset(i64),
    /// Behind a row.
    Cursor(&'a Cursor),
}

/// Todos of somebody that the filter lets through, in this order, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn page_of_owner(
    db: &Db,
    owner: UserId,
    (filter, now): (&ListTodos, Ts),
    (by, descending): Order,
    start: Start<'_>,
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let (column, parameter) = column(by);
    let (direction, than) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    let (offset, after) = match start {
        Start::Offset(offset) => (offset, None),
        Start::Cursor(cursor) => (0, Some(cursor)),
    };
    let behind =
        after.map_or_else(String::new, |_| format!(" AND ({column}, t.id) {than} ({parameter}, $12)"));
    let select = format!(
        concat!(
            "SELECT ",
            columns!(),
            ", t.title_key, t.rank, COALESCE(o.numbering, 0) AS numbering FROM todo t \
             LEFT JOIN todo_owner o ON o.owner_id = t.owner_id \
             WHERE {}{} ORDER BY {} {}, t.id {} LIMIT $14 OFFSET $15"
        ),
        condition(db.engine(), filter),
        behind,
        column,
        direction,
        direction
    );
    let sql = AssertSqlSafe(select.as_str());
    let Given { contains, list, tag, before, after: due_after } = Given::of(filter);
    let (contains, tag, id) = (contains.as_deref(), tag.as_deref(), after.map(|after| after.id));
    let (mut at_place, mut at_time, mut at_text, mut at_flag) = (None, None, None, None);
    match after.map(|after| &after.value) {
        Some(Value::Place(rank, _)) => at_place = Some(rank.as_bytes()),
        Some(Value::Time(at)) => at_time = Some(*at),
        Some(Value::Text(text)) => at_text = Some(text.as_str()),
        Some(Value::Flag(flag)) => at_flag = Some(i64::from(*flag)),
        None => {}
    }
    let rows: Vec<Row> = q!(
        db.read,
        fetch_all,
        sql,
        owner.uuid(),
        contains,
        list,
        tag,
        before,
        due_after,
        now,
        at_place,
        at_time,
        at_text,
        at_flag,
        id,
        NEVER,
        limit,
        offset
    )?;
    rows.into_iter().map(Listed::try_from).collect()
}

/// How many todos of somebody the filter lets through.
///
/// # Errors
/// When the database fails.
pub async fn count_of_owner(db: &Db, owner: UserId, filter: &ListTodos, now: Ts) -> Result<u64, DbError> {
    let count = format!("SELECT COUNT(*) FROM todo t WHERE {}", condition(db.engine(), filter));
    let sql = AssertSqlSafe(count.as_str());
    let Given { contains, list, tag, before, after } = Given::of(filter);
    let (contains, tag) = (contains.as_deref(), tag.as_deref());
    let total: i64 = q!(db.read, scalar, sql, owner.uuid(), contains, list, tag, before, after, now)?;
    u64::try_from(total).map_err(|_| corrupt("the number"))
}
