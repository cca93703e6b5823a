//! What an organisation allows.

use crate::ids::{OrganizationId, UserId};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// `PUT /api/v1/events/organizations/{id}/rules`, for who manages the members of the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetEventRules {
    /// Whether who may decide may also decide on what they wrote themselves.
    #[garde(skip)]
    pub own_decisions: bool,
}

/// The rules of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRules {
    /// The organisation.
    pub organization_id: OrganizationId,
    /// Whether who may decide may also decide on what they wrote themselves. `false` until somebody says otherwise.
    pub own_decisions: bool,
    /// Who set them; absent when nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<UserId>,
    /// When they were set; absent when nobody has.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub set_at: Option<OffsetDateTime>,
}
