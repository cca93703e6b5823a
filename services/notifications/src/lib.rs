#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
pub mod domain;
pub mod error;
mod jobs;
pub mod store;

pub use config::NotificationsConfig;

use anyhow::Context as _;
use app::{App, Calls, Decided, Inner, LowStock, Orders, Receipts, Submitted};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::auth::{AuthClient, UserRegistered};
use contract::catalog::CatalogClient;
use contract::event::EventSpec;
use contract::events::{EventApproved, EventRejected, EventSubmitted};
use contract::inventory::InventoryLowStock;
use contract::notifications::NotificationCreated;
use contract::orders::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed, OrderRefunded, OrderShipped,
};
use contract::payments::PaymentCaptured;
use domain::letters::Letters;
use std::path::Path;
use std::sync::Arc;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[EventSpec::of::<NotificationCreated>()];

/// The service.
#[derive(Debug)]
pub struct Notifications;

impl Service for Notifications {
    const SPEC: Spec = Spec {
        name: "notifications",
        about: "E-mails from events, preferences, and a log of what was sent",
        owns: &["notifications"],
        well_known: &[],
        door: false,
        needs: &["auth", "catalog"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = NotificationsConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let peer = |name| context.peer(name).with_context(|| format!("there is no way to {name}"));
        let folder = config.templates_dir.as_deref().map(Path::new);
        let app = App(Arc::new(Inner {
            db: context.db()?,
            clock: context.clock().clone(),
            jobs: context.jobs()?,
            outbox: context.outbox()?,
            mailer: context.mailer()?,
            letters: Letters::read(config.shop_name.trim(), folder)?,
            auth: AuthClient::new(peer("auth")?.caller()),
            catalog: CatalogClient::new(peer("catalog")?.caller()),
            keep: config.keep(),
            low_stock_to: config.low_stock_to,
        }));
        let (router, _) = api::routes().with_state(app.clone()).split_for_parts();
        let calls = || Calls(app.clone());
        Ok(Parts::new(router)
            .on::<UserRegistered>("welcome", calls())
            .on::<OrderConfirmed>("order-confirmed", calls())
            .on::<OrderShipped>("order-shipped", calls())
            .on::<OrderCancelled>("order-cancelled", calls())
            .on::<OrderFailed>("order-failed", calls())
            .on::<OrderRefunded>("order-refunded", calls())
            .on::<OrderCreated>("whose-order", Orders(app.clone()))
            .on::<PaymentCaptured>("receipts", Receipts(app.clone()))
            .on::<InventoryLowStock>("low-stock", LowStock(app.clone()))
            .on::<EventSubmitted>("event-submitted", Submitted(app.clone()))
            .on::<EventApproved>("event-approved", Decided(app.clone()))
            .on::<EventRejected>("event-rejected", Decided(app.clone()))
            .job(jobs::send_notification(app.clone()))
            .job(jobs::tell_low_stock(app.clone()))
            .job(jobs::tell_moderators(app.clone()))
            .job(jobs::sweep(app.clone()))
            .invariant(app.each_mail_is_sent_once())
            .invariant(app.what_waits_has_a_job())
            .invariant(app.no_receipt_waits_for_a_known_order()))
    }
}
