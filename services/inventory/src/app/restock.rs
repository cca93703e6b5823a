//! Goods that were sold come back: once for each refund, and of an order never more than was sold.

use super::books::{About, Entry};
use super::{Answer, App};
use crate::domain::demand::Demand;
use crate::domain::stock::{Change, Misfit};
use crate::error::{InventoryError, InventoryResult, Refusal};
use crate::store::{reservation, restock, stock};
use chassis::db::Tx;
use contract::ids::{OrderId, RefundId};
use contract::inventory::{ReservationState, Shortage};
use std::sync::Arc;

impl App {
    /// Takes goods back. The same refund again is the same return.
    ///
    /// # Errors
    /// [`Refusal::NotLeft`] while nothing of the order has left, [`Refusal::NotSold`] when more would come back than was sold,
    /// [`Refusal::Different`] when the refund has brought back something else.
    pub async fn restock(&self, refund: RefundId, order: OrderId, demand: Demand) -> InventoryResult<()> {
        let demand = Arc::new(demand);
        let returning = self.together(move |app, t| {
            let demand = Arc::clone(&demand);
            Box::pin(async move { app.restock_in(t, refund, order, &demand).await })
        });
        returning.await
    }

    /// The same in a transaction that somebody else commits.
    pub(crate) async fn restock_in(
        &self,
        t: &mut Tx,
        refund: RefundId,
        order: OrderId,
        demand: &Demand,
    ) -> Answer<()> {
        let now = self.clock.now();
        if !restock::insert(t, refund, order, now).await? {
            let before = restock::find(t, refund).await?;
            let same = before.is_some_and(|(of, lines)| of == order && lines == demand.lines());
            return Ok(if same { Ok(()) } else { Err(Refusal::Different) });
        }
        // From here on no other return of this order is under way.
        let states = reservation::hold_of_order(t, order).await?;
        if let Some(refusal) = self.cannot_come_back(t, order, demand, &states).await? {
            restock::take_back(t, refund).await?;
            return Ok(Err(refusal));
        }
        restock::insert_lines(t, refund, &demand.lines()).await?;
        let held = stock::hold(t, &demand.products()).await?;
        let about = About { refund: Some(refund), ..About::default() };
        let mut entries = Vec::new();
        for line in demand.lines() {
            let fits =
                held.get(&line.product).cloned().map(|mut stock| stock.apply(Change::Return(line.quantity)));
            if fits == Some(Err(Misfit::TooMuch)) {
                return Err(InventoryError::Quantity("is more than can be counted"));
            }
            let change = Change::Return(line.quantity);
            entries.push(Entry { product: line.product, change, about: about.clone() });
        }
        self.post_held(t, held, entries, now).await?;
        Ok(Ok(()))
    }

    async fn cannot_come_back(
        &self,
        t: &mut Tx,
        order: OrderId,
        demand: &Demand,
        states: &[ReservationState],
    ) -> InventoryResult<Option<Refusal>> {
        if !states.contains(&ReservationState::Committed) {
            return Ok(Some(Refusal::NotLeft));
        }
        let left = restock::left_with_buyer(t, order).await?;
        let too_many: Vec<Shortage> = demand
            .lines()
            .into_iter()
            .map(|line| Shortage {
                product: line.product,
                wanted: line.quantity,
                available: left.get(&line.product).copied().unwrap_or_default(),
            })
            .filter(|shortage| shortage.wanted > shortage.available)
            .collect();
        Ok(if too_many.is_empty() { None } else { Some(Refusal::NotSold(too_many)) })
    }
}
