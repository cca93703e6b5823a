//! `order.confirmed` in a choreography: the goods leave. When the reservation had expired and others have taken the goods,
//! `inventory.rejected` says that a confirmed order cannot be delivered.

use crate::app::{App, Asked};
use crate::error::Refusal;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use contract::orders::{CheckoutFlow, OrderConfirmed};

/// Lets the goods of an order leave.
pub(super) struct LetGoodsLeave(pub(super) App);

impl Handler<OrderConfirmed> for LetGoodsLeave {
    fn wants(&self, event: &OrderConfirmed) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderConfirmed>) -> Handled {
        let OrderConfirmed { order, checkout, .. } = event.data;
        match self.0.commit_in(t, checkout, Asked::ByEvent).await? {
            Ok(_) => Ok(()),
            // Nothing can be confirmed of which nothing was reserved: something is wrong, and somebody has to look.
            Err(refusal @ Refusal::Unknown) => Err(refusal.into()),
            // Called off meanwhile, or told as `inventory.rejected`.
            Err(refusal) => {
                tracing::debug!(%order, %checkout, %refusal, "the goods of an order do not leave");
                Ok(())
            }
        }
    }
}
