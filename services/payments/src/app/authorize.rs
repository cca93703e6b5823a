//! Begins a payment: it is written down, then the provider is asked to keep the amount.

use super::App;
use crate::domain::machine::{Standing, Wish};
use crate::domain::record::{Cause, Record};
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::payment;
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::CheckoutId;
use contract::payments::{Authorize, PaymentState};
use std::sync::Arc;

impl App {
    /// Begins the payment of a checkout, or goes on with it, and waits a while for its end.
    ///
    /// # Errors
    /// [`PaymentsError::Another`] when the checkout was used with another amount, [`PaymentsError::Transition`] when it was
    /// let go.
    pub(crate) async fn authorize(&self, id: CheckoutId, asked: Authorize) -> PaymentsResult<Record> {
        let job = Arc::new(asked);
        let begun = self.write(move |app, t| {
            let asked = Arc::clone(&job);
            Box::pin(async move {
                let next_at = app.soon();
                app.begin(t, id, &asked, next_at).await
            })
        });
        let record = begun.await?;
        if record.standing.state != PaymentState::Pending {
            return Ok(record);
        }
        self.hurry(record, |now| now.standing.state != PaymentState::Pending).await
    }

    /// Writes a payment down, about which the provider is asked at `next_at` unless somebody has done so before.
    pub(super) async fn begin(
        &self,
        t: &mut Tx,
        id: CheckoutId,
        asked: &Authorize,
        next_at: Ts,
    ) -> PaymentsResult<Record> {
        let new = Record {
            order: Some(asked.order),
            user: Some(asked.user),
            amount: asked.amount,
            method: Some(asked.method.clone()),
            next_at: Some(next_at),
            ..self.blank(id, asked.amount.currency, Standing::at(PaymentState::Pending))
        };
        if payment::insert(t, &new).await? {
            return Ok(new);
        }
        let before = self.find_in(t, id).await?;
        let is_gone =
            before.standing.state == PaymentState::Voided || before.standing.wish == Some(Wish::Void);
        if is_gone && before.standing.state != PaymentState::Failed {
            return Err(PaymentsError::Transition(PaymentState::Voided, "begun"));
        }
        let is_same =
            (before.order, before.user, before.amount) == (Some(asked.order), Some(asked.user), asked.amount);
        if is_same { Ok(before) } else { Err(PaymentsError::Another("checkout")) }
    }

    /// A payment of nothing by nobody.
    pub(super) fn blank(
        &self,
        id: CheckoutId,
        currency: contract::money::Currency,
        standing: Standing,
    ) -> Record {
        let now = self.clock.now();
        Record {
            id,
            order: None,
            user: None,
            amount: contract::money::Money::zero(currency),
            captured: 0,
            refunded: 0,
            refunding: 0,
            standing,
            reference: None,
            method: None,
            failure: None,
            action: None,
            round: 0,
            doubt: false,
            attempts: 0,
            next_at: None,
            version: 1,
            cause: Cause::current(),
            created_at: now,
            updated_at: now,
        }
    }
}
