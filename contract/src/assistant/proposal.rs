//! Proposals: what the assistant would do, and does only when its user says so.

use crate::ids::{ConversationId, ProposalId};
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

texts! {
    /// Where a proposal stands.
    ProposalStatus {
        /// Waits for the user.
        Proposed = "PROPOSED",
        /// The user said yes; it is being done. When nobody knows whether it was, it may be confirmed again.
        Confirmed = "CONFIRMED",
        /// It was done.
        Done = "DONE",
        /// The user said yes, and the service said no.
        Failed = "FAILED",
        /// The user said no.
        Declined = "DECLINED",
        /// The user said nothing in time.
        Expired = "EXPIRED",
    }
}

/// Something that the assistant would do for its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Its identifier.
    pub id: ProposalId,
    /// In which conversation it was made.
    pub conversation: ConversationId,
    /// The tool that would be used.
    #[schema(example = "add_todo")]
    pub tool: String,
    /// With what, exactly: this is what is done, and nothing else.
    #[schema(value_type = Object)]
    pub arguments: serde_json::Value,
    /// The same in a sentence.
    #[schema(example = "Add the to-do \"Buy milk\".")]
    pub summary: String,
    /// Where it stands.
    pub status: ProposalStatus,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub result: Option<serde_json::Value>,
    /// Why nothing came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Until when it may be confirmed.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}
