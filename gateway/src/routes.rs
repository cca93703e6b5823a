//! The built-in routes: every noun of every service, to its peer.

use crate::proxy::{self, Upstream};
use axum::Router;
use axum::routing::any;
use chassis::http::API_VERSIONS;
use chassis::service::Context;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The services behind the door, by name.
pub(crate) type Services = BTreeMap<&'static str, Arc<Upstream>>;

pub(crate) fn router(context: &Context, services: &Services) -> Router {
    let mut router = Router::new();
    for spec in context.all_services() {
        let Some(upstream) = services.get(spec.name) else { continue };
        let to = |upstream: &Arc<Upstream>| any(proxy::forward).with_state(upstream.clone());
        for noun in spec.owns {
            for version in API_VERSIONS {
                router = router
                    .route(&format!("/api/v{version}/{noun}"), to(upstream))
                    .route(&format!("/api/v{version}/{noun}/{{*path}}"), to(upstream));
            }
        }
        for path in spec.well_known {
            router = router.route(path, to(upstream));
        }
    }
    router
}
