//! Payments as they stand.

use crate::ids::{CheckoutId, OrderId, RefundId, UserId};
use crate::money::Money;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::fmt;
use time::OffsetDateTime;
use utoipa::ToSchema;

texts! {
    /// Where a payment stands.
    ///
    /// ```text
    /// PENDING --> AUTHORIZED --> CAPTURED --> PARTIALLY_REFUNDED --> REFUNDED
    ///   |  ^          |             +--------------------------------^
    ///   v  |          v
    /// REQUIRES_ACTION VOIDED          PENDING, REQUIRES_ACTION --> FAILED | VOIDED
    /// ```
    PaymentState {
        /// The provider has been asked, or will be; its answer is not known yet.
        Pending = "PENDING",
        /// The buyer has to prove something to the provider first.
        RequiresAction = "REQUIRES_ACTION",
        /// The amount is kept for us.
        Authorized = "AUTHORIZED",
        /// The amount is ours.
        Captured = "CAPTURED",
        /// Some of it was given back.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        /// All of it was given back.
        Refunded = "REFUNDED",
        /// The provider said no.
        Failed = "FAILED",
        /// Let go without having been taken; also a payment that was let go before it was begun.
        Voided = "VOIDED",
    }
}

texts! {
    /// Where a refund stands.
    RefundState {
        /// The provider has been asked, or will be.
        Pending = "PENDING",
        /// The amount was given back.
        Succeeded = "SUCCEEDED",
        /// The provider said no.
        Failed = "FAILED",
    }
}

/// What the provider calls the buyer's card or account: `pm_card_visa`. It is of no use to anybody but the merchant's own
/// account with the provider; numbers of cards never come here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "pm_card_visa")]
pub struct MethodToken(pub String);

// Not shown where something is logged that it is part of.
impl fmt::Debug for MethodToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MethodToken(..)")
    }
}

/// A token as a client may send it: 3 to 100 letters, digits and underscores.
pub(crate) fn method_token(value: &MethodToken, _: &()) -> garde::Result {
    let allowed = value.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !allowed || !(3..=100).contains(&value.0.len()) {
        return Err(garde::Error::new("3 to 100 letters, digits and underscores"));
    }
    Ok(())
}

/// `PUT /internal/v1/payments/{checkout}/authorized`: begins a payment and keeps its amount; the same checkout again is the same
/// payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorize {
    /// The order that it is for.
    #[garde(skip)]
    pub order: OrderId,
    /// Who pays.
    #[garde(skip)]
    pub user: UserId,
    /// How much.
    #[garde(custom(crate::money::price))]
    pub amount: Money,
    /// With what.
    #[garde(custom(method_token))]
    pub method: MethodToken,
}

/// `PUT /internal/v1/payments/{checkout}/refunds/{refund}`: gives some of a payment back; the same refund again is the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RefundPayment {
    /// How much.
    #[garde(custom(crate::money::price))]
    pub amount: Money,
    /// Why, for the provider's and our records.
    #[garde(length(chars, max = 200))]
    pub reason: String,
}

/// What the buyer has to do before a payment goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextAction {
    /// The secret with which the provider's own code in the buyer's browser goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Where the buyer is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The checkout that it is for, which is its id.
    pub id: CheckoutId,
    /// The order; of zeros when it was let go before it was begun, and nobody said for which order it was.
    pub order: OrderId,
    /// Where it stands.
    pub state: PaymentState,
    /// The whole amount.
    pub amount: Money,
    /// What was given back of it.
    pub refunded: Money,
    /// Why the provider said no, for the buyer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What the buyer has to do; only for who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The payment.
    pub payment: CheckoutId,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: RefundState,
}
