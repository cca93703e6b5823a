//! What the bank does. Each request is one transaction of the bank's own.

use super::{Sandbox, away, webhooks};
use crate::domain::charge::{Charge, ChargeState, Returned};
use crate::provider::{Asking, NewCharge, NewRefund, ProviderError};
use crate::store::bank::{self, Kept};
use chassis::db::{DbError, Tx};
use std::time::Duration;
use uuid::Uuid;

/// What is asked of a charge.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Confirm,
    Capture,
    Void,
}

impl Change {
    /// From which states, and to which.
    const fn table(self) -> (&'static [ChargeState], ChargeState) {
        use ChargeState::{Authorized, Canceled, Captured, Processing, RequiresAction};
        match self {
            Self::Confirm => (&[RequiresAction], Authorized),
            Self::Capture => (&[Authorized], Captured),
            Self::Void => (&[Processing, RequiresAction, Authorized], Canceled),
        }
    }
}

/// How the bank speaks about what it did.
enum Said {
    /// At once.
    Now(Charge),
    /// Not at all, though it was done.
    Nothing,
    /// That it has failed.
    Failed,
    /// That it does not know of such a thing.
    Unknown,
}

/// What a card comes to.
const fn outcome(card: &str) -> (ChargeState, Option<&'static str>) {
    use ChargeState::{Authorized, Failed, Processing, RequiresAction};
    match card.as_bytes() {
        b"pm_card_visa"
        | b"pm_card_mastercard"
        | b"pm_card_timeout_after_charge"
        | b"pm_card_capture_timeout"
        | b"pm_card_error"
        | b"pm_card_refund_declined" => (Authorized, None),
        b"pm_card_authentication_required" => (RequiresAction, None),
        b"pm_card_slow" => (Processing, None),
        b"pm_card_declined" => (Failed, Some("Your card was declined.")),
        b"pm_card_insufficient_funds" => (Failed, Some("Your card has insufficient funds.")),
        _ => (Failed, Some("There is no such card.")),
    }
}

async fn speak(said: Said) -> Result<Charge, ProviderError> {
    match said {
        Said::Now(charge) => Ok(charge),
        Said::Failed => Err(ProviderError::Broken("the network has failed".to_owned())),
        Said::Unknown => Err(ProviderError::Refused("there is no such charge".to_owned())),
        // Whoever asked gives up sooner or later.
        Said::Nothing => std::future::pending().await,
    }
}

pub(super) async fn authorize(sandbox: &Sandbox, new: &NewCharge) -> Result<Charge, ProviderError> {
    let job = (sandbox.clone(), new.clone());
    let said = sandbox.0.db.group(move |t| {
        let (sandbox, new) = job.clone();
        Box::pin(async move { authorize_in(t, &sandbox, &new).await })
    });
    speak(said.await.map_err(away)?).await
}

async fn authorize_in(t: &mut Tx, sandbox: &Sandbox, new: &NewCharge) -> Result<Said, DbError> {
    let (card, now) = (new.method.0.as_str(), sandbox.0.clock.now());
    if card == "pm_card_error" {
        // A failure is kept under its key, as others keep it; it is the only one of its payment.
        let first = bank::mishap(t, &format!("{}:error", new.checkout)).await?;
        if (first && bank::mishap(t, &new.key).await?) || bank::had_mishap(t, &new.key).await? {
            return Ok(Said::Failed);
        }
    }
    let (state, refusal) = outcome(card);
    let charge = Charge {
        reference: format!("sb_{}", Uuid::now_v7().simple()),
        checkout: Some(new.checkout),
        state,
        amount: new.amount,
        captured: 0,
        refunded: Some(0),
        refusal: refusal.map(str::to_owned),
        action: None,
        created_at: now,
    };
    let ripe_at = (state == ChargeState::Processing).then(|| now + sandbox.0.manners.slow);
    let kept = Kept { charge, made_by: new.key.clone(), card: card.to_owned(), ripe_at };
    if !bank::insert_charge(t, new.checkout, &kept).await? {
        let before = bank::charge_made_by(t, &new.key).await?;
        return Ok(before.map_or(Said::Unknown, |before| Said::Now(before.charge)));
    }
    let silent = card == "pm_card_timeout_after_charge";
    if state != ChargeState::Processing {
        webhooks::tell_charge(t, sandbox, &kept.charge, silent).await?;
    }
    Ok(if silent { Said::Nothing } else { Said::Now(kept.charge) })
}

pub(super) async fn change(
    sandbox: &Sandbox,
    asking: &Asking,
    change: Change,
) -> Result<Charge, ProviderError> {
    let job = (sandbox.clone(), asking.reference.clone());
    let said = sandbox.0.db.group(move |t| {
        let (sandbox, reference) = job.clone();
        Box::pin(async move { change_in(t, &sandbox, &reference, change).await })
    });
    speak(said.await.map_err(away)?).await
}

/// A charge that is in another state stays as it is, and that is the answer.
async fn change_in(t: &mut Tx, sandbox: &Sandbox, reference: &str, change: Change) -> Result<Said, DbError> {
    let (from, to) = change.table();
    let Some(kept) = bank::move_charge(t, reference, from, to).await? else {
        let stands = bank::charge_in(t, reference).await?;
        return Ok(stands.map_or(Said::Unknown, |stands| Said::Now(stands.charge)));
    };
    let silent = matches!(change, Change::Capture) && kept.card == "pm_card_capture_timeout";
    webhooks::tell_charge(t, sandbox, &kept.charge, silent).await?;
    Ok(if silent { Said::Nothing } else { Said::Now(kept.charge) })
}

pub(super) async fn refund(sandbox: &Sandbox, new: &NewRefund) -> Result<Returned, ProviderError> {
    let job = (sandbox.clone(), new.clone());
    let made = sandbox.0.db.group(move |t| {
        let (sandbox, new) = job.clone();
        Box::pin(async move { refund_in(t, &sandbox, &new).await })
    });
    let too_much = || ProviderError::Refused("more than is left of the charge".to_owned());
    made.await.map_err(away)?.ok_or_else(too_much)
}

async fn refund_in(t: &mut Tx, sandbox: &Sandbox, new: &NewRefund) -> Result<Option<Returned>, DbError> {
    if let Some(before) = bank::refund_made_by(t, &new.key).await? {
        return Ok(Some(before));
    }
    let Some(kept) = bank::charge_in(t, &new.charge).await? else { return Ok(None) };
    let failed = kept.card == "pm_card_refund_declined";
    if !bank::insert_refund(t, new, failed, sandbox.0.clock.now()).await? {
        return bank::refund_made_by(t, &new.key).await;
    }
    if !failed && bank::give_back(t, &new.charge, new.amount.amount).await?.is_none() {
        bank::delete_refund(t, &new.key).await?;
        return Ok(None);
    }
    let returned = bank::refund_made_by(t, &new.key).await?;
    if let Some(returned) = &returned {
        webhooks::tell_returned(t, sandbox, returned).await?;
    }
    Ok(returned)
}

/// Charges of slow cards that answer by now are authorised, and their owners are told.
pub(super) async fn ripen(sandbox: &Sandbox) -> Result<(), DbError> {
    const AT_ONCE: i64 = 100;
    let mut t = sandbox.0.db.begin().await?;
    for kept in bank::ripen(&mut t, sandbox.0.clock.now(), AT_ONCE).await? {
        webhooks::tell_charge(&mut t, sandbox, &kept.charge, true).await?;
    }
    t.commit().await
}

/// How long a webhook that nobody took waits.
pub(super) const AGAIN: Duration = Duration::from_secs(2);
