#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::PaymentsConfig;

use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::payments::{
    PaymentActionRequired, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided,
};

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<PaymentAuthorized>(),
    EventSpec::of::<PaymentActionRequired>(),
    EventSpec::of::<PaymentFailed>(),
    EventSpec::of::<PaymentCaptured>(),
    EventSpec::of::<PaymentVoided>(),
    EventSpec::of::<PaymentRefunded>(),
];

/// The service.
#[derive(Debug)]
pub struct Payments;

impl Service for Payments {
    const SPEC: Spec = Spec {
        name: "payments",
        about: "Authorising, capturing and giving back money through a provider",
        owns: &["payments"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = PaymentsConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
