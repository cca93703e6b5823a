//! What an audit of the books finds: rules that must hold over everything that a service keeps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a rule does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// Which thing it is, such as `order 0192...`.
    pub subject: String,
    /// What was found, with the numbers.
    pub found: String,
}

impl Violation {
    /// A thing and what was found.
    pub fn new(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { subject: subject.into(), found: found.into() }
    }
}

/// What a rule was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The service whose rule it is.
    pub service: String,
    /// The rule's name, such as `stock-is-never-negative`.
    pub invariant: String,
    /// One sentence about it.
    pub about: String,
    /// How many things were looked at.
    pub checked: u64,
    /// What does not hold; a hundred at most.
    pub violations: Vec<Violation>,
    /// Why it could not be looked at, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Finding {
    /// Whether it was looked at and holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.error.is_none() && self.violations.is_empty()
    }
}
