//! `order.cancelled` in a choreography: the reservation is let go, or the goods come back if they have left.

use crate::app::App;
use crate::domain::demand::Demand;
use crate::error::Refusal;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, HandlerError, Received};
use contract::inventory::ReservationState;
use contract::orders::{CheckoutFlow, OrderCancelled};

/// Undoes what was done for an order.
pub(super) struct UndoReservation(pub(super) App);

impl Handler<OrderCancelled> for UndoReservation {
    fn wants(&self, event: &OrderCancelled) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderCancelled>) -> Handled {
        let OrderCancelled { order, checkout, refund, lines, .. } = event.data;
        let Some(checkout) = checkout else { return Ok(()) };
        let sold = match self.0.release_in(t, checkout).await? {
            Ok(_) => return Ok(()),
            Err(refusal) => refusal == Refusal::State(ReservationState::Committed),
        };
        if !sold {
            return Ok(());
        }
        let demand = Demand::of(&lines).map_err(HandlerError::reject)?;
        self.0.restock_in(t, refund, order, &demand).await?.map_err(HandlerError::reject)
    }
}
