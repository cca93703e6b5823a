//! Lists of payments, and what reconciliation found.

use super::PaymentState;
use crate::ids::{CheckoutId, OrderId, UserId};
use crate::page::usual_limit;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which payments are wanted: `GET /api/v1/payments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPayments {
    /// Only those of this order.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Only those of this person; for who may see all payments, and passed over otherwise.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only those that stand here.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<PaymentState>,
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

/// `GET /internal/v1/payments`: all payments by their id, for whoever compares books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllPayments {
    /// Those behind this one.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<CheckoutId>,
    /// How many at most.
    #[garde(range(min = 1, max = 1_000))]
    pub limit: u32,
}

texts! {
    /// How a provider's books differ from ours.
    FindingKind {
        /// The provider has a charge that says it was made for a payment that we do not know.
        UnknownCharge = "UNKNOWN_CHARGE",
        /// The provider has no charge for a payment whose amount is kept or was taken.
        MissingCharge = "MISSING_CHARGE",
        /// The provider has a further charge for a payment.
        SecondCharge = "SECOND_CHARGE",
        /// The charge is of another amount than the payment.
        Amount = "AMOUNT",
        /// The charge stands elsewhere than the payment.
        State = "STATE",
        /// Another amount was given back than we know of.
        Refunded = "REFUNDED",
    }
}

/// A difference between the provider's books and ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReconciliationFinding {
    /// Its id.
    pub id: Uuid,
    /// How the books differ.
    pub kind: FindingKind,
    /// The payment, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<CheckoutId>,
    /// What the provider calls the charge, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was found, in words.
    pub detail: String,
    /// When it was first seen.
    #[serde(with = "time::serde::rfc3339")]
    pub first_seen: OffsetDateTime,
    /// When it was last seen.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen: OffsetDateTime,
    /// When the books were found to agree again.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<OffsetDateTime>,
}

/// Which findings are wanted: `GET /api/v1/payments/reconciliation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFindings {
    /// Also those that are closed.
    #[garde(skip)]
    #[serde(default)]
    pub closed: bool,
    /// Rows at most, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}
