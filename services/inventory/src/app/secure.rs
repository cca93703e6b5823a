//! Keeping a reservation without an end, because a sale is being completed.

use super::{Answer, App, count_after};
use crate::domain::reservation::{Action, Step, step};
use crate::error::{InventoryResult, Refusal};
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
        let from = [ReservationState::Active; 2];
        let held = match reservation::shift(t, checkout, from, ReservationState::Secured, now).await? {
            Some(held) => {
                count_after(t, "secured", 1);
                held
            }
            None => match reservation::hold(t, checkout).await? {
                Some(held) if step(held.state, Action::Secure) == Step::Stands => held,
                Some(held) => return Ok(Err(Refusal::State(held.state))),
                None => return Ok(Err(Refusal::Unknown)),
            },
        };
        Ok(Ok(held.with(reservation::lines(t, checkout).await?)))
    }
}
