//! Stock: what there is of a product, how it is counted, and the ledger of every change.

use crate::ids::{CheckoutId, MovementId, ProductId, RefundId, UserId};
use crate::page::{first_page, usual_limit};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// Why stock is another than before.
    MovementKind {
        /// Kept for a checkout.
        Reserve = "RESERVE",
        /// Let go by its checkout.
        Release = "RELEASE",
        /// Let go because the time of the reservation was over.
        Expire = "EXPIRE",
        /// Sold: the goods have left.
        Commit = "COMMIT",
        /// Sold goods came back.
        Return = "RETURN",
        /// Goods were bought in.
        Purchase = "PURCHASE",
        /// Goods were spoilt or lost.
        Damage = "DAMAGE",
        /// A count found another number.
        Adjustment = "ADJUSTMENT",
    }
}

texts! {
    /// Why somebody counts stock anew.
    AdjustmentKind {
        /// Goods were bought in; the quantity is above 0.
        Purchase = "PURCHASE",
        /// Sold goods came back outside of an order; the quantity is above 0.
        Return = "RETURN",
        /// Goods were spoilt or lost; the quantity is below 0.
        Damage = "DAMAGE",
        /// A count found another number; the quantity is the difference.
        Adjustment = "ADJUSTMENT",
    }
}

/// Whether a product can be had. Who sells or counts it also gets the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// The product.
    pub product: ProductId,
    /// Whether at least one can be had.
    pub in_stock: bool,
    /// Whether there are only a few more.
    pub few_left: bool,
    /// The numbers, for its vendor and for who counts all stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<StockItem>,
}

/// The stock of a product in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StockItem {
    /// The product.
    pub product: ProductId,
    /// Its number in the warehouse.
    pub sku: String,
    /// Who sells it.
    pub vendor: UserId,
    /// How many are there, reserved ones included.
    pub on_hand: u32,
    /// How many of them are kept for checkouts.
    pub reserved: u32,
    /// How many can be had.
    pub available: u32,
    /// Below so many that can be had, its vendor is told.
    pub reorder_level: u32,
    /// So many are usually bought in at once.
    pub reorder_quantity: u32,
    /// Whether there is less than the reorder level.
    pub low: bool,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// `PUT /api/v1/inventory/{product}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetReorder {
    /// Below so many that can be had, its vendor is told; 0 for never.
    #[garde(range(max = 1_000_000))]
    pub reorder_level: u32,
    /// So many are usually bought in at once.
    #[garde(range(min = 1, max = 1_000_000))]
    pub reorder_quantity: u32,
}

/// `POST /api/v1/inventory/{product}/adjustments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Adjust {
    /// How many more there are than before; below 0 for less.
    #[garde(range(min = -1_000_000, max = 1_000_000))]
    pub quantity: i32,
    /// Why.
    #[garde(skip)]
    pub kind: AdjustmentKind,
    /// Why, in words for who reads the ledger.
    #[garde(length(chars, min = 1, max = 500))]
    pub reason: String,
}

/// A line of the ledger: one change of the stock of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    /// Its identifier.
    pub id: MovementId,
    /// The product.
    pub product: ProductId,
    /// Its number among the changes of the product, from 1 without gaps.
    pub sequence: i64,
    /// Why.
    pub kind: MovementKind,
    /// How many more are there than before.
    pub on_hand_change: i64,
    /// How many more are reserved than before.
    pub reserved_change: i64,
    /// How many are there now.
    pub on_hand: u32,
    /// How many of them are reserved now.
    pub reserved: u32,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// The checkout that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<CheckoutId>,
    /// The refund or cancellation that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// When it was.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// The parameters of `GET /api/v1/inventory`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListStock {
    /// Only products of which there is less than their reorder level (true), or not less (false).
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low_stock: Option<bool>,
    /// Only the products of this vendor.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<UserId>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// The parameters of `GET /api/v1/inventory/{product}/movements`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMovements {
    /// The cursor of the page before; absent for the first page.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}
