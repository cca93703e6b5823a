//! Reports of what models were used for, and what that cost.

use crate::ids::{OrganizationId, UserId};
use crate::page::{first_page, usual_limit};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// By what a report adds up.
    GroupBy {
        /// Days, by UTC.
        Day = "DAY",
        /// Persons.
        User = "USER",
        /// Organisations; what was used for none is a row of its own.
        Organization = "ORGANIZATION",
        /// Providers and their models.
        Model = "MODEL",
    }
}

/// The query of `GET /api/v1/assistant/usage` and `GET /api/v1/assistant/costs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// By what it adds up; days when absent.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<GroupBy>,
    /// Only calls from this time on (RFC 3339); without it, of the last 30 days.
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub from: Option<OffsetDateTime>,
    /// Only calls before this time (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<OffsetDateTime>,
    /// Only this person's.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only this organisation's.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// Only of this model.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// What a row of a report is about: what the report adds up by, and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageOf {
    /// The day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21")]
    pub day: Option<String>,
    /// The person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The organisation; absent on the row of what was used for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// The provider, as the settings name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A row of `GET /api/v1/assistant/usage`. Calls that are under way are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// What it is about.
    pub of: UsageOf,
    /// Calls of models.
    pub calls: u64,
    /// How many of them were counted by an estimate.
    pub estimated: u64,
    /// Tokens that were sent.
    pub prompt_tokens: u64,
    /// Tokens that were written.
    pub completion_tokens: u64,
}

/// What a row of costs is about.
pub type CostsOf = UsageOf;

/// A row of `GET /api/v1/assistant/costs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Costs {
    /// What it is about.
    pub of: CostsOf,
    /// Calls of models.
    pub calls: u64,
    /// What they cost, in millionths of the currency.
    pub cost_micros: u64,
    /// The currency.
    pub currency: String,
}
