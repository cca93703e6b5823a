//! What a person did to events, sagas and jobs, and why: one line each, in the same transaction as the deed.

mod store;

use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError, Tx};
use crate::http::Page;
use serde::Serialize;
use serde_json::Value;
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
    store::insert(t, clock.now(), operator, action, subject, detail).await
}

/// The newest lines.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, page: Page) -> Result<Vec<Deed>, DbError> {
    store::list(db, page).await
}
