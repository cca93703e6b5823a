//! What a choreographed checkout wants of a payment: it follows from the orders' events, inside their transaction.

use super::App;
use crate::domain::machine::{Standing, Wish};
use crate::domain::record::Record;
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::payment;
use chassis::db::Tx;
use contract::ids::{CheckoutId, RefundId};
use contract::money::Money;
use contract::payments::{Authorize, PaymentState};

impl App {
    /// Begins a payment; somebody asks the provider right after the commit. One that was let go before stays so.
    pub(crate) async fn begin_later(
        &self,
        t: &mut Tx,
        id: CheckoutId,
        asked: &Authorize,
    ) -> PaymentsResult<()> {
        match self.begin(t, id, asked, self.clock.now()).await {
            Ok(_) => self.wake_pursuer(t),
            Err(PaymentsError::Transition(state, _)) => {
                tracing::info!(payment = %id, %state, "an order that is over is not paid");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes the amount; somebody asks the provider right after the commit.
    pub(crate) async fn capture_later(&self, t: &mut Tx, id: CheckoutId) -> PaymentsResult<()> {
        self.wish_capture(t, id, self.clock.now()).await?;
        self.wake_pursuer(t);
        Ok(())
    }

    /// Lets the amount go, or gives it back under `refund` when it was taken or is being taken.
    pub(crate) async fn undo_later(
        &self,
        t: &mut Tx,
        id: CheckoutId,
        refund: Option<RefundId>,
    ) -> PaymentsResult<()> {
        self.wake_pursuer(t);
        let now = payment::find_in(t, id).await?;
        let is_being_taken =
            |now: &Record| now.standing == Standing::at(PaymentState::Authorized).wishing(Wish::Capture);
        let taken = now.filter(|now| now.was_taken() || is_being_taken(now));
        let Some(taken) = taken else {
            self.wish_void(t, id, self.clock.now()).await?;
            return Ok(());
        };
        // A checkout that failed was not taken; if it was, its id stands for the refund, so that there is one.
        let refund = refund.unwrap_or(RefundId(id.uuid()));
        if crate::store::refund::find_in(t, refund).await?.is_some()
            || (taken.left() == 0 && !taken.amount.is_zero())
        {
            return Ok(());
        }
        let all = Money::new(taken.left(), taken.amount.currency);
        self.begin_refund(t, id, refund, (all, "the order was called off"), self.clock.now()).await?;
        Ok(())
    }
}
