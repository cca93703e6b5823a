//! The rules; neither HTTP nor SQL.

pub mod alert;
pub mod incident;
pub mod overall;
pub mod told;
pub mod uptime;
