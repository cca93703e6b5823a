//! What was set for somebody.

use crate::domain::number::{count, whole};
use chassis::clock::Ts;
use chassis::db::{DbError, Tx, q};
use contract::assistant::{BudgetScope, SetBudget};
use contract::ids::UserId;
use uuid::Uuid;

/// What was set for a person or an organisation.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, scope: BudgetScope, subject: Uuid) -> Result<Option<SetBudget>, DbError> {
    const SELECT: &str = "SELECT day_tokens, month_tokens, day_micros, month_micros FROM budget \
        WHERE scope = $1 AND subject_id = $2";
    type Row = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, scope.as_str(), subject)?;
    Ok(row.map(|(day_tokens, month_tokens, day_micros, month_micros)| SetBudget {
        day_tokens: day_tokens.map(count),
        month_tokens: month_tokens.map(count),
        day_cost_micros: day_micros.map(count),
        month_cost_micros: month_micros.map(count),
    }))
}

/// Sets a whole budget.
///
/// # Errors
/// When the database fails.
pub async fn put(
    t: &mut Tx,
    (scope, subject): (BudgetScope, Uuid),
    set: &SetBudget,
    (by, now): (UserId, Ts),
) -> Result<(), DbError> {
    const PUT: &str = "INSERT INTO budget (scope, subject_id, day_tokens, month_tokens, day_micros, month_micros, set_by, set_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope, subject_id) DO UPDATE SET day_tokens = excluded.day_tokens, \
        month_tokens = excluded.month_tokens, day_micros = excluded.day_micros, month_micros = excluded.month_micros, \
        set_by = excluded.set_by, set_at = excluded.set_at";
    let SetBudget { day_tokens, month_tokens, day_cost_micros, month_cost_micros } = *set;
    q!(
        t.tx,
        execute,
        PUT,
        scope.as_str(),
        subject,
        day_tokens.map(whole),
        month_tokens.map(whole),
        day_cost_micros.map(whole),
        month_cost_micros.map(whole),
        by.uuid(),
        now
    )
    .map(|_| ())
}
