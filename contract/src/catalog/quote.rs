//! What a sale is made from: products as they are now, never as they are kept somewhere.

use crate::ids::{CategoryId, ProductId};
use crate::money::Money;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /internal/v1/catalog/quote`: what these products are and cost at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuoteRequest {
    /// Which products.
    #[garde(length(min = 1, max = 200))]
    pub products: Vec<ProductId>,
}

/// The answer: what is there. A product that was asked for and is not in it does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    /// The products, in no order.
    pub products: Vec<Quoted>,
}

/// A product as it is sold at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quoted {
    /// The product.
    pub product: ProductId,
    /// Its number in the warehouse.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What one costs.
    pub price: Money,
    /// Which version of its price that is.
    pub price_version: i64,
    /// Whether it may be sold.
    pub active: bool,
    /// Its category.
    pub category: Option<CategoryId>,
    /// The address of its first image.
    pub image: Option<String>,
}
