//! What the service decides, without a database and without a network.

pub mod pricing;
pub mod shipping;
pub mod tax;
