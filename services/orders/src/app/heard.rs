//! What inventory and payments say. In an orchestration it wakes the saga, which asks for itself; in a choreography it is
//! what decides: an order is confirmed when both facts are known, and fails at the first that says no.

use super::App;
use super::settle::Confirming;
use crate::domain::order::Order;
use crate::error::OrdersResult;
use crate::store::checkout::{self, CheckoutRow, Paid, State, Stock};
use chassis::db::Tx;
use contract::ids::{CheckoutId, OrderId, RefundId};
use contract::money::Money;
use contract::orders::CheckoutFlow;

/// What a buyer is told whose checkout by events took too long.
const TOO_LATE: &str = "It could not be completed in time. Nothing was charged.";
/// So many overdue checkouts are given up in one run.
const AT_ONCE: u32 = 200;

impl App {
    /// Whether somebody wants an order called off.
    pub(crate) async fn is_called_off(&self, order: OrderId) -> OrdersResult<bool> {
        Ok(self.store.load::<Order>(order.uuid()).await?.state.cancel_asked.is_some())
    }

    /// The checkout that a word of others is about, when it is one of ours; its order is held when the word decides
    /// something.
    async fn concerned(
        &self,
        t: &mut Tx,
        order: OrderId,
        id: CheckoutId,
    ) -> OrdersResult<Option<CheckoutFlow>> {
        let Some(row) = checkout::find_in(t, id).await? else { return Ok(None) };
        if row.flow == CheckoutFlow::Choreography {
            self.store.hold::<Order>(t, order.uuid()).await?;
        }
        Ok(Some(row.flow))
    }

    /// The inventory has said something.
    pub(crate) async fn hear_stock(
        &self,
        t: &mut Tx,
        order: OrderId,
        id: CheckoutId,
        stock: Stock,
        reason: &str,
    ) -> OrdersResult<()> {
        // An orchestrated checkout asks for itself.
        if self.concerned(t, order, id).await? != Some(CheckoutFlow::Choreography) {
            return Ok(());
        }
        let Some(row) = checkout::hear_stock(t, id, stock).await? else { return Ok(()) };
        self.decide(t, &row, reason).await
    }

    /// The payments have said something.
    pub(crate) async fn hear_payment(
        &self,
        t: &mut Tx,
        order: OrderId,
        id: CheckoutId,
        payment: Paid,
        reason: &str,
    ) -> OrdersResult<()> {
        let Some(flow) = self.concerned(t, order, id).await? else { return Ok(()) };
        let Some(row) = checkout::hear_payment(t, id, payment).await? else { return Ok(()) };
        if payment == Paid::ActionRequired {
            let waiting = self.waiting.clone();
            t.after_commit(move || waiting.tell(order));
        }
        match flow {
            CheckoutFlow::Orchestration => {
                self.sagas.nudge(t, id.uuid()).await?;
                Ok(())
            }
            CheckoutFlow::Choreography => self.decide(t, &row, reason).await,
        }
    }

    /// The payments have given something back.
    pub(crate) async fn hear_refund(
        &self,
        t: &mut Tx,
        order: OrderId,
        id: CheckoutId,
        (refund, amount): (RefundId, Money),
    ) -> OrdersResult<()> {
        let Some(flow) = self.concerned(t, order, id).await? else { return Ok(()) };
        self.sagas.nudge(t, refund.uuid()).await?;
        if flow == CheckoutFlow::Choreography {
            let held = self.store.hold::<Order>(t, order.uuid()).await?;
            let giving_back = held.state.cancelled.and_then(|cancelled| cancelled.giving_back);
            if giving_back.is_some_and(|giving_back| giving_back.refund == refund) {
                checkout::hear_payment(t, id, Paid::Refunded).await?;
                self.given_back(t, order, id, Some(amount)).await?;
            }
        }
        Ok(())
    }

    /// What the facts that are known come to.
    async fn decide(&self, t: &mut Tx, row: &CheckoutRow, reason: &str) -> OrdersResult<()> {
        let (order, id) = (row.order, row.id);
        let no = matches!(row.stock, Some(Stock::Rejected))
            || matches!(row.payment, Some(Paid::Failed | Paid::Voided));
        match row.state {
            State::Open if no || row.stock == Some(Stock::Released) => {
                self.give_up(t, order, id, reason).await
            }
            State::Open if (row.stock, row.payment) == (Some(Stock::Reserved), Some(Paid::Authorized)) => {
                match self.confirm(t, order, id).await? {
                    Confirming::Done | Confirming::TooLate => Ok(()),
                    Confirming::CalledOff => self.give_up(t, order, id, reason).await,
                }
            }
            State::Confirmed if row.payment == Some(Paid::Voided) && self.is_reversed(t, order).await? => {
                self.given_back(t, order, id, None).await
            }
            State::Confirmed if no => self.could_not_be_sold(t, order, reason).await,
            State::Confirmed
                if (row.stock, row.payment) == (Some(Stock::Committed), Some(Paid::Captured)) =>
            {
                self.complete(t, order, id).await
            }
            _ => Ok(()),
        }
    }

    async fn is_reversed(&self, t: &mut Tx, order: OrderId) -> OrdersResult<bool> {
        Ok(self.store.hold::<Order>(t, order.uuid()).await?.state.cancelled.is_some())
    }

    /// An order that was confirmed cannot be sold after all: it is called off, and what it cost is given back.
    async fn could_not_be_sold(&self, t: &mut Tx, order: OrderId, reason: &str) -> OrdersResult<()> {
        let order = self.store.hold::<Order>(t, order.uuid()).await?;
        if order.state.cancelled.is_none() {
            self.call_off(t, order, None, reason).await?;
        }
        Ok(())
    }

    /// Gives up the checkouts by events whose time is over.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn give_up_overdue(&self) -> OrdersResult<()> {
        for row in checkout::overdue(&self.db, self.clock.now(), AT_ONCE).await? {
            let mut t = self.db.begin().await?;
            self.give_up(&mut t, row.order, row.id, TOO_LATE).await?;
            t.commit().await?;
        }
        Ok(())
    }
}
