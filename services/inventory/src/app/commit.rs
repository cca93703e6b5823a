//! The goods leave.

use super::books::entries;
use super::{Answer, App, Asked, count_after};
use crate::domain::demand::Demand;
use crate::domain::reservation::{Action, Step, keeps_stock, step};
use crate::domain::stock::Change;
use crate::error::{InventoryError, InventoryResult, Refusal};
use crate::store::reservation::{self, Held};
use crate::store::stock;
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::CheckoutId;
use contract::inventory::{InventoryCommitted, InventoryRejected, Reservation, ReservationState};

impl App {
    /// Lets the goods of a reservation leave. One that had expired is taken from stock again if there is enough.
    ///
    /// # Errors
    /// [`Refusal::Short`] when it had expired and there is not enough any more, [`Refusal::State`] when it was let go,
    /// [`Refusal::Unknown`] when there is none.
    pub async fn commit(&self, checkout: CheckoutId) -> InventoryResult<Reservation> {
        self.together(move |app, t| Box::pin(async move { app.commit_in(t, checkout, Asked::ByCall).await }))
            .await
    }

    /// The same in a transaction that somebody else commits.
    pub(crate) async fn commit_in(
        &self,
        t: &mut Tx,
        checkout: CheckoutId,
        asked: Asked,
    ) -> Answer<Reservation> {
        let now = self.clock.now();
        let kept = [ReservationState::Active, ReservationState::Secured];
        if let Some(held) = reservation::shift(t, checkout, kept, ReservationState::Committed, now).await? {
            return self.sell(t, held, now, asked).await;
        }
        // From here on nobody else changes it.
        let Some(held) = reservation::hold(t, checkout).await? else { return Ok(Err(Refusal::Unknown)) };
        match step(held.state, Action::Commit) {
            Step::Stands => Ok(Ok(held.with(reservation::lines(t, checkout).await?))),
            Step::Refused => Ok(Err(Refusal::State(held.state))),
            // It was made at this very moment.
            Step::Moves(to) if keeps_stock(held.state) => {
                let moved = reservation::shift(t, checkout, [held.state; 2], to, now).await?;
                self.sell(t, moved.ok_or(InventoryError::Raced)?, now, asked).await
            }
            Step::Moves(_) => self.retake(t, held, now, asked).await,
        }
    }

    /// Lets leave what was kept until now.
    async fn sell(&self, t: &mut Tx, held: Held, now: Ts, asked: Asked) -> Answer<Reservation> {
        let lines = reservation::lines(t, held.checkout).await?;
        self.post(t, entries(held.checkout, &lines, Change::Commit), now).await?;
        self.committed(t, held.with(lines), asked).await
    }

    /// Takes what had expired from stock again.
    async fn retake(&self, t: &mut Tx, held: Held, now: Ts, asked: Asked) -> Answer<Reservation> {
        let (checkout, order) = (held.checkout, held.order());
        let lines = reservation::lines(t, checkout).await?;
        let demand = Demand::of(&lines).map_err(anyhow::Error::from)?;
        let stocks = stock::hold(t, &demand.products()).await?;
        let shortages = demand.shortages(&stocks);
        if !shortages.is_empty() {
            self.outbox
                .publish(t, &InventoryRejected { order, checkout, shortages: shortages.clone() })
                .await?;
            count_after(t, "rejected", 1);
            return Ok(Err(Refusal::Short(shortages)));
        }
        let moved =
            reservation::shift(t, checkout, [held.state; 2], ReservationState::Committed, now).await?;
        let held = moved.ok_or(InventoryError::Raced)?;
        self.post_held(t, stocks, entries(checkout, &lines, Change::Retake), now).await?;
        self.committed(t, held.with(lines), asked).await
    }

    async fn committed(&self, t: &mut Tx, reservation: Reservation, asked: Asked) -> Answer<Reservation> {
        let Reservation { order, checkout, .. } = reservation;
        let event = InventoryCommitted { order, checkout, answered: asked.is_answered() };
        self.outbox.publish(t, &event).await?;
        count_after(t, "committed", 1);
        Ok(Ok(reservation))
    }
}
