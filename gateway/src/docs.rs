//! The API described: one OpenAPI document of all services that answer, and a page that lets one try it.
//!
//! The parts are asked from the services, in process or over HTTP, and kept for some seconds; who asks a little later gets
//! the older document at once while a new one is made. A service that is away is described as it was last, or left out, and
//! named in the document's description.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chassis::cache::{Cache, LoadFailed, Policy};
use chassis::error::{ApiError, ApiResult};
use chassis::http::etag;
use chassis::peer::{Answer, Fallback, Peer};
use chassis::service::Context;
use contract::client::CallError;
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
/// How long a service that is away is described as it was.
const AS_IT_WAS: Duration = Duration::from_secs(3_600);
/// What the page needs beyond nothing: its own scripts and styles, and calls to this host.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

#[derive(Clone)]
struct Docs {
    services: Arc<[Described]>,
    kept: Cache<Document>,
}

/// A service and how it described itself last.
struct Described {
    name: &'static str,
    peer: Option<Peer>,
    last: Fallback<Option<Arc<OpenApi>>>,
}

/// The document as it is sent, and what tells it from another one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    json: String,
    version: u64,
}

pub(crate) fn router(context: &Context) -> anyhow::Result<Router> {
    let services = context.all_services().iter().filter(|spec| !spec.door);
    let described = |name| Described { name, peer: context.peer(name), last: Fallback::new(AS_IT_WAS) };
    let services = services.map(|spec| described(spec.name)).collect();
    // What one instance reaches another may not: the document is each one's own.
    let policy = Policy::of(KEPT).stale_for(MEANWHILE).in_process().max_entries(1).public(Duration::ZERO);
    let docs = Docs { services, kept: context.cache("openapi", policy)? };
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
        let answers = join_all(self.services.iter().map(Described::ask)).await;
        let mut document = crate::own();
        let (mut as_they_were, mut away) = (Vec::new(), Vec::new());
        for (service, answer) in self.services.iter().zip(answers) {
            if answer.is_degraded() {
                away.push(service.name);
            }
            if matches!(answer, Answer::Stale(..)) {
                as_they_were.push(service.name);
            }
            if let Some(part) = answer.into_inner() {
                document.merge(Arc::unwrap_or_clone(part));
            }
        }
        if away.is_empty() {
            return document;
        }
        let mut about = format!("One API of all services. Not reachable now: {}.", away.join(", "));
        if !as_they_were.is_empty() {
            about.push_str(&format!(" Described as they were: {}.", as_they_were.join(", ")));
        }
        let mut info = document.info.clone();
        info.description = Some(about);
        OpenApiBuilder::from(document).info(info).build()
    }
}

impl Described {
    async fn ask(&self) -> Answer<Option<Arc<OpenApi>>> {
        let Some(peer) = &self.peer else { return Answer::Degraded(None) };
        let path = format!("/internal/v1/{}/openapi", self.name);
        let caller = peer.caller().hedged();
        let call = async {
            let asked = timeout(PATIENCE, caller.get::<OpenApi>(&path)).await;
            asked.unwrap_or(Err(CallError::Deadline)).map(|part| Some(Arc::new(part)))
        };
        // One that answers and has no description is left out like one that is away.
        self.last.ask(call, |_| None).await.unwrap_or(Answer::Degraded(None))
    }
}
