//! What the catalog publishes about its categories.

use crate::ids::CategoryId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A category was made, changed or removed. For who keeps a copy of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryChanged {
    /// The category.
    pub category: CategoryId,
    /// The version of the whole tree from now on.
    pub version: i64,
}

crate::event::events! { category:
    CategoryChanged = "category.changed", 1, "A category was made, changed or removed.";
}
