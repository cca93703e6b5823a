//! Two tiny services that do what a test needs: `things` has routes of every kind, `relay` calls it as a peer.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::error::{ApiError, ApiResult};
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, Json, Page, Path, Query, SortKey, created, no_content, reply};
use chassis::identity::{Can, MaybePrincipal, Principal, ServiceCaller, permits};
use chassis::peer::Peer;
use chassis::service::{Context, Parts, Service, Spec};
use chassis::telemetry::{self, Telemetry, TelemetryConfig};
use contract::client::CallError;
use contract::error::ErrorCode;
use contract::ids::UserId;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::dispatcher::DefaultGuard;

/// What must never be found outside of where it was put.
pub(crate) const SECRET: &str = "hunter2-hunter2";

settings! {
    /// A service under test.
    pub struct NoConfig {}
}

impl Validate for NoConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

pub(crate) const fn spec(
    name: &'static str,
    owns: &'static [&'static str],
    needs: &'static [&'static str],
) -> Spec {
    Spec {
        name,
        about: "A service under test",
        owns,
        well_known: &[],
        door: false,
        needs,
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("A service", "Under test."),
    }
}

pub(crate) struct Things;

impl Service for Things {
    const SPEC: Spec = spec("things", &["things"], &[]);
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        let router = Router::new()
            .route("/api/v1/things", get(list).post(make))
            .route(
                "/api/v1/things/{id}",
                get(show).put(change).delete(|_: Path<UserId>| async { no_content() }),
            )
            .route("/api/v1/things/{id}/parts/{number}", get(|_: Path<(UserId, u32)>| async { reply(()) }))
            .route("/api/v1/things/slow", get(std::future::pending::<()>))
            .route("/api/v1/things/gate", get(gate))
            .route("/api/v1/things/panic", get(panics))
            .route("/api/v1/things/failing", get(failing))
            .route("/api/v1/things/away", get(away))
            .route("/api/v1/things/long", get(|| async { reply("a long text ".repeat(1_000)) }))
            .route("/api/v1/things/short", get(|| async { reply("short") }))
            .route("/api/v1/things/kept", get(kept))
            .route("/api/v1/things/stream", get(stream))
            .route("/api/v1/things/flood", get(flood))
            .route("/api/v1/things/open", get(|| async { ([("access-control-allow-origin", "*")], "open") }))
            .route("/api/v1/things/raw", post(raw))
            .route("/api/v1/things/context", get(context).post(context))
            .route("/api/v1/things/me", get(|who: Principal| async move { reply(who.user()) }))
            .route("/api/v1/things/maybe", get(maybe))
            .route("/api/v1/things/admin", get(|_: Can<permits::ManageUsers>| async { reply("in") }))
            .route("/internal/v1/things/closed", get(|who: ServiceCaller| async move { reply(who.0) }))
            .route("/internal/v1/things/forgotten", get(|| async { reply("no extractor asks who it is") }));
        Ok(Parts::new(router))
    }
}

#[derive(Debug, Deserialize, garde::Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListThings {
    #[serde(default = "one")]
    #[garde(range(min = 1))]
    page: u32,
    #[serde(default = "one")]
    #[garde(range(min = 1, max = 100))]
    limit: u32,
    #[serde(default)]
    #[garde(skip)]
    sort: Option<String>,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Name,
}

impl SortKey for Key {
    const KEYS: &'static [(&'static str, Self)] = &[("name", Self::Name)];
}

async fn list(Query(query): Query<ListThings>) -> ApiResult<impl IntoResponse> {
    let sort = query.sort.as_deref().map(Key::parse).transpose()?;
    let page = Page::new(query.page, query.limit);
    let sorted = sort.map(|(Key::Name, descending)| if descending { "name, last first" } else { "name" });
    Ok(reply(vec![sorted.unwrap_or("as it comes")]).page(page.of(45)))
}

#[derive(Debug, Serialize, Deserialize, garde::Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewThing {
    #[garde(length(chars, min = 1, max = 10))]
    name: String,
    #[garde(range(min = 1))]
    unit_price: u32,
    #[serde(default)]
    #[garde(dive)]
    tags: Vec<Tag>,
    #[serde(default)]
    #[garde(skip)]
    password: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, garde::Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Tag {
    #[garde(length(min = 1))]
    label: String,
}

async fn make(Json(thing): Json<NewThing>) -> impl IntoResponse {
    created("/api/v1/things/1", json!({ "name": thing.name, "unitPrice": thing.unit_price }))
}

async fn show(Path(id): Path<UserId>) -> impl IntoResponse {
    reply(json!({ "id": id })).version(7)
}

async fn change(_: Path<UserId>, seen: IfMatch) -> ApiResult<impl IntoResponse> {
    seen.check(7)?;
    Ok(reply("changed").version(8))
}

/// Lets requests of [`Things`] through its gate, each permit one.
pub(crate) static GATE: Semaphore = Semaphore::const_new(0);

async fn gate() -> ApiResult<impl IntoResponse> {
    GATE.acquire().await.map_err(ApiError::internal)?.forget();
    Ok(reply("through"))
}

async fn panics() -> Response {
    panic!("the secret is {SECRET}")
}

async fn failing() -> ApiError {
    let cause = anyhow::anyhow!("it is {SECRET}").context("while looking");
    ApiError::internal(cause)
}

