//! Carts: what somebody is about to buy.

use crate::auth::Token;
use crate::ids::ProductId;
use crate::money::Money;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Carries the secret of a guest's cart. With an access token the cart is that person's, and this header says nothing.
pub const X_CART_TOKEN: http::HeaderName = http::HeaderName::from_static("x-cart-token");

/// Products in a cart at most.
pub const MOST_LINES: usize = 50;
/// Pieces of one product in a cart at most.
pub const MOST_OF_ONE: u32 = 100;

/// `POST /api/v1/cart/items`: so many more of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddToCart {
    /// The product.
    #[garde(skip)]
    pub product_id: ProductId,
    /// How many more.
    #[garde(range(min = 1, max = MOST_OF_ONE))]
    #[schema(minimum = 1, maximum = 100)]
    pub quantity: u32,
}

/// `PUT /api/v1/cart/items/{productId}`: so many of a product, however many there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetQuantity {
    /// How many; 0 takes it out.
    #[garde(range(max = MOST_OF_ONE))]
    #[schema(minimum = 0, maximum = 100)]
    pub quantity: u32,
}

/// `POST /api/v1/cart/merge`: takes a guest's cart over.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeCart {
    /// The secret of the guest's cart, from `POST /api/v1/cart`.
    #[garde(skip)]
    pub cart_token: Token,
}

/// The answer to `POST /api/v1/cart`: a guest's cart and the only key to it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestCart {
    /// The secret, for the header `X-Cart-Token`. It is shown once and cannot be shown again.
    pub cart_token: Token,
    /// The cart, which is empty.
    pub cart: Cart,
}

texts! {
    /// Whether a line of a cart can be bought, as far as is known.
    CartLineState {
        /// It is sold at the price shown.
        ForSale = "FOR_SALE",
        /// It is not sold, or gone: take it out.
        NotForSale = "NOT_FOR_SALE",
        /// Nobody can tell at the moment, because the catalog gives no answer.
        Unknown = "UNKNOWN",
    }
}

/// One product in a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartLine {
    /// The product.
    pub product_id: ProductId,
    /// How many.
    pub quantity: u32,
    /// Whether it can be bought.
    pub state: CartLineState,
    /// Whether what follows is older than now: the last that is known, because the catalog gives no answer.
    pub stale: bool,
    /// Its name; absent when nothing is known of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What one costs; absent when that is not known, never nothing in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// What the line comes to; absent when its price is not known or it is not sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtotal: Option<Money>,
}

/// A cart, with the prices of this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cart {
    /// Its version, which every change raises. In quotes it is the value of `If-Match` for the next change.
    pub version: i64,
    /// What is in it, in the order in which it was put in.
    pub items: Vec<CartLine>,
    /// Pieces in all.
    pub quantity: u32,
    /// What everything in it that is for sale comes to, without shipping and tax; absent when a price is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtotal: Option<Money>,
    /// Whether some of it is older than now. What is bought is priced anew, never from here.
    pub stale: bool,
    /// When it is emptied, unless it is changed before; absent for a cart that was never used.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
}
