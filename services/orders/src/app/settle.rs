//! What becomes of a checkout: the same for both flows, which only find it out in other ways.
//!
//! Each of these may be called again: a checkout that has moved on is left as it is.

use super::App;
use crate::domain::events::{
    CancellationSettled, Cancelled, CheckoutFailed, Completed, Confirmed, GivingBack, OrderEvent, Placed,
};
use crate::domain::order::{Checkout, Order, Stage};
use crate::domain::transition::{Action, Actor, after};
use crate::error::{OrdersError, OrdersResult};
use crate::store::checkout::{self, State};
use chassis::db::Tx;
use chassis::event_store::Loaded;
use contract::ids::{CheckoutId, OrderId, RefundId};
use contract::orders::{OrderCancelled, OrderConfirmed, OrderFailed};

/// What a confirmation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirming {
    /// It will be sold.
    Done,
    /// Its buyer has called it off meanwhile.
    CalledOff,
    /// It has come to an end before.
    TooLate,
}

/// An order that was placed.
pub(crate) fn placed(order: &Loaded<Order>) -> OrdersResult<&Placed> {
    order.state.placed.as_ref().ok_or(OrdersError::NotFound("order"))
}

impl App {
    /// The order with this checkout, held, when that is the one in hand and as far as `stages` say.
    async fn held(
        &self,
        t: &mut Tx,
        order: OrderId,
        checkout: CheckoutId,
        stages: &[Stage],
    ) -> OrdersResult<Option<(Loaded<Order>, Checkout)>> {
        let order = self.store.hold::<Order>(t, order.uuid()).await?;
        let found =
            order.state.checkout.filter(|found| found.id == checkout && stages.contains(&found.stage));
        Ok(found.map(|found| (order, found)))
    }

    async fn move_on(&self, t: &mut Tx, id: CheckoutId, from: State, to: State) -> OrdersResult<()> {
        match checkout::advance(t, id, from, to, self.clock.now()).await? {
            true => Ok(()),
            false => Err(anyhow::anyhow!("checkout {id} is not {} as its order says", from.as_str()).into()),
        }
    }

    /// Stock is kept and the payment is good: the order is sold.
    pub(crate) async fn confirm(
        &self,
        t: &mut Tx,
        id: OrderId,
        checkout: CheckoutId,
    ) -> OrdersResult<Confirming> {
        let Some((order, Checkout { flow, .. })) = self.held(t, id, checkout, &[Stage::Open]).await? else {
            return Ok(Confirming::TooLate);
        };
        let status = order.state.status.ok_or(OrdersError::NotFound("order"))?;
        if order.state.cancel_asked.is_some() || after(status, Action::Confirm, Actor::Checkout).is_err() {
            return Ok(Confirming::CalledOff);
        }
        let Placed { user, number, lines, totals, .. } = placed(&order)?.clone();
        self.record(t, order, vec![OrderEvent::Confirmed(Confirmed { order: id, checkout })]).await?;
        self.move_on(t, checkout, State::Open, State::Confirmed).await?;
        let total = totals.total;
        self.outbox
            .publish(t, &OrderConfirmed { order: id, user, number, checkout, flow, lines, total })
            .await?;
        Ok(Confirming::Done)
    }

    /// The checkout came to nothing, and nothing is left of it: the order has failed or, when somebody asked for that, is
    /// called off.
    pub(crate) async fn give_up(
        &self,
        t: &mut Tx,
        id: OrderId,
        checkout: CheckoutId,
        reason: &str,
    ) -> OrdersResult<()> {
        let Some((order, Checkout { flow, .. })) = self.held(t, id, checkout, &[Stage::Open]).await? else {
            return Ok(());
        };
        let Placed { user, number, totals, .. } = placed(&order)?.clone();
        let Some(asked) = order.state.cancel_asked.clone() else {
            let reason = reason.to_owned();
            let failed = CheckoutFailed { order: id, checkout, reason: reason.clone() };
            self.record(t, order, vec![OrderEvent::CheckoutFailed(failed)]).await?;
            self.move_on(t, checkout, State::Open, State::Failed).await?;
            self.outbox.publish(t, &OrderFailed { order: id, user, number, checkout, flow, reason }).await?;
            return Ok(());
        };
        let (reason, lines) = (asked.reason, order.state.wanted());
        let cancelled =
            Cancelled { order: id, by: Some(asked.by), reason: reason.clone(), giving_back: None };
        self.record(t, order, vec![OrderEvent::Cancelled(cancelled)]).await?;
        self.move_on(t, checkout, State::Open, State::Cancelled).await?;
        let (refund, total, checkout) = (RefundId::new(), totals.total, Some(checkout));
        let told = OrderCancelled { order: id, user, number, checkout, refund, flow, lines, total, reason };
        self.outbox.publish(t, &told).await?;
        Ok(())
    }

