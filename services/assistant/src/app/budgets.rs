//! Budgets as they are read and set.

use super::App;
use crate::domain::budget::Limit;
use crate::domain::number::count;
use crate::domain::period::Period;
use crate::error::{AssistantError, AssistantResult};
use crate::store::account::{self, Account, Standing};
use crate::store::budget;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::assistant::{BudgetLimits, BudgetScope, BudgetState, PeriodState, SetBudget};
use contract::identity::{OrganizationRole, Permission};
use contract::ids::OrganizationId;
use uuid::Uuid;

impl App {
    /// How a budget stands.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn budget(&self, scope: BudgetScope, subject: Uuid) -> AssistantResult<BudgetState> {
        let mut tx = self.db.begin().await?;
        self.budget_in(&mut tx, scope, subject).await
    }

    /// How an organisation's budget stands, for those who manage it and for whoever sees every budget.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] for everybody else.
    pub(crate) async fn organization_budget(
        &self,
        who: &Principal,
        organization: OrganizationId,
    ) -> AssistantResult<BudgetState> {
        let manages = who.role_in(organization).is_some_and(|role| role >= OrganizationRole::Admin);
        if !manages && !who.may(Permission::ManageAssistant) {
            return Err(AssistantError::NotFound("organisation"));
        }
        self.budget(BudgetScope::Organization, organization.uuid()).await
    }

    /// Sets a whole budget. What is under way goes on; the next call finds the new limits.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn set_budget(
        &self,
        who: &Principal,
        (scope, subject): (BudgetScope, Uuid),
        set: SetBudget,
    ) -> AssistantResult<(Tx, BudgetState)> {
        let mut tx = self.db.begin().await?;
        budget::put(&mut tx, (scope, subject), &set, (who.user(), self.clock.now())).await?;
        let state = self.budget_in(&mut tx, scope, subject).await?;
        Ok((tx, state))
    }

    async fn budget_in(
        &self,
        tx: &mut Tx,
        scope: BudgetScope,
        subject: Uuid,
    ) -> AssistantResult<BudgetState> {
        let now = self.clock.now();
        let (limits, set) = self.limits_in(tx, (scope, subject)).await?;
        let account = |period: Period| Account { scope, subject, period, began_at: period.begin(now) };
        let day = account::find_in(tx, account(Period::Day)).await?;
        let month = account::find_in(tx, account(Period::Month)).await?;
        let state = |period: Period, limit, Standing { reserved, spent }| PeriodState {
            ends_at: period.end(now).to_datetime(),
            limit: shown(limit),
            spent: shown(spent),
            reserved: shown(reserved),
        };
        Ok(BudgetState {
            scope,
            subject,
            currency: self.config.currency.clone(),
            set,
            day: state(Period::Day, limits.day, day),
            month: state(Period::Month, limits.month, month),
        })
    }
}

fn shown(limit: Limit) -> BudgetLimits {
    BudgetLimits { tokens: count(limit.tokens), cost_micros: count(limit.micros) }
}
