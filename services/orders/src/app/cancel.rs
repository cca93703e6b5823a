//! Calling an order off.

use super::App;
use crate::domain::events::{CancelAsked, OrderEvent};
use crate::domain::order::{Order, RefundStage};
use crate::domain::transition::{Action, Actor, after};
use crate::error::{OrdersError, OrdersResult};
use crate::flows::cancellation::{Cancellation, CancellationParams};
use chassis::db::Tx;
use chassis::event_store::Loaded;
use chassis::http::reply;
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::identity::Permission;
use contract::ids::{OrderId, UserId};
use contract::orders::{self, CancelOrder, CheckoutFlow, OrderStatus};

impl App {
    /// Calls an order off. One whose checkout is open turns back before it is sold; of one that was sold, money and goods
    /// are given back.
    ///
    /// # Errors
    /// [`OrdersError::NotFound`] also when it is another's; [`OrdersError::Transition`] when it is too late for who asks.
    pub(crate) async fn cancel(
        &self,
        who: &Principal,
        id: OrderId,
        request: CancelOrder,
        once: Once,
    ) -> OrdersResult<orders::Order> {
        let row = self.row(who, id).await?;
        let actor = if who.may(Permission::ManageOrders) { Actor::Staff } else { Actor::Buyer };
        let waiter = self.waiting.of(id);
        let mut t = self.db.begin().await?;
        let order = self.store.hold::<Order>(&mut t, id.uuid()).await?;
        let status = order.state.status.ok_or(OrdersError::NotFound("order"))?;
        after(status, Action::Cancel, actor)?;
        let order = match status {
            OrderStatus::Pending => self.turn_back(&mut t, order, who.user(), &request.reason).await?,
            _ => self.reverse(&mut t, order, who.user(), &request.reason).await?,
        };
        once.keep(&mut t, reply(self.seen(&row, &order, false)?)).await?;
        t.commit().await?;
        let order = self.rest(&waiter, order).await?;
        self.see(&row, &order).await
    }

    /// Asks an open checkout to turn back. Who asks twice is told how it stands.
    async fn turn_back(
        &self,
        t: &mut Tx,
        order: Loaded<Order>,
        by: UserId,
        reason: &str,
    ) -> OrdersResult<Loaded<Order>> {
        let id = OrderId(order.id);
        let checkout = order.state.checkout.ok_or(OrdersError::NotFound("order"))?;
        if order.state.cancel_asked.is_some() {
            return Ok(order);
        }
        let asked = CancelAsked { order: id, by, reason: reason.to_owned() };
        let order = self.record(t, order, vec![OrderEvent::CancelAsked(asked)]).await?;
        match checkout.flow {
            CheckoutFlow::Orchestration => {
                self.sagas.nudge(t, checkout.id.uuid()).await?;
                Ok(order)
            }
            // The others let go what they keep, and refuse what comes later, when they hear of it.
            CheckoutFlow::Choreography => {
                self.give_up(t, id, checkout.id, reason).await?;
                Ok(self.store.hold::<Order>(t, order.id).await?)
            }
        }
    }

    /// Gives back what was sold.
    async fn reverse(
        &self,
        t: &mut Tx,
        order: Loaded<Order>,
        by: UserId,
        reason: &str,
    ) -> OrdersResult<Loaded<Order>> {
        let id = OrderId(order.id);
        let checkout = order.state.checkout.ok_or(OrdersError::NotFound("order"))?;
        if order.state.refunds.iter().any(|refund| refund.stage == RefundStage::Open) {
            let why = "Some of it is being given back at this moment. Try again when that is done.";
            return Err(OrdersError::Transition(why.to_owned()));
        }
        let (order, giving_back) = self.call_off(t, order, Some(by), reason).await?;
        // In a choreography the others give it back when they hear of it.
        if checkout.flow == CheckoutFlow::Orchestration {
            let (reason, checkout) = (reason.to_owned(), checkout.id);
            let params = CancellationParams { order: id, checkout, giving_back: giving_back.clone(), reason };
            self.lead::<Cancellation>(t, giving_back.refund.uuid(), &params).await?;
        }
        Ok(order)
    }
}
