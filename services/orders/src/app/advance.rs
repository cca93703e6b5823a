//! What the shop does with an order that was sold: pack it, hand it to a carrier, know that it has arrived.

use super::App;
use super::settle::placed;
use crate::domain::events::{Delivered, OrderEvent, Placed, ProcessingBegun, Shipped};
use crate::domain::order::{Order, Stage};
use crate::domain::transition::{Action, Actor, after};
use crate::error::{OrdersError, OrdersResult};
use chassis::event_store::Loaded;
use chassis::http::reply;
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ids::OrderId;
use contract::orders::{self, OrderDelivered, OrderShipped, ShipOrder};

/// A step of an order on its way to its buyer.
pub(crate) enum Advance {
    /// It is being packed.
    Process,
    /// It is with a carrier.
    Ship(ShipOrder),
    /// It has arrived.
    Deliver,
}

impl App {
    /// Moves an order on, for who manages orders.
    ///
    /// # Errors
    /// [`OrdersError::Transition`] when it does not stand there, or its checkout is not complete.
    pub(crate) async fn advance(
        &self,
        who: &Principal,
        id: OrderId,
        step: Advance,
        once: Once,
    ) -> OrdersResult<orders::Order> {
        let row = self.row(who, id).await?;
        let mut t = self.db.begin().await?;
        let order = self.store.hold::<Order>(&mut t, id.uuid()).await?;
        let status = order.state.status.ok_or(OrdersError::NotFound("order"))?;
        let action = match &step {
            Advance::Process => Action::Process,
            Advance::Ship(_) => Action::Ship,
            Advance::Deliver => Action::Deliver,
        };
        after(status, action, Actor::Staff)?;
        must_be_complete(&order)?;
        let (by, Placed { user, number, lines, .. }) = (who.user(), placed(&order)?.clone());
        let order = match step {
            Advance::Process => {
                let begun = OrderEvent::ProcessingBegun(ProcessingBegun { order: id, by });
                self.record(&mut t, order, vec![begun]).await?
            }
            Advance::Ship(ShipOrder { carrier, tracking_number }) => {
                let (to, tracking) = (carrier.clone(), tracking_number.clone());
                let shipped = Shipped { order: id, by, carrier: to, tracking_number: tracking };
                let order = self.record(&mut t, order, vec![OrderEvent::Shipped(shipped)]).await?;
                self.outbox
                    .publish(&mut t, &OrderShipped { order: id, user, number, carrier, tracking_number })
                    .await?;
                order
            }
            Advance::Deliver => {
                let delivered = OrderEvent::Delivered(Delivered { order: id, by });
                let order = self.record(&mut t, order, vec![delivered]).await?;
                let products = lines.iter().map(|line| line.product).collect();
                self.outbox.publish(&mut t, &OrderDelivered { order: id, user, number, products }).await?;
                order
            }
        };
        let seen = self.seen(&row, &order, false)?;
        once.keep(&mut t, reply(seen.clone())).await?;
        t.commit().await?;
        Ok(seen)
    }
}

/// Goods leave, and money goes back, only when the money has come.
pub(super) fn must_be_complete(order: &Loaded<Order>) -> OrdersResult<()> {
    let complete = order.state.checkout.is_some_and(|checkout| checkout.stage == Stage::Complete);
    let why = || "Its payment is still being taken. Try again when it is not processing any more.".to_owned();
    complete.then_some(()).ok_or_else(|| OrdersError::Transition(why()))
}
