//! A gateway with one tiny service behind it, in the same process, behind a socket, or played by a test.

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{BodyFault, Cx, Path, reply};
use chassis::identity::{MaybePrincipal, Principal, ServiceCaller};
use chassis::service::{Context, Parts, Service, Spec};
use gateway::Gateway;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use testkit::{Answer, Client, FakeAuth, Issuer, Listening, RawPeer, Setup, TestService, eventually};

const KEY: &str = "a-service-key-for-tests-that-is-long-enough";
/// Where nobody listens.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

settings! {
    /// A service under test.
    pub struct NoConfig {}
}

impl Validate for NoConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// The service behind the door.
pub(crate) struct Things;

impl Service for Things {
    const SPEC: Spec = Spec {
        name: "things",
        about: "Things under test",
        owns: &["things"],
        well_known: &["/.well-known/things"],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || {
            let mut document = chassis::openapi::document("Things", "Under test.");
            document.paths.add_path_operation(
                "/api/v1/things",
                vec![utoipa::openapi::HttpMethod::Get],
                utoipa::openapi::path::Operation::new(),
            );
            document
        },
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        let router = Router::new()
            .route("/api/v1/things", get(seen).post(seen))
            .route("/api/v1/things/a/b", get(seen))
            .route("/api/v1/things/by/{id}", get(|id: Path<u32>| async move { reply(id.0) }))
            .route(
                "/api/v1/things/by/{id}/{other}",
                get(|both: Path<(u32, u32)>| async move { reply(both.0) }),
            )
            .route("/api/v1/things/me", get(|who: Principal| async move { reply(who.user()) }))
            .route("/api/v1/things/tagged", get(|| async { reply("x".repeat(2_000)).version(3) }))
            .route("/api/v1/things/slow", get(std::future::pending::<()>))
            .route("/api/v1/things/panic", get(panics))
            .route("/api/v1/things/length", post(length))
            .route("/api/v1/things/ws", get(echo))
            .route(
                "/api/v1/things/ws/mine",
                get(|_: Principal, upgrade: WebSocketUpgrade| echo(MaybePrincipal(None), upgrade)),
            )
            .route("/.well-known/things", get(seen))
            .route("/internal/v1/things/closed", get(|_: ServiceCaller| async { reply("the inside") }));
        Ok(Parts::new(router))
    }
}

/// Says first who is there, then everything that it hears, until it is told to leave.
async fn echo(MaybePrincipal(who): MaybePrincipal, upgrade: WebSocketUpgrade) -> Response {
    let greeting = who.map_or_else(|| "nobody".to_owned(), |who| who.user().to_string());
    upgrade.protocols(["chat"]).on_upgrade(async move |mut socket| {
        let mut next = Message::text(greeting);
        while socket.send(next).await.is_ok() {
            match socket.recv().await {
                Some(Ok(Message::Text(text))) if text == "leave" => return,
                // Its answer goes out when it is asked for what comes next.
                Some(Ok(Message::Close(_))) => return drop(socket.recv().await),
                Some(Ok(message)) => next = message,
                Some(Err(_)) | None => return,
            }
        }
    })
}

async fn panics() -> axum::response::Response {
    panic!("on purpose")
}

/// What the service sees of a request.
async fn seen(
    cx: Cx,
    method: Method,
    uri: http::Uri,
    headers: HeaderMap,
    body: String,
) -> impl axum::response::IntoResponse {
    let headers: serde_json::Map<String, Value> = headers
        .keys()
        .filter(|name| *name != "x-service-authorization")
        .map(|name| {
            let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
            (name.to_string(), json!(values))
        })
        .collect();
    reply(json!({
        "method": method.as_str(),
        "target": uri.path_and_query().map(ToString::to_string),
        "headers": headers,
        "body": body,
        "clientIp": cx.client_ip,
        "callingService": cx.calling_service,
        "user": cx.principal().map(|who| who.user()),
        "correlationId": cx.correlation_id,
        "requestId": cx.request_id,
    }))
}

async fn length(body: axum::body::Body) -> ApiResult<String> {
    use http_body_util::BodyExt as _;
    let whole = body.collect().await.map_err(|error| match BodyFault::of(&error) {
        Some(fault) => fault.into(),
        None => ApiError::internal(error),
    })?;
    Ok(whole.to_bytes().len().to_string())
}

/// A service that is declared and runs nowhere.
pub(crate) struct Absent;

impl Service for Absent {
    const SPEC: Spec = Spec {
        name: "absent",
        about: "Runs nowhere",
        owns: &["absences"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("Absent", "Runs nowhere."),
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        anyhow::bail!("it runs nowhere")
    }
}

pub(crate) fn setup(issuer: &Issuer) -> Setup {
    let setup = Setup::of::<Gateway>().and::<FakeAuth>().and::<Things>().and::<Absent>();
    let setup = setup.set("BOWLINE_GATEWAY__TUNNEL_GRACE_SECS", "1");
    setup.issuer(issuer).set("BOWLINE_IDENTITY__SERVICE_KEY", KEY)
}

/// The door and what is behind it.
pub(crate) struct House {
    pub(crate) door: TestService,
    pub(crate) issuer: Issuer,
    behind: Option<(Listening, TestService)>,
}

impl House {
    pub(crate) async fn in_one_process() -> Self {
        let issuer = Issuer::new();
        let door = setup(&issuer).targets("gateway,auth,things").build().await;
        Self { door, issuer, behind: None }.known().await
    }

    pub(crate) async fn over_http() -> Self {
        let issuer = Issuer::new();
        let behind = setup(&issuer).targets("auth,things").build().await;
        let listening = behind.listen();
        let door = setup(&issuer).targets("gateway").peer("auth", listening.url());
        let door = door.peer("things", listening.url()).build().await;
        Self { door, issuer, behind: Some((listening, behind)) }.known().await
    }

    async fn known(self) -> Self {
        eventually(async || self.door.assembled().shared().verifier().check()).await;
        self
    }

    pub(crate) fn client(&self) -> Client {
        self.door.client()
    }

    /// Ends the process behind the door.
    pub(crate) async fn end_what_is_behind(&mut self) {
        if let Some((listening, behind)) = self.behind.take() {
            tokio::task::spawn_blocking(move || listening.end()).await.unwrap();
            drop(behind);
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let client = self.client();
        let ask = client.request(Method::GET, path);
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
    }
}

/// A listening door in front of a peer that speaks bytes.
pub(crate) async fn door_to(peer: &RawPeer, settings: &[(&str, &str)]) -> (TestService, Listening) {
    door_at(&peer.url(), settings).await
}

/// A listening door in front of a service that is where this says.
pub(crate) async fn door_at(peer: &str, settings: &[(&str, &str)]) -> (TestService, Listening) {
    let setup = setup(&Issuer::new()).targets("gateway").peer("auth", NOWHERE).peer("things", peer);
    let setup = settings.iter().fold(setup, |setup, (name, value)| setup.set(name, *value));
    let door = setup.build().await;
    let listening = door.listen();
    (door, listening)
}

macro_rules! both_ways {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn in_one_process() {
                super::$name(crate::house::House::in_one_process().await).await;
            }

            #[tokio::test]
            async fn over_http() {
                super::$name(crate::house::House::over_http().await).await;
            }
        }
    )+};
}

pub(crate) use both_ways;
