//! The orders' part of the language: carts, checkout, orders.

mod cart;
mod client;
mod events;
mod line;
mod list;
mod live;
mod order;
mod status;
mod totals;

pub use cart::{
    AddToCart, Cart, CartLine, CartLineState, GuestCart, MOST_LINES, MOST_OF_ONE, MergeCart, SetQuantity,
    X_CART_TOKEN,
};
pub use client::OrdersClient;
pub use events::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderCreatedV1, OrderDelivered, OrderFailed, OrderRefunded,
    OrderShipped,
};
pub use line::{Address, OrderLine};
pub use list::{ListOrders, OfBuyer, OrderSummary, OrderUpdate, Purchases};
pub use live::OrderNews;
pub use order::{
    CancelOrder, Order, OrderActor, OrderAsOf, OrderHappening, OrderItem, OrderRefund, OrderRefundState,
    PlaceOrder, RefundOrder, RetryOrder, ShipOrder,
};
pub use status::{CheckoutFlow, OrderStatus, ShippingMethod};
pub use totals::Totals;
