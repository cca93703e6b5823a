//! Budgets: what somebody, or an organisation, may use of models in a day and in a month, both by UTC.

use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most that any limit says.
const MOST: u64 = 1_000_000_000_000_000;

texts! {
    /// Whose budget.
    BudgetScope {
        /// A person's.
        User = "USER",
        /// An organisation's, which all its members use together.
        Organization = "ORGANIZATION",
    }
}

/// `PUT /api/v1/assistant/budgets/users/{id}` and `.../organizations/{id}`: the whole budget. What is absent is as the settings
/// say; 0 allows nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetBudget {
    /// Tokens in a day.
    #[garde(inner(range(max = MOST)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_tokens: Option<u64>,
    /// Tokens in a month.
    #[garde(inner(range(max = MOST)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_tokens: Option<u64>,
    /// Cost in a day, in millionths of the currency.
    #[garde(inner(range(max = MOST)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_cost_micros: Option<u64>,
    /// Cost in a month, in millionths of the currency.
    #[garde(inner(range(max = MOST)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month_cost_micros: Option<u64>,
}

/// The limits that hold: those that were set, else those of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetLimits {
    /// Tokens.
    pub tokens: u64,
    /// Cost, in millionths of the currency.
    pub cost_micros: u64,
}

/// How a budget stands in one day or month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PeriodState {
    /// When it ends and another begins.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
    /// What may be used.
    pub limit: BudgetLimits,
    /// What was used.
    pub spent: BudgetLimits,
    /// What calls that are under way may use at most.
    pub reserved: BudgetLimits,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BudgetState {
    /// Whose it is.
    pub scope: BudgetScope,
    /// The person or the organisation.
    pub subject: Uuid,
    /// The currency of every cost.
    pub currency: String,
    /// What was set for it; absent when it has what the settings give to everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetBudget>,
    /// Today.
    pub day: PeriodState,
    /// This month.
    pub month: PeriodState,
}
