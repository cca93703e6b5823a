#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::InventoryConfig;

use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::inventory::{
    InventoryCommitted, InventoryLowStock, InventoryRejected, InventoryReleased, InventoryReserved,
};

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<InventoryReserved>(),
    EventSpec::of::<InventoryRejected>(),
    EventSpec::of::<InventoryCommitted>(),
    EventSpec::of::<InventoryReleased>(),
    EventSpec::of::<InventoryLowStock>(),
];

/// The service.
#[derive(Debug)]
pub struct Inventory;

impl Service for Inventory {
    const SPEC: Spec = Spec {
        name: "inventory",
        about: "Stock, reservations, the ledger of every change",
        owns: &["inventory"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = InventoryConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
