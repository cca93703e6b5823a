//! Another try to pay an order that failed.

use super::settle::placed;
use super::{App, place::Attempt};
use crate::domain::events::Placed;
use crate::domain::order::Order;
use crate::domain::transition::{Action, Actor, after};
use crate::error::{OrdersError, OrdersResult};
use crate::store::order::{self, OrderRow};
use chassis::db::Tx;
use chassis::event_store::Loaded;
use chassis::http::reply;
use chassis::idempotency::Once;
use contract::ids::{OrderId, UserId};
use contract::inventory::ReserveLine;
use contract::orders::{self, RetryOrder};
use contract::payments::MethodToken;

impl App {
    /// Tries to pay an order again that failed, with stock and payment of their own. Nothing is tried when it would cost
    /// something else by now.
    ///
    /// # Errors
    /// [`OrdersError::NotFound`] unless it is the buyer's own; [`OrdersError::Transition`] unless it failed;
    /// [`OrdersError::PriceChanged`] and [`OrdersError::NotForSale`].
    pub(crate) async fn retry(
        &self,
        user: UserId,
        id: OrderId,
        request: RetryOrder,
        once: Once,
    ) -> OrdersResult<orders::Order> {
        let row = order::find_for_owner(&self.db, id, user).await?.ok_or(OrdersError::NotFound("order"))?;
        let order = self.store.load::<Order>(id.uuid()).await?;
        may_be_retried(&order)?;
        let Placed { lines, totals, shipping, .. } = placed(&order)?.clone();
        let wanted: Vec<ReserveLine> =
            lines.iter().map(|line| ReserveLine { product: line.product, quantity: line.quantity }).collect();
        let priced = self.priced(&wanted, shipping, &row.shipping_address.country).await?;
        if priced.totals != totals {
            return Err(OrdersError::PriceChanged(priced.totals.total));
        }
        let waiter = self.waiting.of(id);
        let mut t = self.db.begin().await?;
        let order = self.retry_in(&mut t, &row, request.payment_method, &once).await?;
        t.commit().await?;
        let order = self.rest(&waiter, order).await?;
        self.see(&row, &order).await
    }

    async fn retry_in(
        &self,
        t: &mut Tx,
        row: &OrderRow,
        method: MethodToken,
        once: &Once,
    ) -> OrdersResult<Loaded<Order>> {
        let order = self.store.hold::<Order>(t, row.id.uuid()).await?;
        may_be_retried(&order)?;
        let (lines, total) = (order.state.wanted(), placed(&order)?.totals.total);
        let attempt = Attempt { order: row.id, user: row.user, number: &row.number, lines, total, method };
        let order = self.begin(t, order, Vec::new(), attempt).await?;
        once.keep(t, reply(self.seen(row, &order, false)?)).await?;
        Ok(order)
    }
}

fn may_be_retried(order: &Loaded<Order>) -> OrdersResult<()> {
    let status = order.state.status.ok_or(OrdersError::NotFound("order"))?;
    after(status, Action::Retry, Actor::Buyer)?;
    Ok(())
}
