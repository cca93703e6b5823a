//! How the bank tells its merchants of what happened: signed, perhaps late, perhaps more than once.

use super::bank::{AGAIN, ripen};
use super::{Manners, NAME, Sandbox};
use crate::app::App;
use crate::domain::charge::{Charge, Returned};
use crate::domain::signature::{sign, verify};
use crate::provider::{BadWebhook, News, Notice};
use crate::store::bank::{self, Outgoing};
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use chassis::stop::Stop;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// Between two looks at what is to be sent.
const LOOK: Duration = Duration::from_millis(200);
/// Webhooks that are taken up at once.
const AT_ONCE: i64 = 100;

/// The body of a webhook.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charge: Option<Charge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refund: Option<Returned>,
}

/// Puts down that a charge has changed, to be sent; `late` when nobody was answered.
pub(super) async fn tell_charge(
    t: &mut Tx,
    sandbox: &Sandbox,
    charge: &Charge,
    late: bool,
) -> Result<(), DbError> {
    let event = Event { id: event_id(), charge: Some(charge.clone()), refund: None };
    put_down(t, sandbox, event, late).await
}

/// Puts down that money was given back, to be sent.
pub(super) async fn tell_returned(t: &mut Tx, sandbox: &Sandbox, returned: &Returned) -> Result<(), DbError> {
    put_down(t, sandbox, Event { id: event_id(), charge: None, refund: Some(returned.clone()) }, false).await
}

fn event_id() -> String {
    format!("evt_{}", Uuid::now_v7().simple())
}

async fn put_down(t: &mut Tx, sandbox: &Sandbox, event: Event, late: bool) -> Result<(), DbError> {
    let copies = i64::from(sandbox.0.manners.copies) + i64::from(late);
    if copies == 0 {
        return Ok(());
    }
    let body = serde_json::to_string(&event).map_err(|error| DbError::Encode(error.into()))?;
    let due = sandbox.0.clock.now() + sandbox.0.manners.delay;
    bank::insert_webhook(t, &Outgoing { id: event.id, body, copies }, due).await
}

pub(super) fn read(
    manners: &Manners,
    signature: Option<&str>,
    body: &[u8],
    now: Ts,
) -> Result<Notice, BadWebhook> {
    verify(&manners.secret, signature, body, now, manners.tolerance)?;
    let event: Event =
        serde_json::from_slice(body).map_err(|error| BadWebhook::Unreadable(error.to_string()))?;
    let news = match (event.charge, event.refund) {
        (Some(charge), _) => News::Charge(charge),
        (None, Some(returned)) => News::Returned(returned),
        (None, None) => News::Other,
    };
    Ok(Notice { id: event.id, news })
}

/// The bank's own clockwork: slow cards answer, and webhooks are sent to `app` until the stop.
///
/// # Errors
/// None: what fails is tried again.
pub async fn deliver(sandbox: Sandbox, app: App, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        if let Err(error) = round(&sandbox, &app).await {
            tracing::warn!(%error, "the sandbox's bank is away");
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            () = stop.stopping() => {}
        }
    }
    Ok(())
}

async fn round(sandbox: &Sandbox, app: &App) -> Result<(), DbError> {
    let now = sandbox.0.clock.now();
    if !bank::anything_due(&sandbox.0.db, now).await? {
        return Ok(());
    }
    ripen(sandbox).await?;
    let mut t = sandbox.0.db.begin().await?;
    let due = bank::claim_webhooks(&mut t, now, now + AGAIN, AT_ONCE).await?;
    t.commit().await?;
    for webhook in due {
        let now = sandbox.0.clock.now();
        let signature = sign(&sandbox.0.manners.secret, webhook.body.as_bytes(), now);
        match app.take_webhook(NAME, Some(&signature), webhook.body.as_bytes()).await {
            Ok(()) => {
                let mut t = sandbox.0.db.begin().await?;
                bank::webhook_sent(&mut t, &webhook, now + sandbox.0.manners.delay).await?;
                t.commit().await?;
            }
            Err(error) => {
                tracing::debug!(%error, webhook = webhook.id, "a webhook was not taken; it is sent again")
            }
        }
    }
    Ok(())
}
