//! Stripe's objects, as far as they are read.

use super::amount::from_stripe;
use crate::domain::charge::{Charge, ChargeState, ReturnState, Returned};
use crate::provider::ProviderError;
use chassis::clock::Ts;
use contract::ids::{CheckoutId, RefundId};
use contract::money::{Currency, Money};
use contract::payments::NextAction;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// A webhook.
#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) data: EventData,
}

#[derive(Deserialize)]
pub(super) struct EventData {
    pub(super) object: Value,
}

/// The body of an answer that is no success.
#[derive(Deserialize)]
pub(super) struct Failure {
    pub(super) error: StripeError,
}

/// What an answer is read into.
pub(super) trait Answer: DeserializeOwned {
    /// The object that stands in an error, where that is what was asked about.
    fn in_error(_: Value) -> Option<Self> {
        None
    }
}

impl<T: DeserializeOwned> Answer for List<T> {}

impl Answer for Refund {}

impl Answer for Intent {
    fn in_error(intent: Value) -> Option<Self> {
        serde_json::from_value(intent).ok()
    }
}

/// What went wrong. Its message is for the buyer only when the card is at fault; otherwise it may quote what was sent.
#[derive(Deserialize)]
pub(super) struct StripeError {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) code: Option<String>,
    pub(super) param: Option<String>,
    pub(super) message: Option<String>,
    pub(super) payment_intent: Option<Value>,
}

impl StripeError {
    /// Type, code and parameter: none of them repeats what was sent.
    pub(super) fn short(&self) -> String {
        let part = |text: &Option<String>| text.as_deref().map(|text| format!(" {text}")).unwrap_or_default();
        format!("{}{}{}", self.kind, part(&self.code), part(&self.param))
    }
}

type Metadata = BTreeMap<String, String>;

fn named<T: FromStr>(metadata: &Option<Metadata>, name: &str) -> Option<T> {
    metadata.as_ref()?.get(name)?.parse().ok()
}

/// A PaymentIntent.
#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    amount: i64,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    status: String,
    created: i64,
    client_secret: Option<String>,
    metadata: Option<Metadata>,
    last_payment_error: Option<LastError>,
    next_action: Option<Action>,
    /// An id, or the whole charge when that was asked for.
    latest_charge: Option<Value>,
}

#[derive(Deserialize)]
struct LastError {
    message: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    url: Option<String>,
}

fn currency(code: &str) -> Result<Currency, ProviderError> {
    let known = Currency::parse(&code.to_ascii_uppercase());
    known.ok_or_else(|| ProviderError::NoAnswer("a currency that is none".to_owned()))
}

impl Intent {
    /// The payment that it was made for.
    pub(super) fn checkout(&self) -> Option<CheckoutId> {
        named(&self.metadata, "checkout")
    }

    fn state(&self) -> ChargeState {
        match self.status.as_str() {
            "requires_action" => ChargeState::RequiresAction,
            "requires_capture" => ChargeState::Authorized,
            "succeeded" => ChargeState::Captured,
            "canceled" => ChargeState::Canceled,
            "requires_payment_method" if self.last_payment_error.is_some() => ChargeState::Failed,
            // Not confirmed yet, as in the webhook of its creation; at work; or something newer than this release.
            _ => ChargeState::Processing,
        }
    }

    /// As everybody else sees it.
    pub(super) fn charge(&self) -> Result<Charge, ProviderError> {
        let currency = currency(&self.currency)?;
        let state = self.state();
        let refusal = self.last_payment_error.as_ref().and_then(|error| error.message.clone());
        let redirect = self.next_action.as_ref().and_then(|action| action.redirect_to_url.as_ref());
        let action = NextAction {
            client_secret: self.client_secret.clone(),
            url: redirect.and_then(|redirect| redirect.url.clone()),
        };
        let refunded = self.latest_charge.as_ref().and_then(|charge| charge["amount_refunded"].as_i64());
        Ok(Charge {
            reference: self.id.clone(),
            checkout: self.checkout(),
            state,
            amount: Money::new(from_stripe(self.amount, currency)?, currency),
            captured: from_stripe(self.amount_received, currency)?,
            refunded: refunded.map(|amount| from_stripe(amount, currency)).transpose()?,
            refusal,
            action: (state == ChargeState::RequiresAction).then_some(action),
            created_at: Ts::from_secs(self.created),
        })
    }
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    failure_reason: Option<String>,
    metadata: Option<Metadata>,
}

impl Refund {
    /// The refund that it was made for.
    pub(super) fn refund(&self) -> Option<RefundId> {
        named(&self.metadata, "refund")
    }

    /// As everybody else sees it.
    pub(super) fn returned(&self) -> Result<Returned, ProviderError> {
        Ok(Returned {
            reference: self.id.clone(),
            refund: self.refund(),
            state: match self.status.as_deref() {
                Some("succeeded") => ReturnState::Succeeded,
                Some("failed" | "canceled") => ReturnState::Failed,
                _ => ReturnState::Pending,
            },
            amount: from_stripe(self.amount, currency(&self.currency)?)?,
            refusal: self.failure_reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(status: &str, error: Value) -> ChargeState {
        let intent = json!({"id": "pi_1", "amount": 5, "currency": "eur", "status": status, "created": 1,
            "last_payment_error": error});
        serde_json::from_value::<Intent>(intent).unwrap().charge().unwrap().state
    }

    #[test]
    fn an_intent_that_was_just_made_is_not_one_whose_card_was_declined() {
        assert_eq!(state("requires_payment_method", Value::Null), ChargeState::Processing);
        let declined = json!({"message": "Your card was declined."});
        assert_eq!(state("requires_payment_method", declined), ChargeState::Failed);
        assert_eq!(state("requires_confirmation", Value::Null), ChargeState::Processing);
        assert_eq!(state("something_new", Value::Null), ChargeState::Processing);
    }
}
