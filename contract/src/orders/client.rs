//! The typed client of the orders.

use super::{AddToCart, Cart, OrderSummary, Purchases};
use crate::client::{Caller, endpoints};
use crate::ids::UserId;

/// Speaks to the orders. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct OrdersClient {
    caller: Caller,
}

impl OrdersClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// The cart of who asks.
        cart() -> Cart = GET "/api/v1/cart";
        /// Puts so many more of a product into it.
        add_to_cart(body: &AddToCart) -> Cart = POST "/api/v1/cart/items", body;
        /// What somebody has bought, the latest first, each product once.
        purchases(user: UserId, limit: u32) -> Purchases = GET format!("/internal/v1/orders/purchases?user={user}&limit={limit}");
        /// The latest orders of somebody. A read model: it may be a moment behind.
        recent(user: UserId, limit: u32) -> Vec<OrderSummary> = GET format!("/internal/v1/orders/recent?user={user}&limit={limit}");
    }
}
