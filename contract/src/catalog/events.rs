//! What the catalog publishes.

use crate::ids::{ProductId, UserId};
use crate::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// There is a product now. Stock is counted for it from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductCreated {
    /// The product.
    pub product: ProductId,
    /// Its number in the warehouse.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// Who sells it.
    pub vendor: UserId,
    /// What one costs.
    pub price: Money,
}

/// Something about a product is different: its texts, its place, whether it is sold. For who keeps a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductChanged {
    /// The product.
    pub product: ProductId,
    /// Its version from now on.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Whether it is sold.
    pub active: bool,
}

/// A product costs something else from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductPriceChanged {
    /// The product.
    pub product: ProductId,
    /// What one cost until now.
    pub before: Money,
    /// What one costs from now on.
    pub price: Money,
    /// Which version of its price that is.
    pub price_version: i64,
}

/// A product is gone. Orders keep what they know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductRemoved {
    /// The product.
    pub product: ProductId,
}

crate::event::events! { product:
    ProductCreated = "product.created", 1, "There is a product now.";
    ProductChanged = "product.changed", 1, "Something about a product is different, other than its price.";
    ProductPriceChanged = "product.price_changed", 1, "A product costs something else from now on.";
    ProductRemoved = "product.removed", 1, "A product is gone.";
}
