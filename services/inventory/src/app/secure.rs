//! Keeping a reservation without an end, because a sale is being completed.

use super::{Answer, App, count_after};
use crate::domain::reservation::{Action, Step, step};
use crate::error::{InventoryError, InventoryResult, Refusal};
use crate::store::reservation;
use chassis::db::Tx;
use contract::ids::CheckoutId;
use contract::inventory::{Reservation, ReservationState};

impl App {
    /// Keeps a reservation without an end. One whose time is over and that nobody has let go yet can still be kept.
    ///
    /// # Errors
    /// [`Refusal::State`] when it was let go, [`Refusal::Unknown`] when there is none.
    pub async fn secure(&self, checkout: CheckoutId) -> InventoryResult<Reservation> {
        self.together(move |app, t| Box::pin(async move { app.secure_in(t, checkout).await })).await
    }

    async fn secure_in(&self, t: &mut Tx, checkout: CheckoutId) -> Answer<Reservation> {
        let now = self.clock.now();
        let (active, secured) = (ReservationState::Active, ReservationState::Secured);
        if let Some(held) = reservation::shift(t, checkout, [active; 2], secured, now).await? {
            count_after(t, "secured", 1);
            return Ok(Ok(held.with(reservation::lines(t, checkout).await?)));
        }
        // From here on nobody else changes it.
        let Some(mut held) = reservation::hold(t, checkout).await? else { return Ok(Err(Refusal::Unknown)) };
        match step(held.state, Action::Secure) {
            Step::Stands => {}
            Step::Refused => return Ok(Err(Refusal::State(held.state))),
            // It was made at this very moment.
            Step::Moves(to) => {
                let moved = reservation::shift(t, checkout, [held.state; 2], to, now).await?;
                held = moved.ok_or(InventoryError::Raced)?;
                count_after(t, "secured", 1);
            }
        }
        Ok(Ok(held.with(reservation::lines(t, checkout).await?)))
    }
}
