//! What an order looks like to who may see it, and waiting until it is at rest.

use super::App;
use super::settle::placed;
use super::waiting::Waiter;
use crate::domain::events::Placed;
use crate::domain::order::{Order, RefundStage, Stage};
use crate::error::{OrdersError, OrdersResult};
use crate::store::checkout::{self, Paid};
use crate::store::order::{self, OrderRow};
use chassis::clock::Ts;
use chassis::db::Engine;
use chassis::event_store::Loaded;
use chassis::http::RequestContext;
use chassis::identity::Principal;
use contract::identity::Permission;
use contract::ids::OrderId;
use contract::orders::{self, OrderRefund, OrderRefundState};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What is left of a request's time for its answer.
const FOR_THE_ANSWER: Duration = Duration::from_millis(500);

impl App {
    /// The row of an order that who asks may see: their own, or any for who manages orders.
    ///
    /// # Errors
    /// [`OrdersError::NotFound`] also when it is another's.
    pub(crate) async fn row(&self, who: &Principal, id: OrderId) -> OrdersResult<OrderRow> {
        let row = match who.may(Permission::ManageOrders) {
            true => order::find(&self.db, id).await?,
            false => order::find_for_owner(&self.db, id, who.user()).await?,
        };
        row.ok_or(OrdersError::NotFound("order"))
    }

    /// An order as it is, or as it was at a time.
    ///
    /// # Errors
    /// [`OrdersError::NotFound`] also when it is another's, or was not there yet.
    pub(crate) async fn order(
        &self,
        who: &Principal,
        id: OrderId,
        at: Option<Ts>,
    ) -> OrdersResult<orders::Order> {
        let row = self.row(who, id).await?;
        let Some(at) = at else {
            let order = self.store.load::<Order>(id.uuid()).await?;
            return self.see(&row, &order).await;
        };
        let order = self.store.load_at::<Order>(id.uuid(), at).await?;
        self.seen(&row, &order, false)
    }

    /// What is shown of an order.
    pub(crate) async fn see(&self, row: &OrderRow, order: &Loaded<Order>) -> OrdersResult<orders::Order> {
        let required = self.requires_action(&order.state).await?;
        self.seen(row, order, required)
    }

    /// Whether the buyer has to prove something before its checkout goes on.
    async fn requires_action(&self, order: &Order) -> OrdersResult<bool> {
        let Some(open) = order.checkout.filter(|checkout| checkout.stage == Stage::Open) else {
            return Ok(false);
        };
        let found = checkout::find(&self.db, open.id).await?;
        Ok(found.is_some_and(|found| found.payment == Some(Paid::ActionRequired)))
    }

    pub(super) fn seen(
        &self,
        row: &OrderRow,
        order: &Loaded<Order>,
        action_required: bool,
    ) -> OrdersResult<orders::Order> {
        let state = &order.state;
        let Placed { lines, totals, shipping, .. } = placed(order)?.clone();
        let (carrier, tracking_number) = state.tracking.clone().unzip();
        let called_off = state.cancelled.as_ref().map(|cancelled| &cancelled.reason);
        let asked = state.cancel_asked.as_ref().map(|asked| &asked.reason);
        Ok(orders::Order {
            id: row.id,
            number: row.number.clone(),
            user: row.user,
            status: state.status.ok_or(OrdersError::NotFound("order"))?,
            processing: state.is_processing(),
            action_required,
            lines,
            totals,
            refunded: state.given_back_in_all()?,
            shipping_method: shipping,
            shipping_address: row.shipping_address.clone(),
            billing_address: row.billing_address.clone(),
            notes: row.notes.clone(),
            payment: state.checkout.ok_or(OrdersError::NotFound("order"))?.id,
            failure: state.failure.clone(),
            cancel_reason: called_off.or(asked).cloned(),
            carrier,
            tracking_number,
            refunds: state.refunds.iter().map(refund).collect(),
            version: order.version,
            placed_at: row.placed_at.to_datetime(),
        })
    }

    /// Waits until an order is at rest, its buyer has to do something, or the time for that is over; then shows it as it is.
    pub(super) async fn rest(&self, waiter: &Waiter, order: Loaded<Order>) -> OrdersResult<Loaded<Order>> {
        let left = RequestContext::current().map_or(Duration::MAX, |cx| cx.remaining());
        let most =
            Duration::from_millis(self.config.checkout_wait_ms).min(left.saturating_sub(FOR_THE_ANSWER));
        let (until, mut order) = (Instant::now() + most, order);
        while order.state.is_processing() {
            // Another process may settle it, and wakes nobody here. SQLite has one process.
            let again = match self.db.engine() {
                Engine::Sqlite => until,
                Engine::Postgres => until.min(Instant::now() + self.listed.patience()),
            };
            let told = timeout_at(again, waiter.told()).await.is_ok();
            order = self.store.load::<Order>(order.id).await?;
            if Instant::now() >= until || told && self.requires_action(&order.state).await? {
                break;
            }
        }
        Ok(order)
    }
}

fn refund(refund: &crate::domain::order::Refund) -> OrderRefund {
    OrderRefund {
        id: refund.asked.refund,
        amount: refund.asked.amount,
        state: match refund.stage {
            RefundStage::Open => OrderRefundState::Pending,
            RefundStage::Done => OrderRefundState::Succeeded,
            RefundStage::Refused => OrderRefundState::Failed,
        },
        reason: refund.asked.reason.clone(),
        restock: refund.asked.restock.clone(),
    }
}
