//! What the service decides, without a database and without a network.

pub mod events;
pub mod order;
pub mod pricing;
pub mod shipping;
pub mod tax;
