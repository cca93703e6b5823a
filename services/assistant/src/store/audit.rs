//! What an audit compares.

use crate::domain::number::count;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use uuid::Uuid;

/// An account that does not stand where its calls bring it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose account, and of which period.
    pub of: (String, Uuid, String),
    /// By how much its reserved tokens and cost are too high.
    pub reserved: (i64, i64),
    /// By how much its spent tokens and cost are too high.
    pub spent: (i64, i64),
}

/// Accounts of periods that began at `since` or later which do not stand where their calls bring them. One statement: it sees
/// one moment.
///
/// # Errors
/// When the database fails.
pub async fn differences(db: &Db, since: Ts, limit: i64) -> Result<Vec<Difference>, DbError> {
    let called = |scope: &str, subject: &str, period: &str, began: &str| {
        let reserved =
            |what: &str| format!("CAST(SUM(CASE WHEN state = 'RESERVED' THEN {what} ELSE 0 END) AS BIGINT)");
        let spent =
            |what: &str| format!("CAST(SUM(CASE WHEN state = 'RESERVED' THEN 0 ELSE {what} END) AS BIGINT)");
        format!(
            "SELECT '{scope}' AS scope, {subject} AS subject_id, '{period}' AS period, {began} AS began_at, \
             {} AS reserved_tokens, {} AS reserved_micros, {} AS spent_tokens, {} AS spent_micros \
             FROM model_call WHERE {began} >= $1 AND {subject} IS NOT NULL GROUP BY {subject}, {began}",
            reserved("reserved_prompt + reserved_completion"),
            reserved("reserved_micros"),
            spent("prompt_tokens + completion_tokens"),
            spent("cost_micros"),
        )
    };
    let all = [("USER", "user_id"), ("ORGANIZATION", "organization_id")]
        .into_iter()
        .flat_map(|(scope, subject)| {
            [("DAY", "day_at"), ("MONTH", "month_at")]
                .map(|(period, began)| called(scope, subject, period, began))
        })
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    let select = format!(
        "SELECT * FROM (SELECT a.scope, a.subject_id, a.period, a.reserved_tokens - COALESCE(c.reserved_tokens, 0) AS rt, \
         a.reserved_micros - COALESCE(c.reserved_micros, 0) AS rm, a.spent_tokens - COALESCE(c.spent_tokens, 0) AS st, \
         a.spent_micros - COALESCE(c.spent_micros, 0) AS sm FROM account a LEFT JOIN ({all}) AS c ON c.scope = a.scope \
         AND c.subject_id = a.subject_id AND c.period = a.period AND c.began_at = a.began_at WHERE a.began_at >= $1) AS compared \
         WHERE rt <> 0 OR rm <> 0 OR st <> 0 OR sm <> 0 LIMIT $2"
    );
    let sql = AssertSqlSafe(select.as_str());
    let rows: Vec<(String, Uuid, String, i64, i64, i64, i64)> = q!(db.read, fetch_all, sql, since, limit)?;
    let of = |(scope, subject, period, a, b, c, d)| Difference {
        of: (scope, subject, period),
        reserved: (a, b),
        spent: (c, d),
    };
    Ok(rows.into_iter().map(of).collect())
}

/// How many accounts there are of periods that began at `since` or later.
///
/// # Errors
/// When the database fails.
pub async fn count_accounts(db: &Db, since: Ts) -> Result<u64, DbError> {
    const COUNT: &str = "SELECT COUNT(*) FROM account WHERE began_at >= $1";
    let all: i64 = q!(db.read, scalar, COUNT, since)?;
    Ok(count(all))
}
