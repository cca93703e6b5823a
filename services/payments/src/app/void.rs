//! Lets the amount of a payment go, also of one that is under way or has not been begun.

use super::{App, TRIES};
use crate::domain::machine::{Standing, Wish};
use crate::domain::record::Record;
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::payment;
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::CheckoutId;
use contract::money::Currency;
use contract::payments::PaymentState;

impl App {
    /// Lets the amount go, and waits a while for that. A payment that was not begun cannot be begun any more.
    ///
    /// # Errors
    /// [`PaymentsError::Transition`] when the amount was taken, or is being taken.
    pub(crate) async fn void(&self, id: CheckoutId) -> PaymentsResult<Record> {
        let wished = self.write(move |app, t| {
            Box::pin(async move {
                let next_at = app.soon();
                app.wish_void(t, id, next_at).await
            })
        });
        let record = wished.await?;
        self.hurry(record, |now| now.standing.wish != Some(Wish::Void)).await
    }

    /// Writes down that the amount is to be let go.
    pub(super) async fn wish_void(&self, t: &mut Tx, id: CheckoutId, next_at: Ts) -> PaymentsResult<Record> {
        use PaymentState::{Authorized, Failed, Pending, RequiresAction, Voided};
        for _ in 0..TRIES {
            let Some(mut now) = payment::find_in(t, id).await? else {
                let stone = self.blank(id, Currency::EUR, Standing::at(Voided));
                if payment::insert(t, &stone).await? {
                    return Ok(stone);
                }
                continue;
            };
            match (now.standing.state, now.standing.wish) {
                (Failed | Voided, _) | (_, Some(Wish::Void)) => return Ok(now),
                (Pending | RequiresAction | Authorized, None) => {}
                (state, _) => return Err(PaymentsError::Transition(state, "voided")),
            }
            now.standing.wish = Some(Wish::Void);
            (now.next_at, now.attempts, now.updated_at) = (Some(next_at), 0, self.clock.now());
            if payment::update(t, &mut now).await? {
                return Ok(now);
            }
        }
        Err(PaymentsError::Contended)
    }
}
