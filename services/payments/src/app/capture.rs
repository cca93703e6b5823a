//! Takes the amount of a payment: the wish is written down, then the provider is asked.

use super::{App, TRIES};
use crate::domain::machine::Wish;
use crate::domain::record::Record;
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::payment;
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::CheckoutId;
use contract::payments::PaymentState;

impl App {
    /// Takes the amount, and waits a while for that.
    ///
    /// # Errors
    /// [`PaymentsError::Transition`] when the amount is not kept.
    pub(crate) async fn capture(&self, id: CheckoutId) -> PaymentsResult<Record> {
        let wished = self.write(move |app, t| {
            Box::pin(async move {
                let next_at = app.soon();
                app.wish_capture(t, id, next_at).await
            })
        });
        let record = wished.await?;
        self.hurry(record, |now| now.standing.wish != Some(Wish::Capture)).await
    }

    /// Writes down that the amount is to be taken. A payment that was taken already stays as it is.
    pub(super) async fn wish_capture(
        &self,
        t: &mut Tx,
        id: CheckoutId,
        next_at: Ts,
    ) -> PaymentsResult<Record> {
        use PaymentState::{Authorized, Captured, PartiallyRefunded, Refunded};
        for _ in 0..TRIES {
            let mut now = self.find_in(t, id).await?;
            match (now.standing.state, now.standing.wish) {
                (Captured | PartiallyRefunded | Refunded, _) | (Authorized, Some(Wish::Capture)) => {
                    return Ok(now);
                }
                (Authorized, None) => {}
                (state, _) => return Err(PaymentsError::Transition(state, "captured")),
            }
            now.standing.wish = Some(Wish::Capture);
            (now.next_at, now.attempts, now.updated_at) = (Some(next_at), 0, self.clock.now());
            if payment::update(t, &mut now).await? {
                return Ok(now);
            }
        }
        Err(PaymentsError::Contended)
    }
}
