//! Giving some or all of what an order cost back.

use super::App;
use super::advance::must_be_complete;
use super::settle::placed;
use crate::domain::events::{OrderEvent, Placed, RefundAsked, RefundRefused, Refunded};
use crate::domain::order::{Order, RefundStage, sum_up};
use crate::domain::transition::{Action, Actor, after};
use crate::error::{OrdersError, OrdersResult};
use crate::flows::refund::{Refund, RefundParams};
use crate::store::checkout;
use chassis::db::Tx;
use chassis::event_store::Loaded;
use chassis::http::created;
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ids::{OrderId, RefundId};
use contract::inventory::ReserveLine;
use contract::money::Money;
use contract::orders::{self, OrderItem, OrderRefunded, RefundOrder};

impl App {
    /// Gives money back, and takes goods back into stock, for who manages orders. All refunds together never come to more
    /// than was paid, however many are asked for at once.
    ///
    /// # Errors
    /// [`OrdersError::RefundTooLarge`]; [`OrdersError::Transition`] when the order does not stand where that is done.
    pub(crate) async fn refund(
        &self,
        who: &Principal,
        id: OrderId,
        request: RefundOrder,
        once: Once,
    ) -> OrdersResult<orders::Order> {
        let row = self.row(who, id).await?;
        let waiter = self.waiting.of(id);
        let mut t = self.db.begin().await?;
        let order = self.store.hold::<Order>(&mut t, id.uuid()).await?;
        let status = order.state.status.ok_or(OrdersError::NotFound("order"))?;
        after(status, Action::RefundSome, Actor::Staff)?;
        let left = placed(&order)?.totals.total.minus(order.state.promised_back()?)?;
        let amount = amount_within(request.amount.unwrap_or(left), left)?;
        if amount == left {
            let why = || format!("The order is {status}. To give back all that is left of it, call it off.");
            after(status, Action::RefundAll, Actor::Staff).map_err(|_| OrdersError::Transition(why()))?;
        }
        must_be_complete(&order)?;
        let restock = restockable(&order.state, &request.restock)?;
        let (refund, reason) = (RefundId::new(), request.reason);
        let asked = RefundAsked { order: id, refund, by: who.user(), amount, restock, reason };
        let checkout = order.state.checkout.ok_or(OrdersError::NotFound("order"))?.id;
        let params = RefundParams { checkout, asked: asked.clone() };
        let order = self.record(&mut t, order, vec![OrderEvent::RefundAsked(asked)]).await?;
        self.lead::<Refund>(&mut t, refund.uuid(), &params).await?;
        let seen = self.seen(&row, &order, false)?;
        once.keep(&mut t, created(format!("/api/v1/orders/{id}"), seen)).await?;
        t.commit().await?;
        let order = self.rest(&waiter, order).await?;
        self.see(&row, &order).await
    }

    /// What the provider said to a refund; `refused` says why it would not.
    pub(crate) async fn refunded(
        &self,
        t: &mut Tx,
        params: &RefundParams,
        refused: Option<&str>,
    ) -> OrdersResult<()> {
        let RefundAsked { order: id, refund, amount, .. } = params.asked;
        let order = self.store.hold::<Order>(t, id.uuid()).await?;
        let open = |known: &&crate::domain::order::Refund| {
            known.asked.refund == refund && known.stage == RefundStage::Open
        };
        if order.state.refunds.iter().find(open).is_none() {
            return Ok(());
        }
        if let Some(reason) = refused {
            let refused = RefundRefused { order: id, refund, reason: reason.to_owned() };
            self.record(t, order, vec![OrderEvent::RefundRefused(refused)]).await?;
            return Ok(());
        }
        let order = self.record(t, order, vec![OrderEvent::Refunded(Refunded { order: id, refund })]).await?;
        checkout::add_refund(t, params.checkout, amount).await?;
        self.tell_refund(t, &order, refund, amount).await
    }

    async fn tell_refund(
        &self,
        t: &mut Tx,
        order: &Loaded<Order>,
        refund: RefundId,
        amount: Money,
    ) -> OrdersResult<()> {
        let Placed { order: id, user, number, totals, .. } = placed(order)?.clone();
        let refunded = order.state.refunded()?;
        let whole = refunded == totals.total;
        let told = OrderRefunded { order: id, user, number, refund, amount, refunded, whole };
        self.outbox.publish(t, &told).await?;
        Ok(())
    }
}

fn amount_within(amount: Money, left: Money) -> OrdersResult<Money> {
    if amount.currency != left.currency {
        let message = format!("must be of {}, as the order is", left.currency);
        return Err(OrdersError::Field("amount.currency".to_owned(), message));
    }
    // Nothing may be left: another refund of the whole is under way.
    if left.is_zero() || amount.amount > left.amount {
        return Err(OrdersError::RefundTooLarge(left));
    }
    if amount.amount <= 0 {
        return Err(OrdersError::Field("amount".to_owned(), "must be more than nothing".to_owned()));
    }
    Ok(amount)
}

/// The goods that come back, which must have been sold with the order and not have come back before.
fn restockable(order: &Order, items: &[OrderItem]) -> OrdersResult<Vec<ReserveLine>> {
    let lines = items.iter().map(|item| ReserveLine { product: item.product_id, quantity: item.quantity });
    let (lines, left) = (sum_up(lines), order.not_restocked());
    for line in &lines {
        let sold = left.iter().find(|sold| sold.product == line.product).map_or(0, |sold| sold.quantity);
        if line.quantity > sold {
            let place = items.iter().position(|item| item.product_id == line.product).unwrap_or_default();
            let message = format!("{sold} of it can come back");
            return Err(OrdersError::Field(format!("restock[{place}].quantity"), message));
        }
    }
    Ok(lines)
}
