#![doc = include_str!("../README.md")]

mod config;
mod docs;
mod headers;
mod index;
mod proxy;
mod routes;

pub use config::GatewayConfig;

use axum::Router;
use chassis::service::{Context, Parts, Service, Spec};

/// The one door.
#[derive(Debug)]
pub struct Gateway;

impl Service for Gateway {
    const SPEC: Spec = Spec {
        name: "gateway",
        about: "The one door: routes every request to its service, in process or by URL",
        door: true,
        owns: &[],
        well_known: &[],
        needs: &["auth"],
        database: None,
        events: &[],
        openapi: docs::own,
    };

    type Config = GatewayConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let mut router =
            Router::new().merge(routes::router(&context)).merge(index::router(&context, &config));
        if config.docs {
            router = router.merge(docs::router(&context)?);
        }
        Ok(Parts::new(router))
    }
}
