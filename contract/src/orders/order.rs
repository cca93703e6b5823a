//! Orders: placing one, seeing it, and what may be done to it.

use super::{Address, OrderLine, OrderStatus, ShippingMethod, Totals};
use crate::auth::valid;
use crate::ids::{CheckoutId, OrderId, ProductId, RefundId, UserId};
use crate::inventory::ReserveLine;
use crate::money::Money;
use crate::payments::{MethodToken, method_token};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// `POST /api/v1/orders`. What is bought is what `items` says or, without it, what is in the cart, which is emptied. Amounts
/// come from the shop alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlaceOrder {
    /// What is bought; the cart when absent. The same product in two lines is added up.
    #[garde(custom(few), dive)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<OrderItem>>,
    /// Where it goes.
    #[garde(dive)]
    pub shipping_address: Address,
    /// Where the bill goes, when that is elsewhere.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    /// How it is brought.
    #[garde(skip)]
    pub shipping_method: ShippingMethod,
    /// With what it is paid: the token of the provider.
    #[garde(custom(method_token))]
    pub payment_method: MethodToken,
    /// Anything that the shop should know.
    #[garde(inner(length(chars, max = 500)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// What the buyer was shown that it comes to; when it comes to something else by now, nothing is bought.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_total: Option<Money>,
}

fn few(value: &Option<Vec<OrderItem>>, _: &()) -> garde::Result {
    match value.as_ref().map_or(1, Vec::len) {
        1..=50 => Ok(()),
        _ => Err(garde::Error::new("1 to 50 lines")),
    }
}

/// So many of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderItem {
    /// The product.
    #[garde(skip)]
    pub product_id: ProductId,
    /// How many.
    #[garde(range(min = 1, max = 100))]
    #[schema(minimum = 1, maximum = 100)]
    pub quantity: u32,
}

/// `POST /api/v1/orders/{id}/retry`: another try to pay an order that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetryOrder {
    /// With what it is paid this time.
    #[garde(custom(method_token))]
    pub payment_method: MethodToken,
}

/// `POST /api/v1/orders/{id}/cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelOrder {
    /// Why.
    #[garde(length(chars, max = 200), custom(valid::line))]
    pub reason: String,
}

/// `POST /api/v1/orders/{id}/ship`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShipOrder {
    /// Who brings it.
    #[garde(length(chars, max = 60), custom(valid::line))]
    #[schema(example = "DHL")]
    pub carrier: String,
    /// The carrier's number.
    #[garde(length(chars, max = 60), custom(valid::line))]
    #[schema(example = "00340434161094042557")]
    pub tracking_number: String,
}

/// `POST /api/v1/orders/{id}/refunds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundOrder {
    /// How much; all that is left when absent.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Why.
    #[garde(length(chars, max = 200), custom(valid::line))]
    pub reason: String,
    /// Which goods come back into stock.
    #[garde(length(max = 50), dive)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restock: Vec<OrderItem>,
}

/// The query of `GET /api/v1/orders/{id}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderAsOf {
    /// Shows the order as it was at this time (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub as_of: Option<OffsetDateTime>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Its number, for people.
    #[schema(example = "B7K3-9QMX-2")]
    pub number: String,
    /// Who bought.
    pub user: UserId,
    /// Where it stands.
    pub status: OrderStatus,
    /// Whether something is being settled: until it is not, the status may still change by itself.
    pub processing: bool,
    /// Whether the buyer has to prove something to the provider of payments; `GET /api/v1/payments/{payment}` says what.
    pub action_required: bool,
    /// What was bought, as it was sold.
    pub lines: Vec<OrderLine>,
    /// What it comes to.
    pub totals: Totals,
    /// What was given back of it.
    pub refunded: Money,
    /// How it is brought.
    pub shipping_method: ShippingMethod,
    /// Where it goes.
    pub shipping_address: Address,
    /// Where the bill goes, when that is elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    /// What the buyer wants the shop to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The payment of the last try.
    pub payment: CheckoutId,
    /// Why the last try came to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why it was called off, or is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// Who brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// What is given back, or was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<OrderRefund>,
    /// How often something happened to it; what `If-None-Match` compares.
    pub version: i64,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    pub placed_at: OffsetDateTime,
}

texts! {
    /// Where a refund of an order stands.
    OrderRefundState {
        /// The provider is asked.
        Pending = "PENDING",
        /// It was given back.
        Succeeded = "SUCCEEDED",
        /// The provider would not.
        Failed = "FAILED",
    }
}

/// Some of an order that is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRefund {
    /// Its id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: OrderRefundState,
    /// Why.
    pub reason: String,
    /// Which goods come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restock: Vec<ReserveLine>,
}

texts! {
    /// Who did something to an order.
    OrderActor {
        /// Who bought it.
        Buyer = "BUYER",
        /// Somebody of the shop.
        Staff = "STAFF",
        /// The shop's own course of things.
        Shop = "SHOP",
    }
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderHappening {
    /// Its place in the order's history, from 1.
    pub version: i64,
    /// What happened: `placed`, `confirmed`, `shipped`. More may come.
    #[schema(example = "confirmed")]
    pub what: String,
    /// By whom.
    pub by: OrderActor,
    /// Where the order stood from then on.
    pub status: OrderStatus,
    /// What else is to be said, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}
