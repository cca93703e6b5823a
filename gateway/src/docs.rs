//! The API described: one OpenAPI document of all services that answer, and a page that lets one try it.
//!
//! The parts are asked from the services, in process or over HTTP, and kept for some seconds; who asks a little later gets
//! the older document at once while a new one is made. A service that is away is left out and named in the document's
//! description.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::cache::{Cache, LoadFailed, Policy};
use chassis::error::{ApiError, ApiResult};
use chassis::http::etag;
use chassis::peer::Peer;
use chassis::service::Context;
use futures_util::future::join_all;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderValue};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use utoipa::openapi::{OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// How long the document is kept before the services are asked again.
const KEPT: Duration = Duration::from_secs(10);
/// How long after that the older one is still given out while they are asked.
const MEANWHILE: Duration = Duration::from_secs(60);
/// How long one service may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the page needs beyond nothing: its own scripts and styles, and calls to this host.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// The gateway's own part: what the services' parts are merged into.
pub(crate) fn own() -> OpenApi {
    chassis::openapi::document("Bowline", "One API of all services.")
}

#[derive(Clone)]
struct Docs {
    peers: Arc<[(&'static str, Option<Peer>)]>,
    kept: Cache<Document>,
}

/// The document as it is sent, and what tells it from another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    json: String,
    version: u64,
}

pub(crate) fn router(context: &Context) -> anyhow::Result<Router> {
    let services = context.all_services().iter().filter(|spec| !spec.door);
    let peers = services.map(|spec| (spec.name, context.peer(spec.name))).collect();
    // What one instance reaches another may not: the document is each one's own.
    let policy = Policy::of(KEPT).stale_for(MEANWHILE).in_process().max_entries(1).public(Duration::ZERO);
    let docs = Docs { peers, kept: context.cache("openapi", policy)? };
    let page: Router =
        SwaggerUi::new("/docs").config(Config::from("/openapi.json").persist_authorization(true)).into();
    let page = page.layer(axum::middleware::map_response(allow_page));
    Ok(Router::new().route("/openapi.json", get(document)).with_state(docs).merge(page))
}

async fn allow_page(mut response: Response) -> Response {
    if !response.status().is_success() && !response.status().is_redirection() {
        // Its own refusals are not of the common shape.
        return ApiError::not_found("page").into_response();
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

async fn document(State(docs): State<Docs>) -> ApiResult<impl IntoResponse> {
    let asked = docs.clone();
    let document = docs.kept.get_or_load("all", move || async move { asked.make().await }).await?;
    let document = document.ok_or_else(|| ApiError::not_found("description"))?;
    let (caching, Document { json, version }) = (document.caching(), document.into_inner());
    let version = etag::of(format_args!("{version:016x}"));
    Ok((caching, [(ETAG, version), (CONTENT_TYPE, HeaderValue::from_static("application/json"))], json))
}

impl Docs {
    async fn make(&self) -> Result<Option<Document>, LoadFailed> {
        let json = self.ask().await.to_json().map_err(LoadFailed::failed)?;
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        Ok(Some(Document { json, version: hasher.finish() }))
    }

    async fn ask(&self) -> OpenApi {
        let asked = self.peers.iter().map(|(name, peer)| async move {
            let caller = peer.as_ref()?.caller();
            let path = format!("/internal/v1/{name}/openapi");
            timeout(PATIENCE, caller.get::<OpenApi>(&path)).await.ok()?.ok()
        });
        let parts = join_all(asked).await;
        let mut document = own();
        let mut away = Vec::new();
        for ((name, _), part) in self.peers.iter().zip(parts) {
            match part {
                Some(part) => document.merge(part),
                None => away.push(*name),
            }
        }
        if away.is_empty() {
            return document;
        }
        let mut info = document.info.clone();
        info.description = Some(format!("One API of all services. Not reachable now: {}.", away.join(", ")));
        OpenApiBuilder::from(document).info(info).build()
    }
}
