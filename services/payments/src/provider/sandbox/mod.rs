//! A card network in a box: the provider of a development machine, of tests and of demonstrations.
//!
//! Its bank stands for somebody else's: it has books of its own, writes them in transactions of its own, knows a request
//! again by its key, and may say nothing, say it late, say it twice. No card is real, and no money moves.
//!
//! | card | what happens |
//! | --- | --- |
//! | `pm_card_visa`, `pm_card_mastercard` | is good |
//! | `pm_card_declined` | is declined |
//! | `pm_card_insufficient_funds` | is declined for want of money |
//! | `pm_card_authentication_required` | the buyer has to confirm first |
//! | `pm_card_timeout_after_charge` | the amount is kept, and the answer is lost |
//! | `pm_card_capture_timeout` | the amount is taken, and the answer is lost |
//! | `pm_card_slow` | is good, and says so later by a webhook |
//! | `pm_card_error` | the network fails once |
//! | `pm_card_refund_declined` | is good, and does not take money back |

mod bank;
mod webhooks;

pub use webhooks::deliver;

use super::{Asked, Asking, BadWebhook, Listed, NewCharge, NewRefund, Notice, Provider, ProviderError};
use crate::domain::charge::{Charge, Returned};
use chassis::clock::{Clock, Ts};
use chassis::db::{Db, DbError};
use contract::ids::{CheckoutId, RefundId};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// The name of the sandbox.
pub const NAME: &str = "sandbox";
/// The header with the signature of its webhooks.
pub const SIGNATURE: &str = "sandbox-signature";
/// Charges on one page of its books.
const PAGE: i64 = 200;

/// How the sandbox behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// How long a slow card takes.
    pub slow: Duration,
    /// How often each change is told by webhook besides being answered. What is answered late is told once more.
    pub copies: u32,
    /// How long after the change.
    pub delay: Duration,
    /// With what webhooks are signed.
    pub secret: SecretString,
    /// How old a webhook may be.
    pub tolerance: Duration,
    /// Where clients reach the platform.
    pub public_url: String,
}

/// The sandbox. Clones share it.
#[derive(Debug, Clone)]
pub struct Sandbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    manners: Manners,
}

impl Sandbox {
    /// A sandbox whose bank keeps its books in this database.
    #[must_use]
    pub fn new(db: Db, clock: Clock, manners: Manners) -> Self {
        Self(Arc::new(Inner { db, clock, manners }))
    }

    /// What the bank tells of a charge, with what the buyer has to do.
    fn told(&self, mut charge: Charge) -> Charge {
        use crate::domain::charge::ChargeState::RequiresAction;
        if let (RequiresAction, Some(checkout)) = (charge.state, charge.checkout) {
            let url = format!("{}/api/v1/payments/{checkout}/confirm", self.0.manners.public_url);
            charge.action = Some(contract::payments::NextAction { client_secret: None, url: Some(url) });
        }
        charge
    }
}

/// The bank is away: nobody knows what it did.
fn away(error: DbError) -> ProviderError {
    ProviderError::NoAnswer(format!("the bank is away: {error}"))
}

impl Provider for Sandbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature_header(&self) -> &'static str {
        SIGNATURE
    }

    fn authorize<'a>(&'a self, new: &'a NewCharge) -> Asked<'a, Charge> {
        Box::pin(async { Ok(self.told(bank::authorize(self, new).await?)) })
    }

    fn confirm<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge> {
        Box::pin(async { Ok(self.told(bank::change(self, asking, bank::Change::Confirm).await?)) })
    }

    fn capture<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge> {
        Box::pin(async { Ok(self.told(bank::change(self, asking, bank::Change::Capture).await?)) })
    }

    fn void<'a>(&'a self, asking: &'a Asking) -> Asked<'a, Charge> {
        Box::pin(async { Ok(self.told(bank::change(self, asking, bank::Change::Void).await?)) })
    }

    fn refund<'a>(&'a self, new: &'a NewRefund) -> Asked<'a, Returned> {
        Box::pin(bank::refund(self, new))
    }

    fn find<'a>(
        &'a self,
        reference: Option<&'a str>,
        checkout: CheckoutId,
        _: Ts,
    ) -> Asked<'a, Option<Charge>> {
        use crate::store::bank::{charge, charge_of};
        Box::pin(async move {
            let found = match reference {
                Some(reference) => charge(&self.0.db, reference).await,
                None => charge_of(&self.0.db, checkout).await,
            };
            Ok(found.map_err(away)?.map(|kept| self.told(kept.charge)))
        })
    }

    fn find_refund<'a>(
        &'a self,
        _: Option<&'a str>,
        charge: &'a str,
        refund: RefundId,
    ) -> Asked<'a, Option<Returned>> {
        use crate::store::bank::refund_of;
        Box::pin(async move { refund_of(&self.0.db, charge, refund).await.map_err(away) })
    }

    fn list<'a>(&'a self, since: Ts, after: Option<&'a str>) -> Asked<'a, Listed> {
        Box::pin(async move {
            let kept = crate::store::bank::list(&self.0.db, since, after, PAGE).await.map_err(away)?;
            let full = i64::try_from(kept.len()).is_ok_and(|count| count == PAGE);
            let charges: Vec<Charge> = kept.into_iter().map(|kept| self.told(kept.charge)).collect();
            let next = charges.last().filter(|_| full).map(|last| last.reference.clone());
            Ok(Listed { charges, next })
        })
    }

    fn read_webhook(&self, signature: Option<&str>, body: &[u8], now: Ts) -> Result<Notice, BadWebhook> {
        webhooks::read(&self.0.manners, signature, body, now)
    }
}
