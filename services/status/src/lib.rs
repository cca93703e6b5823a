#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::StatusConfig;

use chassis::service::{Context, Parts, Service, Spec};

/// The service.
#[derive(Debug)]
pub struct Status;

impl Service for Status {
    const SPEC: Spec = Spec {
        name: "status",
        about: "How the platform is: alerts, incidents, uptime",
        owns: &["status"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: None,
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = StatusConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
