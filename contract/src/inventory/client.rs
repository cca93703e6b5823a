//! The typed client of the inventory.

use super::{Reservation, Reserve, Restock};
use crate::client::{Caller, endpoints};
use crate::ids::CheckoutId;

/// Speaks to the inventory. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
///
/// Each change is known again by its checkout or refund, so it may be sent again whenever nobody knows whether it took effect.
#[derive(Clone)]
pub struct InventoryClient {
    caller: Caller,
}

impl InventoryClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// Keeps stock for a checkout: 409 `INSUFFICIENT_STOCK` with a detail a product when there is not enough of
        /// everything; 409 `INVALID_TRANSITION` when the checkout's reservation was let go already.
        reserve(checkout: CheckoutId, body: &Reserve) -> Reservation
            = PUT format!("/internal/v1/inventory/reservations/{checkout}"), body;
        /// Keeps it without an end: 409 `INVALID_TRANSITION` when it has been let go.
        secure(checkout: CheckoutId) -> Reservation
            = PUT format!("/internal/v1/inventory/reservations/{checkout}/secured");
        /// The goods leave. One that had expired is taken from stock again if there is enough, else 409
        /// `INSUFFICIENT_STOCK`.
        commit(checkout: CheckoutId) -> Reservation
            = PUT format!("/internal/v1/inventory/reservations/{checkout}/committed");
        /// Lets it go. Succeeds when there is none, and then keeps it from being made later; 409 `INVALID_TRANSITION`
        /// when the goods have left.
        release(checkout: CheckoutId) -> Reservation
            = PUT format!("/internal/v1/inventory/reservations/{checkout}/released");
        /// Takes goods back that were sold.
        restock(body: &Restock) -> () = PUT format!("/internal/v1/inventory/restocks/{}", body.refund), body;
    }
}
