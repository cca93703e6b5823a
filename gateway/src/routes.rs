//! The table of routes: every noun of every service, to its peer.

use crate::origin::Origins;
use crate::proxy::{self, Upstream};
use crate::upgrade::{Tunnels, Upgrades};
use axum::Router;
use axum::routing::any;
use chassis::http::API_VERSIONS;
use chassis::service::Context;
use std::sync::Arc;

pub(crate) fn router(context: &Context, tunnels: &Arc<Tunnels>) -> Router {
    let origins = Origins::new(&context.http().allowed_origins, context.public_url());
    let mut router = Router::new();
    for spec in context.all_services().iter().filter(|spec| !spec.door) {
        let upgrades = Upgrades::new(spec.name, tunnels.clone(), origins.clone());
        let (peer, stop) = (context.peer(spec.name), context.stop().clone());
        let upstream = Arc::new(Upstream::new(spec.name, peer, upgrades, stop));
        let to = |upstream: &Arc<Upstream>| any(proxy::forward).with_state(upstream.clone());
        for noun in spec.owns {
            for version in API_VERSIONS {
                router = router
                    .route(&format!("/api/v{version}/{noun}"), to(&upstream))
                    .route(&format!("/api/v{version}/{noun}/{{*path}}"), to(&upstream));
            }
        }
        for path in spec.well_known {
            router = router.route(path, to(&upstream));
        }
    }
    router
}
