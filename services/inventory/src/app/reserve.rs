//! Keeping stock for a checkout: all of it or nothing.

use super::books::entries;
use super::{Answer, App, Asked, count_after};
use crate::domain::demand::Demand;
use crate::domain::reservation::keeps_stock;
use crate::domain::stock::Change;
use crate::error::{InventoryResult, Refusal};
use crate::store::reservation::{self, Held};
use crate::store::stock;
use chassis::db::Tx;
use contract::ids::{CheckoutId, OrderId};
use contract::inventory::{InventoryRejected, InventoryReserved, Reservation, ReservationState};
use std::sync::Arc;

impl App {
    /// Keeps stock for a checkout. The same checkout again is the same reservation.
    ///
    /// # Errors
    /// [`Refusal::Short`] when there is not enough of everything, [`Refusal::State`] when the reservation was let go,
    /// [`Refusal::Different`] when the checkout wants something else than before.
    pub async fn reserve(
        &self,
        checkout: CheckoutId,
        order: OrderId,
        demand: Demand,
    ) -> InventoryResult<Reservation> {
        let demand = Arc::new(demand);
        let keeping = self.together(move |app, t| {
            let demand = Arc::clone(&demand);
            Box::pin(async move { app.reserve_in(t, checkout, order, &demand, Asked::ByCall).await })
        });
        keeping.await
    }

    /// The same in a transaction that somebody else commits.
    pub(crate) async fn reserve_in(
        &self,
        t: &mut Tx,
        checkout: CheckoutId,
        order: OrderId,
        demand: &Demand,
        asked: Asked,
    ) -> Answer<Reservation> {
        let now = self.clock.now();
        let state = ReservationState::Active;
        let held = Held { checkout, order: Some(order), state, expires_at: now + self.hold };
        if !reservation::insert(t, &held, now).await? {
            return same_again(t, checkout, order, demand).await;
        }
        let stocks = stock::hold(t, &demand.products()).await?;
        let shortages = demand.shortages(&stocks);
        if !shortages.is_empty() {
            reservation::take_back(t, checkout).await?;
            self.outbox
                .publish(t, &InventoryRejected { order, checkout, shortages: shortages.clone() })
                .await?;
            count_after(t, "rejected", 1);
            return Ok(Err(Refusal::Short(shortages)));
        }
        let lines = demand.lines();
        reservation::insert_lines(t, checkout, &lines).await?;
        self.post_held(t, stocks, entries(checkout, &lines, Change::Reserve), now).await?;
        let answered = asked.is_answered();
        let event = InventoryReserved { order, checkout, lines: lines.clone(), answered };
        self.outbox.publish(t, &event).await?;
        count_after(t, "reserved", 1);
        Ok(Ok(held.with(lines)))
    }
}

/// What is answered to a checkout that has a reservation.
async fn same_again(
    t: &mut Tx,
    checkout: CheckoutId,
    order: OrderId,
    demand: &Demand,
) -> Answer<Reservation> {
    let Some(held) = reservation::hold(t, checkout).await? else {
        return Err(crate::error::InventoryError::Raced);
    };
    if !keeps_stock(held.state) && held.state != ReservationState::Committed {
        return Ok(Err(Refusal::State(held.state)));
    }
    let lines = reservation::lines(t, checkout).await?;
    if held.order != Some(order) || lines != demand.lines() {
        return Ok(Err(Refusal::Different));
    }
    Ok(Ok(held.with(lines)))
}
