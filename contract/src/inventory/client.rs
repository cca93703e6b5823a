//! The typed client of the inventory.

use super::{Adjust, Availability, Movement, Reservation, Reserve, Restock};
use crate::client::{Caller, endpoints};
use crate::ids::{CheckoutId, ProductId};

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
        /// Takes goods back that were sold: 409 `INVALID_TRANSITION` while they have not left, 409 `CONFLICT` when more
        /// would come back than was sold with the order.
        restock(body: &Restock) -> () = PUT format!("/internal/v1/inventory/restocks/{}", body.refund), body;
        /// Whether these products are in stock; one that is not known is left out. At most 200.
        availability(products: &[ProductId]) -> Vec<Availability>
            = GET format!("/internal/v1/inventory/availability?products={}", list(products));
        /// What stock was or is kept for, by checkout, from behind `after`, at most `limit` (1 to 500): for who compares it
        /// with the orders. Reservations that were let go before they were made are left out.
        reservations(after: Option<CheckoutId>, limit: u32) -> Vec<Reservation>
            = GET format!("/internal/v1/inventory/reservations?{}", from(after, limit));
        /// What there is of a product, as who asks may know it.
        stock(product: ProductId) -> Availability = GET format!("/api/v1/inventory/{product}");
        /// Counts a product anew: 404 for one that is not there yet or another vendor's, 409 `INSUFFICIENT_STOCK` when less
        /// would be left than is reserved.
        adjust(product: ProductId, body: &Adjust) -> Movement
            = POST format!("/api/v1/inventory/{product}/adjustments"), body;
    }
}

fn list(products: &[ProductId]) -> String {
    products.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn from(after: Option<CheckoutId>, limit: u32) -> String {
    let after = after.map(|after| format!("after={after}&")).unwrap_or_default();
    format!("{after}limit={limit}")
}
