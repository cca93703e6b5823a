//! Whether a service welcomes work, as it says itself to other services.

use serde::{Deserialize, Serialize};

/// `GET /internal/v1/{service}/ready`. It is an answer also when it says no: who asks learns why, and a breaker is not opened
/// by a question that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// Whether work is welcome.
    pub ready: bool,
    /// The names of the checks that fail; none while it stops.
    #[serde(default)]
    pub failing: Vec<String>,
}

/// Where a service says so.
#[must_use]
pub fn path(service: &str) -> String {
    format!("/internal/v1/{service}/ready")
}
