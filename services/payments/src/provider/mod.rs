//! Who keeps, takes and gives back the money. One trait, two implementations: the [`sandbox`] and [`stripe`].
//!
//! What must hold of each: a request that is sent again with the same key takes effect once; what a request came to can be
//! found out afterwards ([`Provider::find`]); a webhook is believed only with its signature.

pub mod sandbox;
pub mod stripe;

use crate::domain::charge::{Charge, Returned};
use crate::domain::signature::BadSignature;
use chassis::clock::Ts;
use contract::ids::{CheckoutId, OrderId, RefundId};
use contract::money::Money;
use contract::payments::MethodToken;
use futures_util::future::BoxFuture;

/// What a provider is asked for, and what comes of it.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// Why a provider gave no usable answer. Neither text has anything of a card or a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There was none, or none yet; it may have taken effect. The same request may be sent again.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The provider failed; it may have taken effect. Under the same key it would only say so again.
    #[error("the provider failed: {0}")]
    Broken(String),
    /// The provider does not take such a request; nothing took effect, and the same request never will.
    #[error("the provider does not take it: {0}")]
    Refused(String),
}

/// A charge that is asked for. It has no `Debug`: it holds a card's token.
#[derive(Clone)]
pub struct NewCharge {
    /// The payment that it is for.
    pub checkout: CheckoutId,
    /// The order that the payment is for.
    pub order: OrderId,
    /// How much.
    pub amount: Money,
    /// The card.
    pub method: MethodToken,
    /// The idempotency key.
    pub key: String,
}

/// Something that is asked of a charge.
#[derive(Debug, Clone)]
pub struct Asking {
    /// What the provider calls the charge.
    pub reference: String,
    /// The idempotency key.
    pub key: String,
}

/// Money that is to be given back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// The refund.
    pub refund: RefundId,
    /// What the provider calls the charge.
    pub charge: String,
    /// How much.
    pub amount: Money,
    /// The idempotency key.
    pub key: String,
}

/// Some of a provider's books, oldest first or newest first as the provider likes.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The charges.
    pub charges: Vec<Charge>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// What a webhook says.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The provider's id of it, by which a second one is known.
    pub id: String,
    /// What it is about.
    pub news: News,
}

/// What a provider says, asked or unasked.
#[derive(Debug, Clone)]
pub enum News {
    /// About a charge.
    Charge(Charge),
    /// About money that is given back.
    Returned(Returned),
    /// Nothing that matters here.
    Other,
}

/// Why a webhook was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    /// It is not proved to come from the provider.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// It is signed and cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

/// A provider of payments.
pub trait Provider: Send + Sync + 'static {
    /// Its name: the setting, the path of its webhooks, the label.
    fn name(&self) -> &'static str;

    /// The header with the signature of its webhooks.
    fn signature_header(&self) -> &'static str;

    /// Keeps an amount. A card that is refused is an answer: a charge that failed.
    fn authorize<'a>(&'a self, new: &'a NewCharge) -> Asked<'a, Charge>;

    /// Goes on with what the buyer has proved, as far as that is ours to do.
    fn confirm<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge>;

    /// Takes the whole amount.
    fn capture<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge>;

    /// Lets the amount go.
    fn void<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge>;

    /// Gives some of it back.
    fn refund<'a>(&'a self, new: &'a NewRefund) -> Asked<'a, Returned>;

    /// How a charge stands: by what the provider calls it, or by the payment that it was made for at `since` or later.
    fn find<'a>(
        &'a self,
        reference: Option<&'a str>,
        checkout: CheckoutId,
        since: Ts,
    ) -> Asked<'a, Option<Charge>>;

    /// How a refund of a charge stands: by what the provider calls it, or by the refund that it was made for.
    fn find_refund<'a>(
        &'a self,
        reference: Option<&'a str>,
        charge: &'a str,
        refund: RefundId,
    ) -> Asked<'a, Option<Returned>>;

    /// The charges that were made at `since` or later, page by page.
    fn list<'a>(&'a self, since: Ts, after: Option<&'a str>) -> Asked<'a, Listed>;

    /// What a webhook says, once it is proved to come from the provider and not to be an old one.
    ///
    /// # Errors
    /// See [`BadWebhook`].
    fn read_webhook(&self, signature: Option<&str>, body: &[u8], now: Ts) -> Result<Notice, BadWebhook>;
}
