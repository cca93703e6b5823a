//! A payment as the service keeps it.

use super::machine::{Standing, Step, step};
use chassis::clock::Ts;
use chassis::telemetry::origin::Origin;
use contract::ids::{CheckoutId, OrderId, RefundId, UserId};
use contract::money::Money;
use contract::payments::{MethodToken, NextAction, Payment, PaymentState, Refund, RefundState};
use std::time::Duration;
use uuid::Uuid;

/// A payment with everything that is known about it. It has no `Debug`: it holds a card's token and a client's secret.
#[derive(Clone)]
pub struct Record {
    /// Its checkout.
    pub id: CheckoutId,
    /// The order; none when it was let go before it was begun.
    pub order: Option<OrderId>,
    /// Who pays.
    pub user: Option<UserId>,
    /// The whole amount.
    pub amount: Money,
    /// What was taken of it: nothing or all.
    pub captured: i64,
    /// What was given back.
    pub refunded: i64,
    /// What is in refunds whose end is not known.
    pub refunding: i64,
    /// Where it stands and what is wanted of it.
    pub standing: Standing,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// The card, as long as the provider may have to be told.
    pub method: Option<MethodToken>,
    /// Why the provider said no.
    pub failure: Option<String>,
    /// What the buyer has to do.
    pub action: Option<NextAction>,
    /// Which idempotency key is in use.
    pub round: i64,
    /// Whether the provider failed in a way that may have taken effect.
    pub doubt: bool,
    /// How often the provider was asked without an answer.
    pub attempts: i64,
    /// When it is asked again.
    pub next_at: Option<Ts>,
    /// Counts every change.
    pub version: i64,
    /// What began it.
    pub cause: Cause,
    /// When it was begun.
    pub created_at: Ts,
    /// When it last changed.
    pub updated_at: Ts,
}

/// The trace and the user action that began a payment.
#[derive(Debug, Clone, Default)]
pub struct Cause {
    /// The trace, as of W3C.
    pub traceparent: Option<String>,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: Option<String>,
}

impl Cause {
    /// The work in hand.
    #[must_use]
    pub fn current() -> Self {
        chassis::http::origin().map_or_else(Self::default, |origin| Self {
            traceparent: Some(origin.trace.to_string()),
            correlation_id: Some(origin.correlation_id.into()),
        })
    }

    /// For work that goes on from it.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::caused_by(self.traceparent.as_deref(), self.correlation_id.as_deref())
    }
}

/// For how long a key is counted on. Providers forget keys after a day; then the same request would charge again.
const KEYS_HOLD: Duration = Duration::from_secs(20 * 3_600);

impl Record {
    /// What the provider is asked next, if anything.
    #[must_use]
    pub fn step(&self, now: Ts) -> Option<Step> {
        let may_ask_again = !self.doubt && now.since(self.created_at) < KEYS_HOLD;
        step(self.standing, self.reference.is_some(), may_ask_again)
    }

    /// The idempotency key of an operation.
    #[must_use]
    pub fn key(&self, operation: &str) -> String {
        format!("{}:{operation}:{}", self.id, self.round)
    }

    /// Whether the amount was taken, whatever was given back since.
    #[must_use]
    pub const fn was_taken(&self) -> bool {
        use PaymentState::{Captured, PartiallyRefunded, Refunded};
        matches!(self.standing.state, Captured | PartiallyRefunded | Refunded)
    }

    /// What may still be given back.
    #[must_use]
    pub const fn left(&self) -> i64 {
        self.amount.amount - self.refunded - self.refunding
    }

    /// As others see it. Only who pays gets to know what has to be done.
    #[must_use]
    pub fn view(&self, for_the_buyer: bool) -> Payment {
        Payment {
            id: self.id,
            order: self.order.unwrap_or(OrderId(Uuid::nil())),
            state: self.standing.state,
            amount: self.amount,
            refunded: Money::new(self.refunded, self.amount.currency),
            failure: self.failure.clone(),
            next_action: self.action.clone().filter(|_| for_the_buyer),
            created_at: self.created_at.to_datetime(),
            updated_at: self.updated_at.to_datetime(),
        }
    }
}

/// A refund as the service keeps it.
#[derive(Debug, Clone)]
pub struct RefundRecord {
    /// Its id.
    pub id: RefundId,
    /// The payment.
    pub payment: CheckoutId,
    /// How much, in the payment's currency.
    pub amount: i64,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: RefundState,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// Which idempotency key is in use.
    pub round: i64,
    /// Whether the provider failed in a way that may have taken effect.
    pub doubt: bool,
    /// How often the provider was asked without an answer.
    pub attempts: i64,
    /// When it is asked again.
    pub next_at: Option<Ts>,
    /// When it was asked for.
    pub created_at: Ts,
}

impl RefundRecord {
    /// The idempotency key of its request.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:refund:{}", self.id, self.round)
    }

    /// Whether its request may be sent again without looking first.
    #[must_use]
    pub fn may_ask_again(&self, now: Ts) -> bool {
        !self.doubt && now.since(self.created_at) < KEYS_HOLD
    }

    /// As others see it.
    #[must_use]
    pub fn view(&self, payment: &Record) -> Refund {
        Refund {
            id: self.id,
            payment: self.payment,
            amount: Money::new(self.amount, payment.amount.currency),
            state: self.state,
        }
    }
}

/// How long to wait before the provider is asked again after so many times without an answer: doubling up to a minute.
#[must_use]
pub fn pause(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts.clamp(0, 7)).unwrap_or(7);
    Duration::from_millis(500).saturating_mul(2_u32.saturating_pow(doubled)).min(Duration::from_secs(60))
}
