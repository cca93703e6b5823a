//! `order.failed` in a choreography: the reservation is let go, or never made.

use crate::app::App;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, HandlerError, Received};
use contract::orders::{CheckoutFlow, OrderFailed};

/// Lets go of what was kept for an order.
pub(super) struct ReleaseStock(pub(super) App);

impl Handler<OrderFailed> for ReleaseStock {
    fn wants(&self, event: &OrderFailed) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderFailed>) -> Handled {
        // Goods of an order that failed have not left: if they have, somebody has to look.
        let released = self.0.release_in(t, event.data.checkout).await?;
        released.map(|_| ()).map_err(HandlerError::reject)
    }
}
