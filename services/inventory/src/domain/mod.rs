//! The rules, without a database: what stock a change leaves, what is wanted, and which step a reservation may take.

pub mod demand;
pub mod reservation;
pub mod stock;
