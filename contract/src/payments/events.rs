//! What the payments publish, with the order's key, so it stays in order with the rest of it.

use crate::ids::{CheckoutId, OrderId, RefundId};
use crate::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The amount is kept for us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentAuthorized {
    /// The order.
    pub order: OrderId,
    /// The checkout, which is the payment's id.
    pub checkout: CheckoutId,
    /// How much.
    pub amount: Money,
    /// Whether it was done for a call that is answered with it: who has the answer need not hear it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// The buyer has to prove something to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentActionRequired {
    /// The order.
    pub order: OrderId,
    /// The checkout, which is the payment's id.
    pub checkout: CheckoutId,
}

/// The provider said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentFailed {
    /// The order.
    pub order: OrderId,
    /// The checkout, which is the payment's id.
    pub checkout: CheckoutId,
    /// Why, for the buyer.
    pub reason: String,
}

/// The amount is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentCaptured {
    /// The order.
    pub order: OrderId,
    /// The checkout, which is the payment's id.
    pub checkout: CheckoutId,
    /// How much.
    pub amount: Money,
    /// Whether it was done for a call that is answered with it: who has the answer need not hear it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
}

/// The amount was let go without having been taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentVoided {
    /// The order.
    pub order: OrderId,
    /// The checkout, which is the payment's id.
    pub checkout: CheckoutId,
}

/// Some or all of it was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The order.
    pub order: OrderId,
    /// The checkout, which is the payment's id.
    pub checkout: CheckoutId,
    /// The refund.
    pub refund: RefundId,
    /// How much this time.
    pub amount: Money,
    /// How much in all.
    pub refunded: Money,
}

crate::event::events! { order:
    PaymentAuthorized = "payment.authorized", 1, "The amount of an order is kept for us.";
    PaymentActionRequired = "payment.action_required", 1, "The buyer has to prove something to the provider.";
    PaymentFailed = "payment.failed", 1, "The provider of payments said no.";
    PaymentCaptured = "payment.captured", 1, "The amount of an order is ours.";
    PaymentVoided = "payment.voided", 1, "The amount of an order was let go.";
    PaymentRefunded = "payment.refunded", 1, "Some or all of a payment was given back.";
}
