//! Asks the provider about everything whose time has come: what a request left behind, what an event wants, what was not
//! answered. A payment or refund is taken by moving its time, so that no two processes ask at once, and one that dies is
//! replaced.

use crate::app::App;
use crate::domain::record::{Record, RefundRecord};
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::{payment, refund};
use chassis::stop::Stop;
use std::pin::pin;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Questions that are under way at once in this process.
const AT_ONCE: usize = 64;

/// Asks until the stop.
pub(crate) async fn pursue(app: App, stop: Stop) -> anyhow::Result<()> {
    let mut going = JoinSet::new();
    while !stop.is_stopping() {
        let mut woken = pin!(app.due.woken());
        woken.as_mut().enable();
        while going.try_join_next().is_some() {}
        let taken = match take(&app, AT_ONCE.saturating_sub(going.len())).await {
            Ok((payments, refunds)) => {
                let count = payments.len() + refunds.len();
                payments.into_iter().for_each(|record| drop(going.spawn(ask(app.clone(), record))));
                refunds.into_iter().for_each(|record| drop(going.spawn(ask_refund(app.clone(), record))));
                count
            }
            Err(error) => {
                tracing::warn!(%error, "what is to be asked cannot be read; it is tried again");
                0
            }
        };
        if taken > 0 {
            continue;
        }
        tokio::select! {
            () = woken => {}
            () = sleep(app.due.patience()) => {}
            Some(_) = going.join_next() => {}
            () = stop.stopping() => {}
        }
    }
    // What is under way is dropped: it is asked again.
    Ok(())
}

async fn take(app: &App, room: usize) -> PaymentsResult<(Vec<Record>, Vec<RefundRecord>)> {
    let now = app.clock.now();
    if room == 0 || !payment::any_due(&app.db, now).await? {
        return Ok((Vec::new(), Vec::new()));
    }
    // Until then the answer is known, or there is none.
    let until = now + app.provider_timeout * 2;
    let limit = i64::try_from(room.div_ceil(2)).unwrap_or(1);
    let mut t = app.db.begin().await?;
    let payments = payment::claim_due(&mut t, now, until, limit).await?;
    let refunds = refund::claim_due(&mut t, now, until, limit).await?;
    t.commit().await?;
    Ok((payments, refunds))
}

async fn ask(app: App, record: Record) {
    let payment = record.id;
    note(app.pursue(record).await, &payment);
}

async fn ask_refund(app: App, record: RefundRecord) {
    let refund = record.id;
    note(app.pursue_refund(record).await, &refund);
}

fn note(outcome: Result<(), PaymentsError>, what: &dyn std::fmt::Display) {
    if let Err(error) = outcome {
        tracing::warn!(%what, %error, "what the provider said was not written down; it is asked again");
    }
}
