//! What calls of models come to, added up for the reports. Calls that are under way are not in it.

use crate::domain::number::count;
use crate::domain::period::day_of;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::Page;
use contract::assistant::{GroupBy, UsageOf};
use contract::ids::{OrganizationId, UserId};
use uuid::Uuid;

/// Which calls.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Made from this time on.
    pub from: Ts,
    /// Made before this time.
    pub to: Ts,
    /// Only this person's.
    pub user: Option<UserId>,
    /// Only this organisation's.
    pub organization: Option<OrganizationId>,
    /// Only of this model.
    pub model: Option<String>,
}

/// A row of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// What it is about.
    pub of: UsageOf,
    /// Calls.
    pub calls: u64,
    /// How many of them were counted by an estimate.
    pub estimated: u64,
    /// Tokens that were sent.
    pub prompt_tokens: u64,
    /// Tokens that were written.
    pub completion_tokens: u64,
    /// What they cost.
    pub cost_micros: u64,
}

impl Filter {
    /// The condition of the filters that are set; a parameter that none of them uses is bound and left alone.
    fn condition(&self) -> String {
        let mut all = vec!["state <> 'RESERVED'", "created_at >= $1", "created_at < $2"];
        if self.user.is_some() {
            all.push("user_id = $3");
        }
        if self.organization.is_some() {
            all.push("organization_id = $4");
        }
        if self.model.is_some() {
            all.push("model = $5");
        }
        all.join(" AND ")
    }
}

/// What is added up, in the order of [`Sums`].
const SUMS: &str = "COUNT(*), CAST(SUM(CASE WHEN estimated THEN 1 ELSE 0 END) AS BIGINT), \
    CAST(SUM(prompt_tokens) AS BIGINT), CAST(SUM(completion_tokens) AS BIGINT), CAST(SUM(cost_micros) AS BIGINT)";

type Sums = (i64, i64, i64, i64, i64);

fn sum(of: UsageOf, (calls, estimated, prompt, completion, cost): Sums) -> Sum {
    Sum {
        of,
        calls: count(calls),
        estimated: count(estimated),
        prompt_tokens: count(prompt),
        completion_tokens: count(completion),
        cost_micros: count(cost),
    }
}

/// A page of the sums of the calls that the filter lets through, and how many rows there are. Days come in their order; of the
/// others what cost most comes first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, by: GroupBy, filter: &Filter, page: Page) -> Result<(Vec<Sum>, u64), DbError> {
    let (key, order) = match by {
        GroupBy::Day => ("day_at", "day_at"),
        GroupBy::User => ("user_id", "SUM(cost_micros) DESC, user_id"),
        GroupBy::Organization => ("organization_id", "SUM(cost_micros) DESC, organization_id"),
        GroupBy::Model => ("provider, model", "SUM(cost_micros) DESC, provider, model"),
    };
    let condition = filter.condition();
    let select = format!(
        "SELECT {SUMS}, {key} FROM model_call WHERE {condition} GROUP BY {key} ORDER BY {order} LIMIT $6 OFFSET $7"
    );
    let rows = format!(
        "SELECT COUNT(*) FROM (SELECT {key} FROM model_call WHERE {condition} GROUP BY {key}) AS rows_of_it"
    );
    let (user, organization) = (filter.user.map(UserId::uuid), filter.organization.map(OrganizationId::uuid));
    let (from, to, model) = (filter.from, filter.to, filter.model.as_deref());
    let (limit, offset) = (i64::from(page.limit), page.offset());
    macro_rules! read {
        () => {
            q!(
                db.read,
                fetch_all,
                AssertSqlSafe(select.as_str()),
                from,
                to,
                user,
                organization,
                model,
                limit,
                offset
            )?
        };
    }
    let sums: Vec<Sum> = match by {
        GroupBy::Day => {
            let rows: Vec<(i64, i64, i64, i64, i64, Ts)> = read!();
            let of = |(a, b, c, d, e, day)| {
                sum(UsageOf { day: Some(day_of(day)), ..UsageOf::default() }, (a, b, c, d, e))
            };
            rows.into_iter().map(of).collect()
        }
        GroupBy::User => {
            let rows: Vec<(i64, i64, i64, i64, i64, Uuid)> = read!();
            let of = |(a, b, c, d, e, user)| {
                sum(UsageOf { user: Some(UserId(user)), ..UsageOf::default() }, (a, b, c, d, e))
            };
            rows.into_iter().map(of).collect()
        }
        GroupBy::Organization => {
            let rows: Vec<(i64, i64, i64, i64, i64, Option<Uuid>)> = read!();
            let of = |(a, b, c, d, e, organization): (_, _, _, _, _, Option<Uuid>)| {
                let organization = organization.map(OrganizationId);
                sum(UsageOf { organization, ..UsageOf::default() }, (a, b, c, d, e))
            };
            rows.into_iter().map(of).collect()
        }
        GroupBy::Model => {
            let rows: Vec<(i64, i64, i64, i64, i64, String, String)> = read!();
            let of = |(a, b, c, d, e, provider, model)| {
                let of = UsageOf { provider: Some(provider), model: Some(model), ..UsageOf::default() };
                sum(of, (a, b, c, d, e))
            };
            rows.into_iter().map(of).collect()
        }
    };
    let total: i64 = q!(db.read, scalar, AssertSqlSafe(rows.as_str()), from, to, user, organization, model)?;
    Ok((sums, count(total)))
}
