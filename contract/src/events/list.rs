//! What lists of events are asked for.

use super::EventStatus;
use crate::ids::{OrganizationId, UserId};
use crate::page::{first_page, usual_limit};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::IntoParams;

/// The query of `GET /api/v1/events`. What the caller may not see is not in the list, whatever is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// Only those of this organisation.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// Only those that stand there.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<EventStatus>,
    /// Only those that this person made.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// Words of the title or the description. All of them, each from its beginning; accents and capitals do not matter.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only those that begin at this time or later (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub start_date_from: Option<OffsetDateTime>,
    /// Only those that begin at this time or earlier (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub start_date_to: Option<OffsetDateTime>,
    /// `startDate`, `createdAt`, `title` or `status`, with a leading `-` for descending. Without it by `startDate`.
    #[garde(inner(length(max = 50)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
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
    /// In place of a page: the `pagination.cursor` of the answer before. What is made or removed meanwhile moves no row from
    /// one page to another.
    #[garde(inner(length(max = 2_000)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Default for ListEvents {
    fn default() -> Self {
        Self {
            organization_id: None,
            status: None,
            created_by: None,
            search: None,
            start_date_from: None,
            start_date_to: None,
            sort: None,
            page: first_page(),
            limit: usual_limit(),
            cursor: None,
        }
    }
}
