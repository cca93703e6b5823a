#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod config;
pub mod domain;
pub mod error;
pub mod import;
pub mod store;

pub use config::CatalogConfig;

use app::{App, Views};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::catalog::{
    CategoryChanged, ProductChanged, ProductCreated, ProductPriceChanged, ProductRemoved,
};
use contract::event::EventSpec;
use std::time::Duration;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<ProductCreated>(),
    EventSpec::of::<ProductChanged>(),
    EventSpec::of::<ProductPriceChanged>(),
    EventSpec::of::<ProductRemoved>(),
    EventSpec::of::<CategoryChanged>(),
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
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = CatalogConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let views = Views::new(&context, Duration::from_secs(config.cache_secs))?;
        let (products, tree) = (views.products.clone(), views.tree.clone());
        let app = App::new(context.db()?, context.clock().clone(), context.outbox()?, views);
        let (prices, categories) = (app.prices_are_kept(), app.categories_are_a_tree());
        let (router, _) = api::routes().with_state(app).split_for_parts();
        Ok(Parts::new(router)
            .invariant(prices)
            .invariant(categories)
            .invalidates("forget-changed", &products, Views::changed)
            .invalidates("forget-price-changed", &products, Views::price_changed)
            .invalidates("forget-removed", &products, Views::removed)
            .invalidates("forget-category-changed", &tree, Views::category_changed))
    }
}
