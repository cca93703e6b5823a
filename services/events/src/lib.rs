#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::EventsConfig;

use chassis::service::{Context, Parts, Service, Spec};

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
        database: None,
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = EventsConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
