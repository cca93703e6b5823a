//! The API described: one OpenAPI document of all services that answer, and a page that lets one try it.
//!
//! The parts are asked from the services, in process or over HTTP, and kept for some seconds; a service that is away
//! is left out and named in the document's description.

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use chassis::error::{ApiError, ApiResult};
use chassis::peer::Peer;
use chassis::service::Context;
use futures_util::future::join_all;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa::openapi::{OpenApi, OpenApiBuilder};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// How long the document is kept before the services are asked again.
const KEPT: Duration = Duration::from_secs(10);
/// How long one service may take to describe itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the page needs beyond nothing: its own scripts and styles, and calls to this host.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// The gateway's own part: what the services' parts are merged into.
pub(crate) fn own() -> OpenApi {
    chassis::openapi::document("Bowline", "One API of all services.")
}

struct Docs {
    peers: Vec<(&'static str, Option<Peer>)>,
    kept: ArcSwapOption<(Instant, Bytes)>,
    asking: Mutex<()>,
}

pub(crate) fn router(context: &Context) -> Router {
    let services = context.all_services().iter().filter(|spec| !spec.door);
    let peers = services.map(|spec| (spec.name, context.peer(spec.name))).collect();
    let docs = Arc::new(Docs { peers, kept: ArcSwapOption::empty(), asking: Mutex::new(()) });
    let page: Router =
        SwaggerUi::new("/docs").config(Config::from("/openapi.json").persist_authorization(true)).into();
    let page = page.layer(axum::middleware::map_response(allow_page));
    Router::new().route("/openapi.json", get(document)).with_state(docs).merge(page)
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

async fn document(State(docs): State<Arc<Docs>>) -> ApiResult<impl IntoResponse> {
    let document = docs.current().await?;
    Ok(([(CACHE_CONTROL, "no-cache"), (CONTENT_TYPE, "application/json")], document))
}

impl Docs {
    /// The document as it is sent: whoever asks for it often makes it no more often.
    async fn current(&self) -> ApiResult<Bytes> {
        if let Some(kept) = self.fresh() {
            return Ok(kept);
        }
        let _one_asks = self.asking.lock().await;
        if let Some(kept) = self.fresh() {
            return Ok(kept);
        }
        let document = self.ask().await.to_json().map_err(ApiError::internal)?;
        let document = Bytes::from(document);
        self.kept.store(Some(Arc::new((Instant::now(), document.clone()))));
        Ok(document)
    }

    fn fresh(&self) -> Option<Bytes> {
        let kept = self.kept.load_full()?;
        (kept.0.elapsed() < KEPT).then(|| kept.1.clone())
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
