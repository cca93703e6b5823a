//! Roll-outs as an administrator sees them.

use crate::ids::UserId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A roll-out of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// The route's name in the file.
    pub route: String,
    /// The upstream or service that a part of the requests goes to.
    pub to: String,
    /// Which one it is of those to this target, as the file says.
    pub generation: u32,
    /// How it stands.
    pub state: RolloutState,
    /// How many of a hundred requests go there now.
    pub percent: f64,
    /// The step that it is on, from 1; where it went back, the one that it came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Its steps, in percent. One without any stays where the file says.
    pub steps: Vec<f64>,
    /// Since when it stands so.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who decided so; nobody when it did so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<UserId>,
    /// What was seen of the stable side since then.
    pub stable: SideSeen,
    /// What was seen of the new side since then.
    pub canary: SideSeen,
}

/// How a roll-out stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RolloutState {
    /// Its share stands in the file.
    Fixed,
    /// It goes on by itself.
    Advancing,
    /// It stays on its step until somebody decides.
    Held,
    /// Everybody is on the stable side, until the file says another target or generation.
    Back,
    /// It has gone through all steps.
    Done,
    /// The database could not be asked yet; everybody is on the stable side.
    Unknown,
}

/// What was seen of a side, by all gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SideSeen {
    /// Requests that were answered, or not.
    pub requests: u64,
    /// Statuses of 500 and above, and no answers.
    pub errors: u64,
    /// Those that took longer than the roll-out allows.
    pub slow: u64,
}
