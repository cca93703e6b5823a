//! Stripe: PaymentIntents with manual capture, and refunds. A client of our own over HTTP/1.1 and 2, as Stripe documents its
//! API of the version below.
//!
//! What of that matters here:
//! - Stripe keeps the answer to a request under its idempotency key, also one of 500: the same request would get the same
//!   answer for a day. A 5xx is therefore [`ProviderError::Broken`], and what it came to is looked up.
//! - A card that is declined is answered 402, with the PaymentIntent in the error. An operation that its state does not allow
//!   is answered 400, with the PaymentIntent too: how it stands is what we want to know.
//! - A PaymentIntent that has not been confirmed yet, as in the webhook of its creation, says `requires_payment_method`, like
//!   one whose card was declined. Only the latter has an error.
//!
//! [`ProviderError::Broken`]: super::ProviderError::Broken

mod amount;
mod http;
mod objects;

use super::{Asked, Asking, BadWebhook, Listed, NewCharge, NewRefund, News, Notice, Provider, ProviderError};
use crate::domain::charge::{Charge, ChargeState, Returned};
use crate::domain::signature::verify;
use chassis::clock::Ts;
use contract::ids::{CheckoutId, RefundId};
use http::{Form, Http};
use objects::{Event, Intent, List, Refund};
use secrecy::SecretString;
use std::time::Duration;

/// The name of Stripe.
pub const NAME: &str = "stripe";
/// Where Stripe is.
pub const API_BASE: &str = "https://api.stripe.com";
/// The header with the signature of its webhooks.
pub const SIGNATURE: &str = "stripe-signature";
/// The version of the API for which this is written.
const VERSION: &str = "2024-06-20";
/// Objects on one page, which is the most that Stripe gives.
const PAGE: &str = "100";
/// Pages that are looked through for one charge.
const PAGES: u32 = 50;
/// By so much may Stripe's clock be behind ours.
const CLOCKS: Duration = Duration::from_secs(60);

/// How Stripe is spoken to.
#[derive(Debug, Clone)]
pub struct StripeConfig {
    /// Where it is, without a slash at the end.
    pub api_base: String,
    /// The secret key.
    pub secret_key: SecretString,
    /// The secret of the webhook endpoint.
    pub webhook_secret: SecretString,
    /// How old a webhook may be.
    pub tolerance: Duration,
    /// Where buyers come back to who had to prove something.
    pub return_url: Option<String>,
}

/// Stripe.
#[derive(Debug)]
pub struct Stripe {
    http: Http,
    config: StripeConfig,
}

impl Stripe {
    /// A client of Stripe. Nothing is connected yet.
    ///
    /// # Errors
    /// When there is no TLS, or the key cannot stand in a header.
    pub fn new(config: StripeConfig) -> anyhow::Result<Self> {
        Ok(Self { http: Http::new(&config.api_base, &config.secret_key, VERSION)?, config })
    }

    async fn intent(&self, path: &str, form: Form, key: &str) -> Result<Charge, ProviderError> {
        let form = form.with("expand[]", "latest_charge");
        let intent: Intent = self.http.post(path, form, key).await?;
        intent.charge()
    }

    /// The PaymentIntents that were made at `since` or later, newest first.
    async fn page(&self, since: Ts, after: Option<&str>) -> Result<List<Intent>, ProviderError> {
        let since = (since - CLOCKS).secs().to_string();
        let query = Form::default()
            .with("created[gte]", &since)
            .with("limit", PAGE)
            .with("expand[]", "data.latest_charge")
            .with_some("starting_after", after);
        self.http.get("/v1/payment_intents", query).await
    }

    /// The charge that was made for a payment: one that is good for something, where there are several.
    async fn made_for(&self, checkout: CheckoutId, since: Ts) -> Result<Option<Charge>, ProviderError> {
        let (mut after, mut best): (Option<String>, Option<Charge>) = (None, None);
        for _ in 0..PAGES {
            let page = self.page(since, after.as_deref()).await?;
            for intent in page.data.iter().filter(|intent| intent.checkout() == Some(checkout)) {
                let charge = intent.charge()?;
                if !matches!(charge.state, ChargeState::Failed | ChargeState::Canceled) {
                    return Ok(Some(charge));
                }
                best = best.or(Some(charge));
            }
            after = page.data.last().map(|last| last.id.clone());
            if !page.has_more || after.is_none() {
                return Ok(best);
            }
        }
        Err(ProviderError::NoAnswer("there are too many charges to look through".to_owned()))
    }
}

