//! What the orders tell, and what a payment does about it in a choreography. Where the orders service leads a checkout, it
//! asks for itself, and its events are not wanted.

use crate::app::App;
use crate::error::PaymentsError;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, HandlerError, Received};
use chassis::service::Parts;
use contract::orders::{CheckoutFlow, OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed};
use contract::payments::Authorize;

/// Subscribes to the orders.
pub(crate) fn subscribe(parts: Parts, app: &App) -> Parts {
    let react = || React(app.clone());
    parts
        .on::<OrderCreated>("pay-order", react())
        .on::<OrderConfirmed>("capture-order", react())
        .on::<OrderFailed>("let-go-failed-order", react())
        .on::<OrderCancelled>("undo-cancelled-order", react())
}

struct React(App);

/// What will be no other next time is not tried again.
fn handled(outcome: Result<(), PaymentsError>) -> Handled {
    outcome.map_err(|error| match error {
        PaymentsError::Db(_) | PaymentsError::Contended | PaymentsError::NotFound(_) => error.into(),
        other => HandlerError::reject(other),
    })
}

impl Handler<OrderCreated> for React {
    fn wants(&self, event: &OrderCreated) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderCreated>) -> Handled {
        let OrderCreated { order, user, checkout, total, method, .. } = event.data;
        // What was version 1 names neither, and nobody is to act on it.
        let (Some(checkout), Some(method)) = (checkout, method) else { return Ok(()) };
        let asked = Authorize { order, user, amount: total, method };
        handled(self.0.begin_later(t, checkout, &asked).await)
    }
}

impl Handler<OrderConfirmed> for React {
    fn wants(&self, event: &OrderConfirmed) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderConfirmed>) -> Handled {
        handled(self.0.capture_later(t, event.data.checkout).await)
    }
}

impl Handler<OrderFailed> for React {
    fn wants(&self, event: &OrderFailed) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderFailed>) -> Handled {
        handled(self.0.undo_later(t, event.data.checkout, None).await)
    }
}

impl Handler<OrderCancelled> for React {
    fn wants(&self, event: &OrderCancelled) -> bool {
        event.flow == CheckoutFlow::Choreography
    }

    async fn handle(&self, t: &mut Tx, event: Received<OrderCancelled>) -> Handled {
        let OrderCancelled { checkout, refund, .. } = event.data;
        let Some(checkout) = checkout else { return Ok(()) };
        handled(self.0.undo_later(t, checkout, Some(refund)).await)
    }
}
