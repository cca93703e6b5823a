//! The parameters of a list that is read from a place on.

use garde::Validate;
use serde::Deserialize;
use uuid::Uuid;

/// A list in the order of ids.
#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AfterId {
    /// The last id that the caller has; none at the beginning.
    #[garde(skip)]
    #[serde(default)]
    pub(super) after: Uuid,
}

/// A list in the order of places.
#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AfterPlace {
    /// The last place that the caller has; 0 at the beginning.
    #[garde(skip)]
    #[serde(default)]
    pub(super) after: i64,
}
