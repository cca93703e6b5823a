//! The typed client of the orders.

use super::{
    AddToCart, CancelOrder, Cart, Order, OrderHappening, OrderSummary, PlaceOrder, Purchases, RefundOrder,
    RetryOrder, ShipOrder,
};
use crate::client::{Caller, endpoints};
use crate::ids::{OrderId, UserId};

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
        /// The latest orders of somebody as `GET /api/v1/orders` lists them: one's own, or another's for who manages orders.
        of_user(user: UserId, limit: u32) -> Vec<OrderSummary> = GET format!("/api/v1/orders?user={user}&limit={limit}");
        /// The order of somebody that has this number, or none. A number has letters, digits and hyphens only.
        numbered(user: UserId, number: &str) -> Vec<OrderSummary>
            = GET format!("/api/v1/orders?user={user}&number={number}&limit=1");
        /// Places an order and begins its checkout. The answer may say that it is still `processing`.
        place(body: &PlaceOrder) -> Order = POST "/api/v1/orders", body;
        /// An order of the caller, or any for who manages them.
        order(id: OrderId) -> Order = GET format!("/api/v1/orders/{id}");
        /// What happened to it, in order.
        history(id: OrderId) -> Vec<OrderHappening> = GET format!("/api/v1/orders/{id}/history");
        /// Another try to pay an order that failed.
        retry(id: OrderId, body: &RetryOrder) -> Order = POST format!("/api/v1/orders/{id}/retry"), body;
        /// Calls an order off.
        cancel(id: OrderId, body: &CancelOrder) -> Order = POST format!("/api/v1/orders/{id}/cancel"), body;
        /// Begins to pack it, for who manages orders.
        process(id: OrderId) -> Order = POST format!("/api/v1/orders/{id}/process");
        /// It is on its way, for who manages orders.
        ship(id: OrderId, body: &ShipOrder) -> Order = POST format!("/api/v1/orders/{id}/ship"), body;
        /// It is with its buyer, for who manages orders.
        deliver(id: OrderId) -> Order = POST format!("/api/v1/orders/{id}/deliver");
        /// Gives some or all of it back, for who manages orders.
        refund(id: OrderId, body: &RefundOrder) -> Order = POST format!("/api/v1/orders/{id}/refunds"), body;
    }
}
