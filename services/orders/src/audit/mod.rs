//! The rules that an audit looks at: what orders say of themselves, and whether payments and inventory say the same.
//!
//! What must hold: nothing is reported that is merely under way. Who does not agree with others is looked at once more by
//! itself, when it has been at rest for a while and nothing is being settled.

mod rules;

use crate::app::App;
use crate::domain::order::Order;
use crate::store::checkout::{self, CheckoutRow};
use chassis::invariant::{Checked, Invariant};
use chassis::service::Parts;
use contract::CallError;
use contract::audit::Violation;
use contract::ids::CheckoutId;
use contract::inventory::Reservation;
use contract::payments::{Payment, PaymentState};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// Rows that are asked for at once.
const PAGE: u32 = 500;
/// What moved later than this ago is under way: others hear of it by events.
const AT_REST: Duration = Duration::from_secs(10);
/// So much later than its time a checkout may end: what it did is undone first.
const GRACE: Duration = Duration::from_secs(120);

/// Adds the rules.
pub(crate) fn declare(parts: Parts, app: &App) -> Parts {
    let [ends, paid, kept] = std::array::from_fn(|_| app.clone());
    parts
        .invariant(Invariant::new(
            "every-checkout-ends",
            "No order is settled for longer than a checkout may take.",
            move || every_checkout_ends(ends.clone()),
        ))
        .invariant(Invariant::new(
            "orders-and-payments-agree",
            "A sold order has one payment of its total, taken and given back as the order says; one that was not sold has none.",
            move || payments_agree(paid.clone()),
        ))
        .invariant(Invariant::new(
            "orders-and-reservations-agree",
            "What is reserved is reserved for an order, has left with one that was sold, and is let go with one that was not.",
            move || reservations_agree(kept.clone()),
        ))
}

async fn every_checkout_ends(app: App) -> anyhow::Result<Checked> {
    let mut found = Checked::default();
    let now = app.clock.now();
    for row in checkouts(&app).await? {
        found.checked += 1;
        if row.state.is_open() && row.deadline_at + GRACE < now {
            let what = format!(
                "checkout {} is {} and was to end by {}",
                row.id,
                row.state.as_str(),
                row.deadline_at
            );
            found.violations.push(Violation::new(format!("order {}", row.order), what));
        }
    }
    Ok(found)
}

async fn payments_agree(app: App) -> anyhow::Result<Checked> {
    let payments = payments(&app).await?;
    let (mut found, mut rows) = (Checked::default(), checkouts(&app).await?);
    let known: HashSet<CheckoutId> = rows.iter().map(|row| row.id).collect();
    for payment in payments.values().filter(|payment| payment.state != PaymentState::Voided) {
        if !known.contains(&payment.id) && checkout::find(&app.db, payment.id).await?.is_none() {
            let what = format!("payment {} is {} and belongs to no checkout", payment.id, payment.state);
            found.violations.push(Violation::new(format!("order {}", payment.order), what));
        }
    }
    found.checked = rows.len() as u64;
    rows.retain(|row| rules::payment(row, payments.get(&row.id)).is_some());
    for row in rows {
        let Some(row) = still_at_rest(&app, &row).await? else { continue };
        let payment = payment(&app, row.id).await?;
        if let Some(what) = rules::payment(&row, payment.as_ref()) {
            found.violations.push(Violation::new(format!("order {}", row.order), what));
        }
    }
    Ok(found)
}

async fn reservations_agree(app: App) -> anyhow::Result<Checked> {
    let kept = reservations(&app).await?;
    let (mut found, mut rows) = (Checked::default(), checkouts(&app).await?);
    let known: HashSet<CheckoutId> = rows.iter().map(|row| row.id).collect();
    for one in kept.values() {
        if !known.contains(&one.checkout) && checkout::find(&app.db, one.checkout).await?.is_none() {
            let what = format!("reservation {} is {} and belongs to no checkout", one.checkout, one.state);
            found.violations.push(Violation::new(format!("order {}", one.order), what));
        }
    }
    found.checked = rows.len() as u64;
    rows.retain(|row| rules::reservation(row, kept.get(&row.id)).is_some());
    if rows.is_empty() {
        return Ok(found);
    }
    let again = reservations(&app).await?;
    for row in rows {
        let Some(row) = still_at_rest(&app, &row).await? else { continue };
        if let Some(what) = rules::reservation(&row, again.get(&row.id)) {
            found.violations.push(Violation::new(format!("order {}", row.order), what));
        }
    }
    Ok(found)
}

/// The checkout as it is now, when it has been at rest for a while and nothing of its order is being settled.
async fn still_at_rest(app: &App, row: &CheckoutRow) -> anyhow::Result<Option<CheckoutRow>> {
    let row = checkout::find(&app.db, row.id).await?.filter(|row| row.moved_at + AT_REST < app.clock.now());
    let Some(row) = row else { return Ok(None) };
    let order = app.store.load::<Order>(row.order.uuid()).await?;
    Ok((!order.state.is_processing()).then_some(row))
}

/// Every checkout.
async fn checkouts(app: &App) -> anyhow::Result<Vec<CheckoutRow>> {
    let (mut all, mut after) = (Vec::new(), CheckoutId(Uuid::nil()));
    loop {
        let page = checkout::page(&app.db, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map_or(after, |row| row.id);
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// A payment as it is now, if there is one.
async fn payment(app: &App, id: CheckoutId) -> Result<Option<Payment>, CallError> {
    match app.payments.payment(id).await {
        Ok(payment) => Ok(Some(payment)),
        Err(CallError::Refused(no)) if no.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every payment, by its id.
async fn payments(app: &App) -> anyhow::Result<HashMap<CheckoutId, Payment>> {
    let (mut all, mut after) = (HashMap::new(), None);
    loop {
        let page = app.payments.payments(after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|payment| payment.id).or(after);
        all.extend(page.into_iter().map(|payment| (payment.id, payment)));
        if is_last {
            return Ok(all);
        }
    }
}

/// Every reservation, by the checkout that it is for.
async fn reservations(app: &App) -> anyhow::Result<HashMap<CheckoutId, Reservation>> {
    let (mut all, mut after) = (HashMap::new(), None);
    loop {
        let page = app.inventory.reservations(after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|kept| kept.checkout).or(after);
        all.extend(page.into_iter().map(|kept| (kept.checkout, kept)));
        if is_last {
            return Ok(all);
        }
    }
}
