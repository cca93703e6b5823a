//! Who did what to an event.

use super::EventStatus;
use crate::ids::UserId;
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

texts! {
    /// What somebody did to an event.
    EventAction {
        /// Made it.
        Created = "CREATED",
        /// Changed what it says.
        Updated = "UPDATED",
        /// Submitted it.
        Submitted = "SUBMITTED",
        /// Approved it.
        Approved = "APPROVED",
        /// Rejected it.
        Rejected = "REJECTED",
        /// Made a draft of it again.
        Reopened = "REOPENED",
        /// Removed it.
        Deleted = "DELETED",
    }
}

/// A field that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The field, as it is called in an event.
    pub field: String,
    /// What it was; absent when there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it is from then on; absent when there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A line of `GET /api/v1/events/{id}/history`: one for each version of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventStep {
    /// The version that it made.
    pub version: i64,
    /// What was done.
    pub action: EventAction,
    /// Who did it.
    pub by: UserId,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Where the event stood before; absent when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<EventStatus>,
    /// Where it stood from then on; absent when it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<EventStatus>,
    /// Why, when it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was changed in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
}
