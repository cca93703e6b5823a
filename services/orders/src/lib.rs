#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod audit;
mod config;
pub mod domain;
pub mod error;
pub mod flows;
mod hears;
mod jobs;
mod projections;
pub mod store;

pub use config::OrdersConfig;

use app::{App, tell_followers};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::orders::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFailed, OrderRefunded, OrderShipped,
};
use flows::cancellation::Cancellation;
use flows::checkout::Checkout;
use flows::refund::Refund;
use projections::OrderListing;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<OrderCreated>(),
    EventSpec::of::<OrderConfirmed>(),
    EventSpec::of::<OrderFailed>(),
    EventSpec::of::<OrderCancelled>(),
    EventSpec::of::<OrderShipped>(),
    EventSpec::of::<OrderDelivered>(),
    EventSpec::of::<OrderRefunded>(),
];

/// The service.
#[derive(Debug)]
pub struct Orders;

impl Service for Orders {
    const SPEC: Spec = Spec {
        name: "orders",
        about: "Carts, checkout, orders and their history",
        owns: &["orders", "cart"],
        well_known: &[],
        door: false,
        needs: &["auth", "catalog", "inventory", "payments"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = OrdersConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App::new(config, &context)?;
        let counted = api::counted().layer(context.limits().policy("orders")?);
        let (router, _) = api::open().merge(counted).with_state(app.clone()).split_for_parts();
        let listing = OrderListing { listed: app.listed.clone() };
        let followed = app.clone();
        let parts = audit::declare(hears::all(Parts::new(router), &app), &app);
        Ok(parts
            .saga(Checkout::new(app.clone()))
            .saga(Cancellation::new(app.clone()))
            .saga(Refund::new(app.clone()))
            .projection(context.event_store()?, listing)
            .worker("tell-followers", |stop| tell_followers(followed, stop))
            .job(jobs::give_up_overdue(app.clone()))
            .invariant(projections::list_agrees(app.clone()))
            .job(jobs::sweep_carts(app)))
    }
}
