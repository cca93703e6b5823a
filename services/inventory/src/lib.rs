#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod config;
pub mod domain;
pub mod error;
mod events;
mod jobs;
pub mod store;

pub use config::InventoryConfig;

use app::App;
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
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = InventoryConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App::new(&config, context.db()?, context.clock().clone(), context.outbox()?);
        let (router, _) = api::routes().with_state(app.clone()).split_for_parts();
        let parts = Parts::new(router).job(jobs::expire(app.clone()));
        let parts = events::subscribe(parts, &app);
        Ok(app::invariants(&app).into_iter().fold(parts, Parts::invariant))
    }
}
