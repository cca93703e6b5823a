//! The orders' part of the language: carts, checkout, orders.

mod client;
mod events;
mod line;
mod status;
mod totals;

pub use client::OrdersClient;
pub use events::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderCreatedV1, OrderDelivered, OrderFailed, OrderRefunded,
    OrderShipped,
};
pub use line::{Address, OrderLine};
pub use status::{CheckoutFlow, OrderStatus, ShippingMethod};
pub use totals::Totals;
