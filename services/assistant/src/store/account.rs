//! What somebody has spent in a day or a month, and what is reserved.
//!
//! Whoever changes several accounts in one transaction does so in the order of [`Account`], so that no two wait for each other.

use crate::domain::budget::Limit;
use crate::domain::period::Period;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use contract::assistant::BudgetScope;
use uuid::Uuid;

/// Which account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// Whose: a person's or an organisation's.
    pub scope: BudgetScope,
    /// The person or the organisation.
    pub subject: Uuid,
    /// Of a day or a month.
    pub period: Period,
    /// When that began.
    pub began_at: Ts,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// What calls that are under way may use at most.
    pub reserved: Limit,
    /// What was used.
    pub spent: Limit,
}

/// Reserves, if what is spent and reserved leaves room for it under the limit. Tells whether it did.
///
/// One statement decides and takes, on a row that it locks: however many come at once, no two get the same room.
///
/// # Errors
/// When the database fails.
pub async fn reserve(t: &mut Tx, of: Account, wanted: Limit, limit: Limit) -> Result<bool, DbError> {
    const OPEN: &str = "INSERT INTO account (scope, subject_id, period, began_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (scope, subject_id, period, began_at) DO NOTHING";
    // Written so that no sum is too large for the database: what is there is never negative.
    const RESERVE: &str = "UPDATE account SET reserved_tokens = reserved_tokens + $5, reserved_micros = reserved_micros + $6 \
        WHERE scope = $1 AND subject_id = $2 AND period = $3 AND began_at = $4 \
        AND reserved_tokens <= $7 - spent_tokens AND reserved_micros <= $8 - spent_micros";
    let (scope, period) = (of.scope.as_str(), of.period.as_str());
    let tokens = limit.tokens.saturating_sub(wanted.tokens);
    let micros = limit.micros.saturating_sub(wanted.micros);
    q!(t.tx, execute, OPEN, scope, of.subject, period, of.began_at)?;
    let reserved = q!(
        t.tx,
        execute,
        RESERVE,
        scope,
        of.subject,
        period,
        of.began_at,
        wanted.tokens,
        wanted.micros,
        tokens,
        micros
    )?;
    Ok(reserved == 1)
}

/// Takes a reservation away, and adds what was spent in its place; either may be nothing, and what is spent may go down when
/// it was counted too high.
///
/// # Errors
/// When the database fails.
pub async fn settle(t: &mut Tx, of: Account, reserved: Limit, spent: Limit) -> Result<(), DbError> {
    const SETTLE: &str = "UPDATE account SET reserved_tokens = reserved_tokens - $5, reserved_micros = reserved_micros - $6, \
        spent_tokens = spent_tokens + $7, spent_micros = spent_micros + $8 \
        WHERE scope = $1 AND subject_id = $2 AND period = $3 AND began_at = $4";
    let (scope, period) = (of.scope.as_str(), of.period.as_str());
    q!(
        t.tx,
        execute,
        SETTLE,
        scope,
        of.subject,
        period,
        of.began_at,
        reserved.tokens,
        reserved.micros,
        spent.tokens,
        spent.micros
    )
    .map(|_| ())
}

/// How an account stands; one that nobody has used stands at nothing.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, of: Account) -> Result<Standing, DbError> {
    const SELECT: &str = "SELECT reserved_tokens, reserved_micros, spent_tokens, spent_micros FROM account \
        WHERE scope = $1 AND subject_id = $2 AND period = $3 AND began_at = $4";
    let (scope, period) = (of.scope.as_str(), of.period.as_str());
    let row: Option<(i64, i64, i64, i64)> =
        q!(t.tx, fetch_optional, SELECT, scope, of.subject, period, of.began_at)?;
    Ok(row.map_or_else(Standing::default, |(reserved_tokens, reserved_micros, tokens, micros)| Standing {
        reserved: Limit { tokens: reserved_tokens, micros: reserved_micros },
        spent: Limit { tokens, micros },
    }))
}

/// Removes accounts that began before this time, some at once. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_before(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    let delete = format!(
        "DELETE FROM account WHERE (scope, subject_id, period, began_at) IN (SELECT scope, subject_id, period, began_at \
         FROM account WHERE began_at < $1 ORDER BY began_at LIMIT $2 {})",
        db.skip_locked()
    );
    q!(db.write, execute, AssertSqlSafe(delete.as_str()), before, limit)
}
