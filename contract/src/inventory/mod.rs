//! The inventory's part of the language: stock, reservations, the ledger.

mod client;
mod events;
mod reservation;
mod stock;

pub use client::InventoryClient;
pub use events::{
    InventoryCommitted, InventoryLowStock, InventoryRejected, InventoryReleased, InventoryReserved, Release,
};
pub use reservation::{Reservation, ReservationState, Reserve, ReserveLine, Restock, Shortage};
pub use stock::{
    Adjust, AdjustmentKind, Availability, ListMovements, ListStock, Movement, MovementKind, SetReorder,
    StockItem,
};
