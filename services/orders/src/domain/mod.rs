//! What the service decides, without a database and without a network.

pub mod cart;
pub mod events;
pub mod number;
pub mod order;
pub mod pricing;
pub mod shipping;
pub mod shopper;
pub mod tax;
pub mod transition;