async fn away() -> ApiError {
    ApiError::unavailable(anyhow::anyhow!("no {SECRET}"), Duration::from_millis(1_200))
}

async fn kept() -> impl IntoResponse {
    ([("cache-control", "public, max-age=60")], reply("kept ".repeat(200)).version(1))
}

/// A first piece at once, and never another.
async fn stream() -> Response {
    let pieces = futures_util::stream::once(async { Ok::<_, std::io::Error>("first piece\n") });
    Response::new(Body::from_stream(pieces.chain(futures_util::stream::pending())))
}

/// Gives as much as is taken, and never ends.
async fn flood() -> Response {
    let piece = bytes::Bytes::from(vec![b'x'; 64 * 1024]);
    Response::new(Body::from_stream(futures_util::stream::repeat(piece).map(Ok::<_, std::io::Error>)))
}

async fn raw(body: Body) -> ApiResult<String> {
    let mut stream = body.into_data_stream();
    let mut length = 0;
    while let Some(piece) = stream.next().await {
        length += piece
            .map_err(|error| match chassis::http::BodyFault::of(&error) {
                Some(fault) => fault.into(),
                None => ApiError::internal(error),
            })?
            .len();
    }
    Ok(length.to_string())
}

async fn maybe(MaybePrincipal(who): MaybePrincipal) -> impl IntoResponse {
    reply(who.map(|who| who.user()))
}

/// What the service knows about a request.
async fn context(cx: Cx, headers: http::HeaderMap) -> impl IntoResponse {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok().map(str::to_owned));
    reply(json!({
        "requestId": cx.request_id,
        "correlationId": cx.correlation_id,
        "traceId": cx.trace.trace_id().to_string(),
        "clientIp": cx.client_ip,
        "callingService": cx.calling_service,
        "secure": cx.secure,
        "clientCert": cx.client_cert.as_ref().and_then(|client| client.common_name.clone()),
        "user": cx.principal().map(|who| who.user()),
        "remainingMs": u64::try_from(cx.remaining().as_millis()).unwrap_or(u64::MAX),
        "userAgent": cx.user_agent,
        "xUserId": header("x-user-id"),
    }))
}

pub(crate) struct Relay;

impl Service for Relay {
    const SPEC: Spec = spec("relay", &["relay"], &["things"]);
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let things = context.peer("things").unwrap();
        Ok(Parts::new(Router::new().route("/api/v1/relay", get(relay).post(relay)).with_state(things)))
    }
}

#[derive(Debug, Deserialize, garde::Validate)]
struct Whither {
    #[garde(skip)]
    path: String,
    /// How the call is made: `hedged`, `waiting`, or with a key.
    #[serde(default)]
    #[garde(skip)]
    manner: String,
}

/// Calls the peer by the method of the request, and says how it went.
async fn relay(
    State(things): State<Peer>,
    cx: Cx,
    method: http::Method,
    query: Query<Whither>,
) -> ApiResult<Response> {
    let own = json!({ "requestId": cx.request_id, "correlationId": cx.correlation_id,
                      "traceId": cx.trace.trace_id().to_string() });
    let Whither { path, manner } = query.0;
    let caller = things.caller();
    let caller = match &*manner {
        "" => caller,
        "hedged" => caller.hedged(),
        "waiting" => caller.waiting(),
        key => caller.keyed(key).map_err(ApiError::internal)?,
    };
    let body = (method == http::Method::POST).then_some(json!({ "some": "thing" }));
    let called = caller.call::<_, Value>(method, &path, body.as_ref()).await;
    Ok(match called {
        Ok(data) => reply(json!({ "own": own, "peer": data })).into_response(),
        Err(CallError::Refused(error)) => reply(json!({ "refused": error.code })).into_response(),
        Err(CallError::Unreachable(why)) => {
            return Err(ApiError::unavailable(anyhow::anyhow!(why), Duration::from_secs(1)));
        }
        Err(CallError::Deadline) => {
            return Err(ApiError::new(ErrorCode::DeadlineExceeded, "The peer is slow."));
        }
        Err(error) => {
            return Err(ApiError::new(ErrorCode::BadGateway, "The peer talks nonsense.").cause(error));
        }
    })
}

/// Everything that was logged on this thread while it lives.
pub(crate) struct Lines {
    written: Arc<Mutex<Vec<u8>>>,
    pub(crate) telemetry: Telemetry,
    _guard: DefaultGuard,
}

impl Lines {
    /// Captures at this level; metrics are gathered from then on.
    pub(crate) fn capture(level: &str) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&written);
        let config = TelemetryConfig { log_level: level.to_owned(), ..TelemetryConfig::default() };
        let sink: telemetry::Sink = Arc::new(move |line| sink.lock().unwrap().extend_from_slice(line));
        let (dispatch, telemetry) = telemetry::scoped(&config, "0.0.0", sink).unwrap();
        Self { written, telemetry, _guard: tracing::dispatcher::set_default(&dispatch) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    /// The access lines, parsed.
    pub(crate) fn access(&self) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == "access").collect()
    }

    /// The value of a metric with these labels, `name{a="b"}`; `None` when it was not recorded.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> Option<f64> {
        let page = self.telemetry.metrics.page(&tokio::runtime::Handle::current());
        let line = page
            .lines()
            .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))?;
        line.rsplit(' ').next()?.parse().ok()
    }
}
