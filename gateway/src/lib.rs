#![doc = include_str!("../README.md")]

mod bff;
mod config;
mod docs;
mod headers;
mod index;
mod origin;
mod proxy;
mod routes;
mod upgrade;

pub use config::GatewayConfig;

use axum::Router;
use bff::Bff;
use chassis::service::{Context, Parts, Service, Spec};
use upgrade::Tunnels;
use utoipa::openapi::OpenApi;

/// The one door.
#[derive(Debug)]
pub struct Gateway;

impl Service for Gateway {
    const SPEC: Spec = Spec {
        name: "gateway",
        about: "The one door: routes every request to its service, in process or by URL",
        door: true,
        owns: &["bff"],
        well_known: &[],
        needs: &["auth"],
        database: None,
        events: &[],
        openapi: own,
    };

    type Config = GatewayConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let (pages, _) = bff::routes().with_state(Bff::new(&context, &config)?).split_for_parts();
        let tunnels = Tunnels::new(&context, &config);
        let mut router = Router::new()
            .merge(routes::router(&context, &tunnels))
            .merge(index::router(&context, &config))
            .merge(pages);
        if config.docs {
            router = router.merge(docs::router(&context)?);
        }
        Ok(Parts::new(router).worker("tunnels", |stop| tunnels.look_after(stop)))
    }
}

/// What the gateway itself answers, which the services' parts are merged into.
fn own() -> OpenApi {
    bff::routes().into_openapi()
}
