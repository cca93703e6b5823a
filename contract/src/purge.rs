//! Purges: what the gateway keeps of answers is not right any more.

use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/gateway/cache/purge`: what is to be forgotten. At least one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PurgeRequest {
    /// Everything that carries one of these tags.
    #[garde(length(max = 256))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Everything below exactly these paths as clients ask for them, on any host, with any query.
    #[garde(length(max = 256))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Everything.
    #[garde(skip)]
    #[serde(default)]
    pub all: bool,
}

texts! {
    /// How far a purge has come.
    Reach {
        /// Every process of the gateway was told.
        Everywhere = "everywhere",
        /// The process that answers: without Redis nobody can tell the others.
        Here = "here",
        /// The process that answers; Redis is away, and the others are told as soon as it is back.
        HereForNow = "here_for_now",
    }
}

/// What became of a purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Purged {
    /// How far it has come.
    pub reach: Reach,
}
