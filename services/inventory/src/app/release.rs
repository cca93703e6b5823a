//! Letting a reservation go.

use super::books::entries;
use super::{Answer, App, count_after};
use crate::domain::reservation::{Action, Step, keeps_stock, step};
use crate::domain::stock::Change;
use crate::error::{InventoryError, InventoryResult, Refusal};
use crate::store::reservation::{self, Held};
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::CheckoutId;
use contract::inventory::{InventoryReleased, Release, Reservation, ReservationState};

impl App {
    /// Lets a reservation go. When there is none yet, none can be made any more.
    ///
    /// # Errors
    /// [`Refusal::State`] when the goods have left.
    pub async fn release(&self, checkout: CheckoutId) -> InventoryResult<Reservation> {
        self.together(move |app, t| Box::pin(async move { app.release_in(t, checkout).await })).await
    }

    /// The same in a transaction that somebody else commits.
    pub(crate) async fn release_in(&self, t: &mut Tx, checkout: CheckoutId) -> Answer<Reservation> {
        let now = self.clock.now();
        let released = ReservationState::Released;
        let kept = [ReservationState::Active, ReservationState::Secured];
        if let Some(held) = reservation::shift(t, checkout, kept, released, now).await? {
            return self.let_go(t, held, now).await;
        }
        // Whoever comes to reserve later finds this one.
        let tombstone = Held { checkout, order: None, state: released, expires_at: now };
        if reservation::insert(t, &tombstone, now).await? {
            return Ok(Ok(tombstone.with(Vec::new())));
        }
        // From here on nobody else changes it.
        let held = reservation::hold(t, checkout).await?.ok_or(InventoryError::Raced)?;
        let moved = match step(held.state, Action::Release) {
            Step::Stands => held,
            Step::Refused => return Ok(Err(Refusal::State(held.state))),
            Step::Moves(to) => {
                let moved = reservation::shift(t, checkout, [held.state; 2], to, now).await?;
                let moved = moved.ok_or(InventoryError::Raced)?;
                // It was made at this very moment.
                if keeps_stock(held.state) {
                    return self.let_go(t, moved, now).await;
                }
                // Its stock was let go when its time was over; from now on it cannot be taken again.
                moved
            }
        };
        Ok(Ok(moved.with(reservation::lines(t, checkout).await?)))
    }

    /// Lets go of what was kept until now.
    async fn let_go(&self, t: &mut Tx, held: Held, now: Ts) -> Answer<Reservation> {
        let checkout = held.checkout;
        let lines = reservation::lines(t, checkout).await?;
        self.post(t, entries(checkout, &lines, Change::Release), now).await?;
        let event = InventoryReleased { order: held.order(), checkout, why: Release::GivenUp };
        self.outbox.publish(t, &event).await?;
        count_after(t, "released", 1);
        Ok(Ok(held.with(lines)))
    }
}
