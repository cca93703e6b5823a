//! The page at `/`: where to look next.

use crate::config::GatewayConfig;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use chassis::http::reply;
use chassis::service::Context;
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    name: &'static str,
    services: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docs: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openapi: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
}

pub(crate) fn router(context: &Context, config: &GatewayConfig) -> Router {
    let services = context.all_services().iter().filter(|spec| !spec.door);
    let index = Index {
        name: "bowline",
        services: services.map(|spec| Listed { name: spec.name, about: spec.about }).collect(),
        docs: config.docs.then_some("/docs"),
        openapi: config.docs.then_some("/openapi.json"),
    };
    Router::new().route("/", get(show)).with_state(Arc::new(index))
}

async fn show(State(index): State<Arc<Index>>) -> impl IntoResponse {
    reply(index)
}
