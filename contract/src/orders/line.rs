//! What an order is made of: lines as they were sold, and addresses.

use crate::auth::valid;
use crate::ids::{CategoryId, ProductId};
use crate::money::Money;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line of an order: a product as it was sold, whatever becomes of it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// The product.
    pub product: ProductId,
    /// Its number in the warehouse.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What one cost.
    pub unit_price: Money,
    /// Which version of its price that was.
    pub price_version: i64,
    /// How many.
    pub quantity: u32,
    /// What the line came to.
    pub subtotal: Money,
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// The address of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// The person's name.
    #[garde(length(chars, max = 100), custom(valid::line))]
    #[schema(example = "Ada Lovelace")]
    pub full_name: String,
    /// Street and number.
    #[garde(length(chars, max = 200), custom(valid::line))]
    #[schema(example = "12 St James's Square")]
    pub address: String,
    /// The city.
    #[garde(length(chars, max = 100), custom(valid::line))]
    #[schema(example = "London")]
    pub city: String,
    /// The state, province or region, where addresses have one.
    #[garde(inner(length(chars, max = 100), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The postal code.
    #[garde(length(chars, max = 20), custom(valid::line))]
    #[schema(example = "SW1Y 4LB")]
    pub postal_code: String,
    /// The country, two letters of ISO 3166-1.
    #[garde(custom(two_letters))]
    #[schema(example = "GB")]
    pub country: String,
    /// A telephone number for the carrier.
    #[garde(inner(length(chars, max = 30), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

fn two_letters(value: &str, _: &()) -> garde::Result {
    if value.len() == 2 && value.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(garde::Error::new("two capital letters of ISO 3166-1, such as GB"))
}
