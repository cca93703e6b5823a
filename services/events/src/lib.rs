#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
pub mod domain;
pub mod error;
mod jobs;
pub mod store;

pub use config::EventsConfig;

use anyhow::Context as _;
use app::{App, Inner, Left};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use config::days;
use contract::auth::{AuthClient, OrganizationMemberLeft};
use contract::event::EventSpec;
use contract::events::{
    EventApproved, EventCreated, EventDeleted, EventRejected, EventReopened, EventSubmitted, EventUpdated,
};
use std::sync::Arc;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<EventCreated>(),
    EventSpec::of::<EventUpdated>(),
    EventSpec::of::<EventSubmitted>(),
    EventSpec::of::<EventApproved>(),
    EventSpec::of::<EventRejected>(),
    EventSpec::of::<EventReopened>(),
    EventSpec::of::<EventDeleted>(),
];

/// The service.
#[derive(Debug)]
pub struct Events;

impl Service for Events {
    const SPEC: Spec = Spec {
        name: "events",
        about: "Events of organisations: written, submitted, approved or sent back",
        owns: &["events"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = EventsConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let auth = context.peer("auth").context("there is no way to auth")?;
        let app = App(Arc::new(Inner {
            db: context.db()?,
            clock: context.clock().clone(),
            outbox: context.outbox()?,
            auth: AuthClient::new(auth.caller()),
            calendar_past: days(config.calendar_past_days),
            calendar_most: config.calendar_most,
            keep_deleted: days(config.keep_deleted_days),
        }));
        let history = app.history_is_whole();
        let (router, _) = api::routes().with_state(app.clone()).split_for_parts();
        Ok(Parts::new(router)
            .on::<OrganizationMemberLeft>("end-calendars", Left)
            .job(jobs::sweep(app))
            .invariant(history))
    }
}
