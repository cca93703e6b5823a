//! The statements of the operator log.

use super::{Deed, Operator};
use crate::clock::Ts;
use crate::db::{Db, DbError, Tx};
use crate::http::Page;
use crate::q;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

pub(super) async fn insert(
    t: &mut Tx,
    now: Ts,
    Operator { who, reason }: &Operator,
    action: &str,
    subject: &str,
    detail: Value,
) -> Result<(), DbError> {
    let sql = "INSERT INTO operator_log (id, at, who, action, subject, reason, detail)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (id, detail) = (Uuid::now_v7(), Json(detail));
    q!(t.tx, execute, sql, id, now, who, action, subject, reason, &detail).map(|_| ())
}

/// The newest first.
pub(super) async fn list(db: &Db, page: Page) -> Result<Vec<Deed>, DbError> {
    let sql = "SELECT id, at, who, action, subject, reason, detail FROM operator_log
               ORDER BY at DESC, id DESC LIMIT $1 OFFSET $2";
    q!(db.read, fetch_all, sql, i64::from(page.limit), page.offset())
}
