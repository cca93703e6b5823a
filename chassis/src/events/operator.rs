//! What a person did to events and sagas, and why: one line each, in the same transaction as the deed.

use crate::clock::Clock;
use crate::clock::Ts;
use crate::db::{Db, DbError, Tx};
use crate::http::Page;
use crate::q;
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

/// Who interferes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The person, as the system that let them in knows them.
    pub who: String,
    /// Why, for whoever reads it later.
    pub reason: String,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// Its id.
    pub id: Uuid,
    /// When it was done.
    pub at: Ts,
    /// Who did it.
    pub who: String,
    /// What was done: `event.replay`, `saga.skip`.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// What else is to be known, such as the value before.
    #[sqlx(json)]
    pub detail: Value,
}

/// Writes a line, in the transaction of the deed itself: neither is there without the other.
///
/// # Errors
/// When the statement fails.
pub async fn note(
    t: &mut Tx,
    clock: &Clock,
    operator: &Operator,
    action: &str,
    subject: &str,
    detail: Value,
) -> Result<(), DbError> {
    let sql = "INSERT INTO operator_log (id, at, who, action, subject, reason, detail)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let Operator { who, reason } = operator;
    let (id, now, detail) = (Uuid::now_v7(), clock.now(), Json(detail));
    q!(t.tx, execute, sql, id, now, who, action, subject, reason, &detail).map(|_| ())
}

/// The newest lines.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, page: Page) -> Result<Vec<Deed>, DbError> {
    let sql = "SELECT id, at, who, action, subject, reason, detail FROM operator_log
               ORDER BY at DESC, id DESC LIMIT $1 OFFSET $2";
    q!(db.read, fetch_all, sql, i64::from(page.limit), page.offset())
}
