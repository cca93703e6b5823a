//! Budgets: reserved before a model is called, settled after, and ended for whoever died in between.
//!
//! What is reserved is the most that a call can use. So whatever calls there are at once, what is spent and reserved together
//! is never more than a limit.

use super::App;
use crate::domain::budget::{Limit, Limits, Tokens};
use crate::domain::period::Period;
use crate::error::{AssistantError, AssistantResult};
use crate::store::call::{NewCall, Reserved, Unsettled};
use crate::store::{account, budget, call, conversation};
use chassis::db::Tx;
use contract::assistant::{BudgetScope, SetBudget};
use uuid::Uuid;

/// Calls that are ended at once.
const AT_ONCE: i64 = 100;

/// What a call has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    /// Tokens.
    pub(crate) tokens: Tokens,
    /// What they cost.
    pub(crate) micros: u64,
    /// Whether that is an estimate.
    pub(crate) estimated: bool,
}

impl App {
    /// Reserves what a call may use at most in every account that it counts in, or in none.
    ///
    /// # Errors
    /// [`AssistantError::BudgetExceeded`] when one of them has no room for it.
    pub(crate) async fn reserve(&self, new: &NewCall) -> AssistantResult<()> {
        let wanted = new.wanted();
        let mut tx = self.db.begin().await?;
        let mut limits = None;
        for of in new.accounts() {
            let whose = (of.scope, of.subject);
            let limits = match limits {
                Some((known, limits)) if known == whose => limits,
                _ => {
                    let found = self.limits_in(&mut tx, whose).await?.0;
                    limits = Some((whose, found));
                    found
                }
            };
            let limit = match of.period {
                Period::Day => limits.day,
                Period::Month => limits.month,
            };
            if !account::reserve(&mut tx, of, wanted, limit).await? {
                let ends = of.period.end(new.at);
                return Err(AssistantError::exceeded(of.scope, new.at, ends));
            }
        }
        call::insert(&mut tx, new).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The limits that hold for somebody, and what was set for them.
    pub(super) async fn limits_in(
        &self,
        tx: &mut Tx,
        (scope, subject): (BudgetScope, Uuid),
    ) -> AssistantResult<(Limits, Option<SetBudget>)> {
        let usual = match scope {
            BudgetScope::User => self.config.user_limits(),
            BudgetScope::Organization => self.config.organization_limits(),
        };
        let set = budget::find_in(tx, scope, subject).await?;
        Ok((set.map_or(usual, |set| usual.with(&set)), set))
    }

    /// Puts what a call has used in place of what it had reserved, also when it came so late that all of it counts as spent.
    ///
    /// # Errors
    /// When the database fails; the reservation then ends with its time.
    pub(crate) async fn settle(&self, id: Uuid, used: Used) -> AssistantResult<()> {
        let Used { tokens, micros, estimated } = used;
        let spent = Limit::new(tokens.sum(), micros);
        let mut tx = self.db.begin().await?;
        let what = (tokens, micros);
        if let Some(reserved) = call::settle(&mut tx, id, Unsettled::Reserved, what, estimated).await? {
            move_to(&mut tx, &reserved, reserved.limit, spent).await?;
        } else if let Some(reserved) = call::settle(&mut tx, id, Unsettled::Expired, what, estimated).await? {
            let more = Limit {
                tokens: spent.tokens.saturating_sub(reserved.limit.tokens),
                micros: spent.micros.saturating_sub(reserved.limit.micros),
            };
            move_to(&mut tx, &reserved, Limit::default(), more).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Ends what was left by whoever died: a reservation counts as spent, because nobody knows what was used of it; an answer
    /// has failed. Tells how many of both there were.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn end_abandoned(&self) -> AssistantResult<u64> {
        let now = self.clock.now();
        let mut ended = 0;
        for id in call::list_overdue(&self.db, now, AT_ONCE).await? {
            let mut tx = self.db.begin().await?;
            if let Some(reserved) = call::expire(&mut tx, id, now).await? {
                move_to(&mut tx, &reserved, reserved.limit, reserved.limit).await?;
                ended += 1;
            }
            tx.commit().await?;
        }
        let mut tx = self.db.begin().await?;
        let freed = conversation::free_abandoned(&mut tx, now).await?;
        tx.commit().await?;
        Ok(ended + freed)
    }
}

/// Takes a reservation out of its accounts, and adds what was spent.
async fn move_to(tx: &mut Tx, reserved: &Reserved, back: Limit, spent: Limit) -> AssistantResult<()> {
    for of in &reserved.accounts {
        account::settle(tx, *of, back, spent).await?;
    }
    Ok(())
}
