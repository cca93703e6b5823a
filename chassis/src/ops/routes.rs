//! The routes of the operations listener.

use super::OpsState;
use super::access::Access;
use super::answer::{Refusal, json};
use crate::clock::Ts;
use crate::config::Mode;
use crate::durability::{Board, Held};
use crate::flags::Flags;
use crate::health::ReadyState;
use crate::invariant::Books;
use crate::jobs;
use crate::peer;
use crate::telemetry;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use contract::audit::Finding;
use contract::error::ErrorCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// No change that can be asked for is longer.
const BODY_BYTES: usize = 4 * 1024;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a request came from; set by the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// What runs here.
#[derive(Debug, Clone)]
pub struct Info {
    /// The name of the program.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// When the process started.
    pub started_at: Ts,
    /// The services that run in this process.
    pub targets: Vec<String>,
    /// What stands behind them: `database` is `sqlite`, and so on. No addresses.
    pub engines: BTreeMap<&'static str, String>,
    /// What really survives what.
    pub durability: Board,
    /// How the peers are.
    pub peers: peer::Board,
    /// How jobs stand.
    pub jobs: jobs::Board,
    /// What must hold over everything that the services keep.
    pub books: Books,
    /// What flags are set to.
    pub flags: Flags,
}

struct Shared {
    state: OpsState,
    access: Access,
    auditing: tokio::sync::Mutex<()>,
}

pub(super) fn router(state: OpsState, token: Option<SecretString>) -> Router {
    let access = Access::new(token, state.mode);
    let routes = Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/info", get(info))
        .route("/jobs", get(jobs))
        .route("/audit", get(audit))
        .route("/log-level", get(log_level).put(set_log_level))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(map_response(never_stored));
    routes.with_state(Arc::new(Shared { state, access, auditing: tokio::sync::Mutex::default() }))
}

async fn health() -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    json(StatusCode::OK, &Health { status: "ok" })
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let report = shared.state.readiness.evaluate().await;
    let ready = report.status == ReadyState::Ready;
    json(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &report)
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let page = shared.state.telemetry.metrics.page(shared.state.readiness.runtime());
    ([(CONTENT_TYPE, HeaderValue::from_static(telemetry::CONTENT_TYPE))], page).into_response()
}

async fn info(State(shared): State<Arc<Shared>>) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer<'a> {
        name: &'a str,
        version: &'a str,
        commit: Option<&'a str>,
        started_at: Ts,
        uptime_seconds: u64,
        mode: &'a str,
        targets: &'a [String],
        engines: &'a BTreeMap<&'static str, String>,
        durability: Vec<Held>,
        peers: Vec<peer::Seen>,
        flags: BTreeMap<&'static str, String>,
    }
    let OpsState { info, mode, clock, .. } = &shared.state;
    let answer = Answer {
        name: info.name,
        version: info.version,
        commit: telemetry::COMMIT,
        started_at: info.started_at,
        uptime_seconds: clock.now().since(info.started_at).as_secs(),
        mode: Mode::as_str(*mode),
        targets: &info.targets,
        engines: &info.engines,
        durability: info.durability.read(),
        peers: info.peers.read(),
        flags: info.flags.read(),
    };
    json(StatusCode::OK, &answer)
}

async fn jobs(State(shared): State<Arc<Shared>>) -> Response {
    json(StatusCode::OK, &shared.state.info.jobs.read())
}

/// Looks at the books. One audit at a time: it reads everything.
async fn audit(State(shared): State<Arc<Shared>>) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        holds: bool,
        findings: Vec<Finding>,
    }
    let Ok(_alone) = shared.auditing.try_lock() else {
        let refusal =
            Refusal::new(ErrorCode::Unavailable, "The books are being looked at; ask again in a moment.");
        return refusal.into_response(shared.state.clock.now());
    };
    let books = shared.state.info.books.clone();
    // Where the pools live; and it ends with the one who asks.
    let runtime = shared.state.readiness.runtime();
    let audit = AbortOnDropHandle::new(runtime.spawn(async move { books.audit().await }));
    let Ok(findings) = audit.await else {
        let refusal = Refusal::new(ErrorCode::Internal, "The books cannot be looked at; the log says why.");
        return refusal.into_response(shared.state.clock.now());
    };
    json(StatusCode::OK, &Answer { holds: findings.iter().all(Finding::holds), findings })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogLevel {
    level: String,
}

async fn log_level(State(shared): State<Arc<Shared>>) -> Response {
    json(StatusCode::OK, &LogLevel { level: shared.state.telemetry.level.get() })
}

async fn set_log_level(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    match change_log_level(&shared, request).await {
        Ok(level) => json(StatusCode::OK, &level),
        Err(refusal) => refusal.into_response(shared.state.clock.now()),
    }
}

async fn change_log_level(shared: &Shared, request: Request) -> Result<LogLevel, Refusal> {
    let peer = request.extensions().get().copied().unwrap_or(Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    shared.access.check(request.headers(), peer.0)?;
    let wanted: LogLevel = body(request).await?;
    let level = &shared.state.telemetry.level;
    let before = level.get();
    level.set(&wanted.level).map_err(|error| Refusal::field("level", error.to_string()))?;
    tracing::info!(before, now = wanted.level, peer = %peer.0, "the log level was changed");
    Ok(wanted)
}

async fn not_found(State(shared): State<Arc<Shared>>) -> Response {
    let refusal = Refusal::new(ErrorCode::NotFound, "The operations listener has no such route.");
    refusal.into_response(shared.state.clock.now())
}

async fn method_not_allowed(State(shared): State<Arc<Shared>>) -> Response {
    let refusal = Refusal::new(ErrorCode::MethodNotAllowed, "The route does not know this method.");
    refusal.into_response(shared.state.clock.now())
}

async fn never_stored(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The body as JSON. Asking for the content type keeps out forms that a foreign page could send.
async fn body<T: serde::de::DeserializeOwned>(request: Request<Body>) -> Result<T, Refusal> {
    if !is_json(request.headers()) {
        let message = "The body must be application/json.";
        return Err(Refusal::new(ErrorCode::UnsupportedMediaType, message));
    }
    let slow = |_| Refusal::new(ErrorCode::RequestTimeout, "The body did not arrive in time.");
    let large = |_| Refusal::new(ErrorCode::PayloadTooLarge, "The body is too large or broke off.");
    let bytes = timeout(BODY_TIMEOUT, to_bytes(request.into_body(), BODY_BYTES))
        .await
        .map_err(slow)?
        .map_err(large)?;
    serde_json::from_slice(&bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            Refusal::field("", "must be an object with the text `level` alone")
        }
        _ => Refusal::new(ErrorCode::MalformedJson, "The body is not well-formed JSON."),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}
