#![doc = include_str!("../README.md")]

mod access;
mod aggregate;
mod bff;
mod cache;
mod config;
mod docs;
mod door;
pub mod explain;
mod headers;
mod index;
mod keys;
mod live;
mod oidc;
mod origin;
mod proxy;
mod rollout;
mod route;
mod routes;
mod table;
mod upgrade;
pub mod upstream;

pub use config::GatewayConfig;

use access::Guards;
use axum::Router;
use bff::Bff;
use cache::ResponseCache;
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use door::Door;
use explain::Explainer;
use keys::Keys;
use live::Channel;
use oidc::Providers;
use origin::Origins;
use proxy::Upstream;
use rollout::Rollouts;
use routes::Services;
use std::sync::Arc;
use upgrade::{Tunnels, Upgrades};
use utoipa::openapi::OpenApi;

/// The tables of the live channel, of API keys and of roll-outs.
const MIGRATIONS: Migrations = chassis::migrations!();

/// The one door.
#[derive(Debug)]
pub struct Gateway;

impl Service for Gateway {
    const SPEC: Spec = Spec {
        name: "gateway",
        about: "The one door: routes every request to its service, in process or by URL",
        door: true,
        owns: &["bff", "ws", "stream", "gateway"],
        well_known: &[],
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: &[],
        openapi: own,
    };

    type Config = GatewayConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let (pages, _) = bff::routes().with_state(Bff::new(&context, &config)?).split_for_parts();
        let origins = Origins::new(&context.http().allowed_origins, context.public_url());
        let keys = Keys::open(&context, &config).await?;
        let tunnels = Tunnels::new(&context, &config, keys.clone());
        let services = services(&context, &tunnels, &origins);
        let providers = Providers::open(&context, &config, &origins)?;
        let guards = Guards::new(keys.clone(), providers.clone(), origins.clone());
        let cache = ResponseCache::new(config.cache_bytes, context.clock().clone(), &context.state());
        let rollouts = Rollouts::open(&context)?;
        let ground =
            route::Ground::new(&context, guards, &services, (&tunnels, &origins), (&cache, &rollouts));
        let door = Door::open(&config, ground).await?;
        rollouts.begin().await;
        let channel = Channel::open(&context, &config).await?;
        let (told, _) = live::routes().with_state(channel.clone()).split_for_parts();
        let (purges, _) = cache::routes().with_state(cache.clone()).split_for_parts();
        let (managing, _) = keys::routes().with_state(keys.clone()).split_for_parts();
        let (logins, _) = oidc::routes().with_state(providers).split_for_parts();
        let (explaining, _) =
            explain::asked().with_state(Explainer::new(&context, door.clone())).split_for_parts();
        let (rolling, _) = rollout::routes().with_state(rollouts.clone()).split_for_parts();
        let mut router = Router::new()
            .merge(rolling)
            .merge(managing)
            .merge(purges)
            .merge(logins)
            .merge(explaining)
            .merge(routes::router(&context, &services))
            .merge(index::router(&context, &config))
            .merge(pages)
            .merge(told);
        if config.docs {
            router = router.merge(docs::router(&context)?);
        }
        let parts = Parts::new(router).worker("tunnels", |stop| tunnels.look_after(stop));
        let parts = parts.worker("rollouts", |stop| rollouts.follow(stop));
        let parts = parts.worker("response-cache", |stop| cache.look_after(stop));
        let parts = match door {
            Some(door) => parts.lane(door.clone()).worker("routes", |stop| door.follow(stop)),
            None => parts,
        };
        Ok(keys.declare(channel.declare(parts)))
    }
}

/// The services behind the door.
fn services(context: &Context, tunnels: &Arc<Tunnels>, origins: &Origins) -> Services {
    let behind = context.all_services().iter().filter(|spec| !spec.door);
    let upstream = |name| {
        let upgrades = Upgrades::new(name, tunnels.clone(), origins.clone());
        Arc::new(Upstream::new(name, context.peer(name), upgrades, context.stop().clone()))
    };
    behind.map(|spec| (spec.name, upstream(spec.name))).collect()
}

/// What the gateway itself answers, which the services' parts are merged into.
fn own() -> OpenApi {
    let mut own = bff::routes().into_openapi();
    own.merge(live::routes().into_openapi());
    own.merge(keys::routes().into_openapi());
    own.merge(rollout::routes().into_openapi());
    own.merge(cache::routes().into_openapi());
    own.merge(oidc::routes().into_openapi());
    own.merge(explain::asked().into_openapi());
    own
}
