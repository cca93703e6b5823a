//! A charge: the provider's side of a payment.

use chassis::clock::Ts;
use contract::ids::{CheckoutId, RefundId};
use contract::money::Money;
use contract::payments::NextAction;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a charge stands with its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeState {
    /// The provider does not know yet.
    Processing,
    /// The buyer has to prove something.
    RequiresAction,
    /// The amount is kept.
    Authorized,
    /// The amount was taken.
    Captured,
    /// Let go.
    Canceled,
    /// Refused.
    Failed,
}

impl ChargeState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Processing,
        Self::RequiresAction,
        Self::Authorized,
        Self::Captured,
        Self::Canceled,
        Self::Failed,
    ];

    /// The text in the sandbox's books.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::RequiresAction => "requires_action",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        }
    }

    /// The state of a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a provider says about a charge: its state at some moment, perhaps not the latest one.
///
/// Its `Debug` leaves out what the buyer needs to go on: that holds a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Charge {
    /// What the provider calls it.
    pub reference: String,
    /// The payment that it was made for, as we said when we asked for it; none for what we did not ask for.
    pub checkout: Option<CheckoutId>,
    /// Where it stands.
    pub state: ChargeState,
    /// The whole amount.
    pub amount: Money,
    /// What was taken of it.
    pub captured: i64,
    /// What was given back; nothing where the provider does not say.
    pub refunded: Option<i64>,
    /// Why the provider said no, for the buyer.
    pub refusal: Option<String>,
    /// What the buyer has to do.
    pub action: Option<NextAction>,
    /// When it was made.
    pub created_at: Ts,
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Charge")
            .field("reference", &self.reference)
            .field("checkout", &self.checkout)
            .field("state", &self.state)
            .field("amount", &self.amount)
            .field("captured", &self.captured)
            .field("refunded", &self.refunded)
            .finish_non_exhaustive()
    }
}

/// What a provider says about money that it gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Returned {
    /// What the provider calls it.
    pub reference: String,
    /// The refund that it was made for; none for what we did not ask for.
    pub refund: Option<RefundId>,
    /// How it stands.
    pub state: ReturnState,
    /// How much.
    pub amount: i64,
    /// Why not.
    pub refusal: Option<String>,
}

/// Where money that is given back stands with the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// On its way.
    Pending,
    /// Given back.
    Succeeded,
    /// Not given back, for good.
    Failed,
}
