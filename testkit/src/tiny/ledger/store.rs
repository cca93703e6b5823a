//! The only SQL of the ledger.

use super::app::{Entry, PostEntry, Trouble};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    account: String,
    sequence: i64,
    amount: i64,
    trouble: Json<Trouble>,
}

impl From<Row> for Entry {
    fn from(Row { id, account, sequence, amount, trouble }: Row) -> Self {
        Self { id, account, sequence, amount, trouble: trouble.0 }
    }
}

/// What the ledger has.
#[derive(Debug, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Books {
    /// Entries.
    pub(super) entries: i64,
    /// The sum of their amounts.
    pub(super) sum: i64,
    /// Entries as the accounts have counted them.
    pub(super) numbered: i64,
}

/// An entry by its id.
pub(super) async fn find(db: &Db, id: Uuid) -> Result<Option<Entry>, DbError> {
    const SELECT: &str = "SELECT id, account, sequence, amount, trouble FROM entry WHERE id = $1";
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id)?;
    Ok(row.map(Entry::from))
}

/// Adds an entry with the next number of its account, and holds the account until the transaction ends. `None` when
/// there is one with this id; the number is taken then, so the transaction is to be undone.
pub(super) async fn insert(t: &mut Tx, asked: &PostEntry, now: Ts) -> Result<Option<Entry>, DbError> {
    const NUMBER: &str = "INSERT INTO account (name, entries, amount) VALUES ($1, 1, $2) \
        ON CONFLICT (name) DO UPDATE SET entries = account.entries + 1, amount = account.amount + excluded.amount \
        RETURNING entries";
    const INSERT: &str = "INSERT INTO entry (id, account, sequence, amount, trouble, posted_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
    let PostEntry { id, account, amount, trouble } = asked;
    let sequence: i64 = q!(t.tx, scalar, NUMBER, account, amount)?;
    let added = q!(t.tx, execute, INSERT, id, account, sequence, amount, Json(trouble), now)?;
    let entry = || Entry { id: *id, account: account.clone(), sequence, amount: *amount, trouble: *trouble };
    Ok((added == 1).then(entry))
}

/// Entries after an id, in the order of ids.
pub(super) async fn list(db: &Db, after: Uuid, limit: i64) -> Result<Vec<Entry>, DbError> {
    const SELECT: &str =
        "SELECT id, account, sequence, amount, trouble FROM entry WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, after, limit)?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// What there is.
pub(super) async fn books(db: &Db) -> Result<Books, DbError> {
    const SELECT: &str = "SELECT e.entries, e.sum, a.numbered FROM \
        (SELECT COUNT(*) AS entries, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS sum FROM entry) e, \
        (SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS numbered FROM account) a";
    q!(db.read, fetch_one, SELECT)
}
