//! Calls of models: reserved, then settled, or expired when whoever made one has died.

use super::account::Account;
use crate::domain::budget::{Limit, Tokens};
use crate::domain::number::whole;
use crate::domain::period::Period;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use contract::assistant::BudgetScope;
use contract::ids::{ConversationId, MessageId, OrganizationId, UserId};
use uuid::Uuid;

/// A call that is about to be made.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// Its identifier.
    pub id: Uuid,
    /// The conversation that it is for.
    pub conversation: ConversationId,
    /// The answer that it is for.
    pub message: MessageId,
    /// Whose budget it counts against.
    pub user: UserId,
    /// And which organisation's.
    pub organization: Option<OrganizationId>,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What it may use at most.
    pub reserved: Tokens,
    /// What that costs.
    pub reserved_micros: u64,
    /// When it is made.
    pub at: Ts,
    /// When whoever makes it must have died.
    pub expires_at: Ts,
}

impl NewCall {
    /// What it takes out of each account at most.
    #[must_use]
    pub fn wanted(&self) -> Limit {
        Limit::new(self.reserved.sum(), self.reserved_micros)
    }

    /// The accounts that it counts in, in their order.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let began = (Period::Day.begin(self.at), Period::Month.begin(self.at));
        accounts(self.user, self.organization, began)
    }
}

/// The accounts of who asks, in their order.
fn accounts(user: UserId, organization: Option<OrganizationId>, (day, month): (Ts, Ts)) -> Vec<Account> {
    let organization = organization.map(|organization| (BudgetScope::Organization, organization.uuid()));
    let of = |(scope, subject)| {
        [(Period::Day, day), (Period::Month, month)].map(|(period, began_at)| Account {
            scope,
            subject,
            period,
            began_at,
        })
    };
    [Some((BudgetScope::User, user.uuid())), organization].into_iter().flatten().flat_map(of).collect()
}

/// What a call has reserved, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// How much.
    pub limit: Limit,
    /// In which accounts.
    pub accounts: Vec<Account>,
}

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    organization_id: Option<Uuid>,
    reserved_prompt: i64,
    reserved_completion: i64,
    reserved_micros: i64,
    day_at: Ts,
    month_at: Ts,
}

impl From<Row> for Reserved {
    fn from(row: Row) -> Self {
        let tokens = row.reserved_prompt.saturating_add(row.reserved_completion);
        let (user, organization) = (UserId(row.user_id), row.organization_id.map(OrganizationId));
        let accounts = accounts(user, organization, (row.day_at, row.month_at));
        Self { limit: Limit { tokens, micros: row.reserved_micros }, accounts }
    }
}

macro_rules! reserved {
    () => {
        "user_id, organization_id, reserved_prompt, reserved_completion, reserved_micros, day_at, month_at"
    };
}

/// Adds a call that is about to be made.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &NewCall) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO model_call (id, conversation_id, message_id, user_id, organization_id, provider, model, \
        state, reserved_prompt, reserved_completion, reserved_micros, day_at, month_at, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'RESERVED', $8, $9, $10, $11, $12, $13, $14)";
    q!(
        t.tx,
        execute,
        INSERT,
        new.id,
        new.conversation.uuid(),
        new.message.uuid(),
        new.user.uuid(),
        new.organization.map(OrganizationId::uuid),
        &new.provider,
        &new.model,
        whole(new.reserved.prompt),
        whole(new.reserved.completion),
        whole(new.reserved_micros),
        Period::Day.begin(new.at),
        Period::Month.begin(new.at),
        new.at,
        new.expires_at
    )
    .map(|_| ())
}

/// Settles a call that stands in `state`, and gives what it had reserved. `None` when it stands elsewhere.
///
/// # Errors
/// When the database fails.
pub async fn settle(
    t: &mut Tx,
    id: Uuid,
    state: Unsettled,
    (used, micros): (Tokens, u64),
    estimated: bool,
) -> Result<Option<Reserved>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE model_call SET state = 'SETTLED', prompt_tokens = $3, completion_tokens = $4, cost_micros = $5, \
        estimated = $6 WHERE id = $1 AND state = $2 RETURNING ",
        reserved!()
    );
    let (prompt, completion, micros) = (whole(used.prompt), whole(used.completion), whole(micros));
    let row: Option<Row> =
        q!(t.tx, fetch_optional, UPDATE, id, state.as_str(), prompt, completion, micros, estimated)?;
    Ok(row.map(Reserved::from))
}

/// Where a call stands that was not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It counts as reserved.
    Reserved,
    /// All that it had reserved counts as spent.
    Expired,
}

impl Unsettled {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// Counts all that a call had reserved as used, if its time is over and nobody has settled it. `None` when somebody has.
///
/// # Errors
/// When the database fails.
pub async fn expire(t: &mut Tx, id: Uuid, now: Ts) -> Result<Option<Reserved>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE model_call SET state = 'EXPIRED', prompt_tokens = reserved_prompt, completion_tokens = reserved_completion, \
        cost_micros = reserved_micros, estimated = (1 = 1) WHERE id = $1 AND state = 'RESERVED' AND expires_at <= $2 RETURNING ",
        reserved!()
    );
    let row: Option<Row> = q!(t.tx, fetch_optional, UPDATE, id, now)?;
    Ok(row.map(Reserved::from))
}

/// Calls whose time is over and that nobody has settled, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_overdue(db: &Db, now: Ts, limit: i64) -> Result<Vec<Uuid>, DbError> {
    const SELECT: &str = "SELECT id FROM model_call WHERE state = 'RESERVED' AND expires_at <= $1 ORDER BY expires_at LIMIT $2";
    let rows: Vec<(Uuid,)> = q!(db.read, fetch_all, SELECT, now, limit)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Removes calls that were made before this time and are settled, some at once. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn delete_before(db: &Db, before: Ts, limit: i64) -> Result<u64, DbError> {
    let delete = format!(
        "DELETE FROM model_call WHERE id IN (SELECT id FROM model_call WHERE created_at < $1 AND state <> 'RESERVED' \
         ORDER BY created_at LIMIT $2 {})",
        db.skip_locked()
    );
    q!(db.write, execute, AssertSqlSafe(delete.as_str()), before, limit)
}
