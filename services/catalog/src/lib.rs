#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::CatalogConfig;

use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::catalog::{ProductChanged, ProductCreated, ProductPriceChanged, ProductRemoved};
use contract::event::EventSpec;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<ProductCreated>(),
    EventSpec::of::<ProductChanged>(),
    EventSpec::of::<ProductPriceChanged>(),
    EventSpec::of::<ProductRemoved>(),
];

/// The service.
#[derive(Debug)]
pub struct Catalog;

impl Service for Catalog {
    const SPEC: Spec = Spec {
        name: "catalog",
        about: "Products, categories, brands, prices, search",
        owns: &["products", "categories", "brands"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = CatalogConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
