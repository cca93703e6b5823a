//! The state machine of a payment, as two pure functions.
//!
//! [`meet`] says what becomes of a payment when its provider says something, whether that is an answer to a question, a
//! webhook or a line of its books: all of them come through here. [`step`] says what the provider is asked next.
//!
//! What must hold:
//! - News come late, twice and in any order. What is older than what is known changes nothing: nothing turns a captured
//!   payment back.
//! - Each end is told once.
//! - What was wanted (`wish`) stays until the provider has done it, or has said that it never will.
//! - Money that is kept for a payment that is over (it failed, or was let go) is let go.

use super::charge::ChargeState;
use contract::payments::PaymentState;

/// What is to be done with a payment and is not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Take the amount.
    Capture,
    /// Let it go.
    Void,
}

impl Wish {
    /// The text in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Void => "void",
        }
    }

    /// The wish of a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Capture, Self::Void].into_iter().find(|wish| wish.as_str() == text)
    }
}

/// Where a payment stands and what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Where it stands.
    pub state: PaymentState,
    /// What is to be done with it.
    pub wish: Option<Wish>,
}

impl Standing {
    /// In this state, with nothing to be done.
    #[must_use]
    pub const fn at(state: PaymentState) -> Self {
        Self { state, wish: None }
    }

    /// The same with a wish.
    #[must_use]
    pub const fn wishing(self, wish: Wish) -> Self {
        Self { wish: Some(wish), ..self }
    }
}

/// What others are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tell {
    /// The amount is kept.
    Authorized,
    /// The buyer has to do something.
    ActionRequired,
    /// The provider said no.
    Failed,
    /// The amount is ours.
    Captured,
    /// The amount was let go.
    Voided,
}

/// What becomes of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// That was known, or is older than what is known.
    Known,
    /// It stands here now.
    Moves {
        /// Where.
        to: Standing,
        /// What others are told.
        tell: Option<Tell>,
    },
}

const fn moves(state: PaymentState, tell: Tell) -> Met {
    Met::Moves { to: Standing::at(state), tell: Some(tell) }
}

/// What becomes of a payment whose provider says this about its charge.
#[must_use]
pub fn meet(now: Standing, seen: ChargeState) -> Met {
    use ChargeState as Seen;
    use PaymentState::{
        Authorized, Captured, Failed, PartiallyRefunded, Pending, Refunded, RequiresAction, Voided,
    };
    match (now.state, seen) {
        (Pending | RequiresAction | Authorized, Seen::Captured) => moves(Captured, Tell::Captured),
        (Pending | RequiresAction | Authorized, Seen::Canceled) => moves(Voided, Tell::Voided),
        (Pending | RequiresAction, Seen::Failed) => moves(Failed, Tell::Failed),
        // Let go in the meantime: it is not told as kept, because it is let go next.
        (Pending | RequiresAction, Seen::Authorized | Seen::RequiresAction) if now.wish.is_some() => {
            Met::Known
        }
        (Pending | RequiresAction, Seen::Authorized) => moves(Authorized, Tell::Authorized),
        (Pending, Seen::RequiresAction) => moves(RequiresAction, Tell::ActionRequired),
        // Over, and yet the provider keeps money, or is about to: let it go.
        (Failed | Voided, Seen::Authorized | Seen::RequiresAction | Seen::Processing)
            if now.wish.is_none() =>
        {
            Met::Moves { to: now.wishing(Wish::Void), tell: None }
        }
        (Failed | Voided, Seen::Canceled | Seen::Failed) if now.wish.is_some() => {
            Met::Moves { to: Standing::at(now.state), tell: None }
        }
        (Pending | RequiresAction, Seen::Processing)
        | (RequiresAction, Seen::RequiresAction)
        | (Authorized, Seen::Processing | Seen::RequiresAction | Seen::Authorized | Seen::Failed)
        | (Captured | PartiallyRefunded | Refunded | Failed | Voided, _) => Met::Known,
    }
}

/// What becomes of a payment of which the provider has never heard, and that may not be asked for any more.
#[must_use]
pub const fn meet_nothing(now: Standing) -> Met {
    use PaymentState::{Failed, Pending, RequiresAction, Voided};
    match (now.state, now.wish) {
        (Pending | RequiresAction, Some(_)) => moves(Voided, Tell::Voided),
        (Pending | RequiresAction, None) => moves(Failed, Tell::Failed),
        (Failed | Voided, Some(_)) => Met::Moves { to: Standing::at(now.state), tell: None },
        _ => Met::Known,
    }
}

/// What the provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// To keep the amount.
    Authorize,
    /// How the charge stands, and whether there is one.
    Look,
    /// To take the amount.
    Capture,
    /// To let the amount go.
    Void,
}

/// What the provider is asked next, if anything. `known` says whether it has told what it calls the charge, `may_ask_again`
/// whether the request for it may be sent (again) without charging twice.
#[must_use]
pub const fn step(now: Standing, known: bool, may_ask_again: bool) -> Option<Step> {
    use PaymentState::{
        Authorized, Captured, Failed, PartiallyRefunded, Pending, Refunded, RequiresAction, Voided,
    };
    match (now.state, now.wish) {
        (Pending, None) if !known && may_ask_again => Some(Step::Authorize),
        (Pending | RequiresAction, None) => Some(Step::Look),
        (Authorized, Some(Wish::Capture)) => Some(Step::Capture),
        (Pending | RequiresAction | Authorized | Failed | Voided, Some(_)) if known => Some(Step::Void),
        (Pending | RequiresAction | Failed | Voided, Some(_)) => Some(Step::Look),
        (Authorized, Some(Wish::Void)) => Some(Step::Void),
        (Authorized | Failed | Voided, None) | (Captured | PartiallyRefunded | Refunded, _) => None,
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
