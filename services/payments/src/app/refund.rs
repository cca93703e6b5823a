//! Gives some of a payment back: the refund is written down and counted against what is left, then the provider is asked.

use super::{App, TRIES};
use crate::domain::machine::Wish;
use crate::domain::record::{Record, RefundRecord};
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::{payment, refund};
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::{CheckoutId, RefundId};
use contract::money::Money;
use contract::payments::{PaymentState, Refund, RefundPayment, RefundState};
use std::sync::Arc;
use tokio::time::Instant;

impl App {
    /// Gives some of a payment back, and waits a while for that.
    ///
    /// # Errors
    /// [`PaymentsError::TooMuch`] when less is left, [`PaymentsError::Transition`] when the amount was not taken,
    /// [`PaymentsError::Another`] when the refund was used for something else.
    pub(crate) async fn refund(
        &self,
        checkout: CheckoutId,
        id: RefundId,
        asked: RefundPayment,
    ) -> PaymentsResult<Refund> {
        let asked = Arc::new(asked);
        let begun = self.write(move |app, t| {
            let asked = Arc::clone(&asked);
            Box::pin(async move {
                let next_at = app.soon();
                app.begin_refund(t, checkout, id, (asked.amount, &asked.reason), next_at).await
            })
        });
        let (record, begun) = begun.await?;
        let is_open = begun.state == RefundState::Pending && record.was_taken();
        let now = match is_open {
            true => self.drive_refund(begun, Instant::now() + self.answer_within).await?,
            false => begun,
        };
        Ok(now.view(&record))
    }

    /// Writes a refund down. One of a payment that is being taken waits for that.
    pub(super) async fn begin_refund(
        &self,
        t: &mut Tx,
        checkout: CheckoutId,
        id: RefundId,
        (amount, reason): (Money, &str),
        next_at: Ts,
    ) -> PaymentsResult<(Record, RefundRecord)> {
        for _ in 0..TRIES {
            let now = self.find_in(t, checkout).await?;
            if amount.currency != now.amount.currency {
                return Err(PaymentsError::Amount("is of another currency than the payment"));
            }
            if let Some(before) = refund::find_in(t, id).await? {
                let is_same = (before.payment, before.amount) == (checkout, amount.amount);
                return if is_same { Ok((now, before)) } else { Err(PaymentsError::Another("refund")) };
            }
            let mut to = reserved(&now, amount.amount)?;
            to.updated_at = self.clock.now();
            let new = RefundRecord {
                id,
                payment: checkout,
                amount: amount.amount,
                reason: reason.to_owned(),
                state: RefundState::Pending,
                reference: None,
                round: 0,
                doubt: false,
                attempts: 0,
                next_at: Some(next_at),
                created_at: self.clock.now(),
            };
            if payment::update(t, &mut to).await? && refund::insert(t, &new).await? {
                return Ok((to, new));
            }
        }
        Err(PaymentsError::Contended)
    }
}

/// The payment with so much more of it in refunds.
fn reserved(now: &Record, amount: i64) -> PaymentsResult<Record> {
    use PaymentState::{Authorized, Captured, PartiallyRefunded, Refunded};
    match (now.standing.state, now.standing.wish) {
        (Captured | PartiallyRefunded | Refunded, _) | (Authorized, Some(Wish::Capture)) => {}
        (state, _) => return Err(PaymentsError::Transition(state, "refunded")),
    }
    if amount == 0 && !now.amount.is_zero() {
        return Err(PaymentsError::Amount("must be more than nothing"));
    }
    if amount > now.left() {
        return Err(PaymentsError::TooMuch(Money::new(now.left(), now.amount.currency)));
    }
    Ok(Record { refunding: now.refunding + amount, ..now.clone() })
}