    /// The money is ours and the goods are out of stock.
    pub(crate) async fn complete(&self, t: &mut Tx, id: OrderId, checkout: CheckoutId) -> OrdersResult<()> {
        let Some((order, _)) = self.held(t, id, checkout, &[Stage::Confirmed]).await? else { return Ok(()) };
        let giving_back = order.state.cancelled.as_ref().and_then(|cancelled| cancelled.giving_back.clone());
        self.record(t, order, vec![OrderEvent::Completed(Completed { order: id, checkout })]).await?;
        self.move_on(t, checkout, State::Confirmed, State::Complete).await?;
        if let Some(GivingBack { refund, .. }) = giving_back {
            // What was called off meanwhile waits for this.
            self.sagas.nudge(t, refund.uuid()).await?;
        }
        Ok(())
    }

    /// An order that was sold is called off: what it cost and what was in it go back. Returns what that is.
    pub(crate) async fn call_off(
        &self,
        t: &mut Tx,
        order: Loaded<Order>,
        by: Option<contract::ids::UserId>,
        reason: &str,
    ) -> OrdersResult<(Loaded<Order>, GivingBack)> {
        let id = OrderId(order.id);
        let Placed { user, number, totals, .. } = placed(&order)?.clone();
        let checkout = order.state.checkout.ok_or(OrdersError::NotFound("order"))?;
        let amount = totals.total.minus(order.state.promised_back()?)?;
        let (refund, lines, reason) = (RefundId::new(), order.state.not_restocked(), reason.to_owned());
        let giving_back = GivingBack { refund, amount, lines: lines.clone() };
        let cancelled =
            Cancelled { order: id, by, reason: reason.clone(), giving_back: Some(giving_back.clone()) };
        let order = self.record(t, order, vec![OrderEvent::Cancelled(cancelled)]).await?;
        let (flow, checkout, total) = (checkout.flow, Some(checkout.id), amount);
        let told = OrderCancelled { order: id, user, number, checkout, refund, flow, lines, total, reason };
        self.outbox.publish(t, &told).await?;
        Ok((order, giving_back))
    }

    /// What a cancelled order cost was given back: `amount` when it had been taken, nothing when it was let go before.
    pub(crate) async fn given_back(
        &self,
        t: &mut Tx,
        id: OrderId,
        checkout: CheckoutId,
        amount: Option<contract::money::Money>,
    ) -> OrdersResult<()> {
        let stages = [Stage::Confirmed, Stage::Complete];
        let Some((order, Checkout { stage, .. })) = self.held(t, id, checkout, &stages).await? else {
            return Ok(());
        };
        let giving_back = order.state.cancelled.as_ref().and_then(|cancelled| cancelled.giving_back.clone());
        let Some(GivingBack { refund, .. }) = giving_back.filter(|_| !order.state.given_back) else {
            return Ok(());
        };
        let settled = CancellationSettled { order: id, refund };
        self.record(t, order, vec![OrderEvent::CancellationSettled(settled)]).await?;
        let from = if stage == Stage::Complete { State::Complete } else { State::Confirmed };
        self.move_on(t, checkout, from, State::Reversed).await?;
        if let Some(amount) = amount {
            checkout::add_refund(t, checkout, amount).await?;
        }
        Ok(())
    }
}
