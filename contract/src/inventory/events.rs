//! What the inventory publishes. What belongs to an order has the order's key, so it stays in order with the rest of it.

use super::{ReserveLine, Shortage};
use crate::ids::{CheckoutId, OrderId, ProductId};
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

texts! {
    /// Why stock was let go.
    Release {
        /// The checkout was given up.
        GivenUp = "GIVEN_UP",
        /// The time of the reservation was over.
        Expired = "EXPIRED",
    }
}

/// Stock is kept for a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReserved {
    /// The order.
    pub order: OrderId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// What is kept.
    pub lines: Vec<ReserveLine>,
    /// Whether it was done for a call that is answered with it: who has the answer need not hear it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// There is not enough stock for a checkout; nothing is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryRejected {
    /// The order.
    pub order: OrderId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// What there is too little of.
    pub shortages: Vec<Shortage>,
}

/// Goods were sold and have left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryCommitted {
    /// The order.
    pub order: OrderId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// Whether it was done for a call that is answered with it: who has the answer need not hear it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// Stock was let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// The order.
    pub order: OrderId,
    /// The checkout.
    pub checkout: CheckoutId,
    /// Why.
    pub why: Release,
}

/// There is less of a product than its reorder level. Told once until there is more again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InventoryLowStock {
    /// The product.
    pub product: ProductId,
    /// How many can be had.
    pub available: u32,
    /// The level below which this is told.
    pub reorder_level: u32,
}

crate::event::events! { order:
    InventoryReserved = "inventory.reserved", 1, "Stock is kept for a checkout.";
    InventoryRejected = "inventory.rejected", 1, "There is not enough stock for a checkout.";
    InventoryCommitted = "inventory.committed", 1, "Goods were sold and have left.";
    InventoryReleased = "inventory.released", 1, "Stock was let go.";
}

crate::event::events! { product:
    InventoryLowStock = "inventory.low_stock", 1, "There is less of a product than its reorder level.";
}
