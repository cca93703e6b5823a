//! What an order comes to.

use crate::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an order comes to, all of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Its goods.
    pub subtotal: Money,
    /// Bringing them.
    pub shipping: Money,
    /// Tax.
    pub tax: Money,
    /// All of it.
    pub total: Money,
}
