//! `order.created` in a choreography: stock is reserved, and `inventory.reserved` or `inventory.rejected` says how it went.

use crate::app::{App, Asked};
use crate::domain::demand::Demand;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, HandlerError, Received};
use contract::orders::{CheckoutFlow, OrderCreated};

/// Keeps stock for an order.
pub(super) struct ReserveStock(pub(super) App);

impl Handler<OrderCreated> for ReserveStock {
    fn wants(&self, event: &OrderCreated) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderCreated>) -> Handled {
        let OrderCreated { order, checkout, lines, .. } = event.data;
        // What was version 1 names no checkout, and nobody is to act on it.
        let Some(checkout) = checkout else { return Ok(()) };
        let demand = Demand::of(&lines).map_err(HandlerError::reject)?;
        if let Err(refusal) = self.0.reserve_in(t, checkout, order, &demand, Asked::ByEvent).await? {
            // The events say so; one that was let go before it was made needs none.
            tracing::debug!(%order, %checkout, %refusal, "no stock is kept for an order");
        }
        Ok(())
    }
}