impl Provider for Stripe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE
    }

    fn authorize<'a>(&'a self, new: &'a NewCharge) -> Asked<'a, Charge> {
        Box::pin(async move {
            let (amount, currency) = amount::to_stripe(new.amount)?;
            let form = Form::default()
                .with("amount", &amount.to_string())
                .with("currency", &currency)
                .with("capture_method", "manual")
                .with("confirm", "true")
                .with("payment_method", &new.method.0)
                .with("payment_method_types[]", "card")
                .with("metadata[checkout]", &new.checkout.to_string())
                .with("metadata[order]", &new.order.to_string())
                .with_some("return_url", self.config.return_url.as_deref());
            self.intent("/v1/payment_intents", form, &new.key).await
        })
    }

    /// The buyer's browser has talked to Stripe itself: what came of it is there to be read.
    fn confirm<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge> {
        Box::pin(async move {
            let path = format!("/v1/payment_intents/{}", asking.reference);
            let intent: Intent = self.http.get(&path, Form::default()).await?;
            intent.charge()
        })
    }

    fn capture<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge> {
        Box::pin(async move {
            let path = format!("/v1/payment_intents/{}/capture", asking.reference);
            self.intent(&path, Form::default(), &asking.key).await
        })
    }

    fn void<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge> {
        Box::pin(async move {
            let path = format!("/v1/payment_intents/{}/cancel", asking.reference);
            let form = Form::default().with("cancellation_reason", "abandoned");
            self.intent(&path, form, &asking.key).await
        })
    }

    fn refund<'a>(&'a self, new: &'a NewRefund) -> Asked<'a, Returned> {
        Box::pin(async move {
            let (amount, _) = amount::to_stripe(new.amount)?;
            let form = Form::default()
                .with("payment_intent", &new.charge)
                .with("amount", &amount.to_string())
                .with("metadata[refund]", &new.refund.to_string());
            let refund: Refund = self.http.post("/v1/refunds", form, &new.key).await?;
            refund.returned()
        })
    }

    fn find<'a>(
        &'a self,
        reference: Option<&'a str>,
        checkout: CheckoutId,
        since: Ts,
    ) -> Asked<'a, Option<Charge>> {
        Box::pin(async move {
            let Some(reference) = reference else { return self.made_for(checkout, since).await };
            let query = Form::default().with("expand[]", "latest_charge");
            let intent: Intent = self.http.get(&format!("/v1/payment_intents/{reference}"), query).await?;
            intent.charge().map(Some)
        })
    }

    fn find_refund<'a>(
        &'a self,
        reference: Option<&'a str>,
        charge: &'a str,
        refund: RefundId,
    ) -> Asked<'a, Option<Returned>> {
        Box::pin(async move {
            if let Some(reference) = reference {
                let found: Refund =
                    self.http.get(&format!("/v1/refunds/{reference}"), Form::default()).await?;
                return found.returned().map(Some);
            }
            let query = Form::default().with("payment_intent", charge).with("limit", PAGE);
            let list: List<Refund> = self.http.get("/v1/refunds", query).await?;
            let own = list.data.iter().find(|one| one.refund() == Some(refund));
            own.map(Refund::returned).transpose()
        })
    }

    fn list<'a>(&'a self, since: Ts, after: Option<&'a str>) -> Asked<'a, Listed> {
        Box::pin(async move {
            let page = self.page(since, after).await?;
            let next = page.data.last().filter(|_| page.has_more).map(|last| last.id.clone());
            let charges = page.data.iter().map(Intent::charge).collect::<Result<_, _>>()?;
            Ok(Listed { charges, next })
        })
    }

    fn read_webhook(&self, signature: Option<&str>, body: &[u8], now: Ts) -> Result<Notice, BadWebhook> {
        verify(&self.config.webhook_secret, signature, body, now, self.config.tolerance)?;
        let unreadable = |error: &dyn std::fmt::Display| BadWebhook::Unreadable(error.to_string());
        let event: Event = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        let object = event.data.object;
        let news = match object["object"].as_str() {
            Some("payment_intent") => {
                let intent: Intent = serde_json::from_value(object).map_err(|error| unreadable(&error))?;
                News::Charge(intent.charge().map_err(|error| unreadable(&error))?)
            }
            Some("refund") => {
                let refund: Refund = serde_json::from_value(object).map_err(|error| unreadable(&error))?;
                News::Returned(refund.returned().map_err(|error| unreadable(&error))?)
            }
            _ => News::Other,
        };
        Ok(Notice { id: event.id, news })
    }
}
