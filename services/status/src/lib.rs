#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
pub mod domain;
pub mod error;
mod jobs;
mod page;
mod prober;
pub mod store;

pub use config::StatusConfig;

use app::{App, Inner, Snapshot};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::status::{AlertFired, AlertResolved, IncidentOpened, IncidentResolved, IncidentUpdated};
use prober::Watched;
use std::sync::{Arc, Mutex};

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<AlertFired>(),
    EventSpec::of::<AlertResolved>(),
    EventSpec::of::<IncidentOpened>(),
    EventSpec::of::<IncidentUpdated>(),
    EventSpec::of::<IncidentResolved>(),
];

/// The service.
#[derive(Debug)]
pub struct Status;

impl Service for Status {
    const SPEC: Spec = Spec {
        name: "status",
        about: "How the platform is: alerts, incidents, uptime",
        owns: &["status", "alerts", "incidents"],
        well_known: &["/status"],
        door: false,
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = StatusConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App(Arc::new(Inner {
            db: context.db()?,
            clock: context.clock().clone(),
            outbox: context.outbox()?,
            services: context.all_services().iter().map(|spec| spec.name).collect(),
            watched: Watched::all(&context),
            every: config.every(),
            patience: config.patience(),
            incident_after: config.incident_after(),
            alert_expires: config.alert_expires(),
            max_alerts: config.max_alerts,
            keep: config.keep(),
            token: config.alertmanager_token,
            title: config.page_title,
            snapshots: context.cache("page", Snapshot::policy())?,
            last_shown: Mutex::new(None),
        }));
        let (router, _) = api::routes().with_state(app.clone()).split_for_parts();
        let parts = Parts::new(router).job(jobs::look(app.clone()));
        Ok(parts.job(jobs::expire(app.clone())).job(jobs::sweep(app)))
    }
}
