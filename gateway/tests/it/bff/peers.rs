//! Services behind the door, played by the test: each answers what it was told for a path, or does not.

use crate::house::{NOWHERE, NoConfig};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chassis::http::Json;
use chassis::service::{Context, Parts, Service, Spec};
use contract::ErrorCode;
use gateway::Gateway;
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use testkit::{FakeAuth, Issuer, Setup, TestService, eventually};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// What a peer does with a request.
#[derive(Clone)]
pub(super) enum Answer {
    /// It answers this.
    Data(Value),
    /// It answers this when as many requests are there as the barrier waits for.
    Together(Arc<Barrier>, Value),
    /// It says no.
    Error(ErrorCode),
    /// It does not answer.
    Silence,
}

/// The services behind the door, by the beginning of the path that is asked for.
#[derive(Clone, Default)]
pub(super) struct Peers(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    answers: BTreeMap<String, Answer>,
    /// The target of each request, and whose token it carried.
    heard: Vec<(String, Option<String>)>,
}

impl Peers {
    /// From now on paths that begin with this are answered so.
    pub(super) fn say(&self, path: &str, answer: Answer) {
        self.0.lock().unwrap().answers.insert(path.to_owned(), answer);
    }

    pub(super) fn data(&self, path: &str, data: Value) {
        self.say(path, Answer::Data(data));
    }

    /// The targets that were asked for and begin with this, with the tokens.
    pub(super) fn heard(&self, path: &str) -> Vec<(String, Option<String>)> {
        self.0.lock().unwrap().heard.iter().filter(|(target, _)| target.starts_with(path)).cloned().collect()
    }

    /// The longest beginning counts.
    fn answer(&self, target: &str) -> Answer {
        let inner = self.0.lock().unwrap();
        let told = inner.answers.iter().filter(|(path, _)| target.starts_with(*path));
        let told = told.max_by_key(|(path, _)| path.len()).map(|(_, answer)| answer.clone());
        told.unwrap_or(Answer::Error(ErrorCode::NotFound))
    }
}

async fn serve(State(peers): State<Peers>, request: Request) -> Response {
    let target = request.uri().to_string();
    let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    peers.0.lock().unwrap().heard.push((target.clone(), token));
    match peers.answer(&target) {
        Answer::Data(data) => success(&data),
        Answer::Together(barrier, data) => {
            barrier.wait().await;
            success(&data)
        }
        Answer::Error(code) => refusal(code),
        Answer::Silence => std::future::pending().await,
    }
}

fn success(data: &Value) -> Response {
    Json(json!({"success": true, "data": data})).into_response()
}

fn refusal(code: ErrorCode) -> Response {
    let status = code.kind().status();
    let error = json!({
        "code": code, "message": "as told", "status": status, "requestId": "r", "correlationId": "c",
        "timestamp": "2026-01-01T00:00:00Z",
    });
    let body = Json(json!({"success": false, "error": error}));
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

macro_rules! declared {
    ($($type:ident = $name:literal;)+) => {$(
        struct $type;

        impl Service for $type {
            const SPEC: Spec = Spec {
                name: $name,
                about: "Played by the test",
                owns: &[],
                well_known: &[],
                door: false,
                needs: &[],
                database: None,
                events: &[],
                openapi: || chassis::openapi::document($name, "Played by the test."),
            };
            type Config = NoConfig;

            async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
                anyhow::bail!("it is played by the test")
            }
        }
    )+};
}

declared! {
    Catalog = "catalog";
    Inventory = "inventory";
    Orders = "orders";
    Reviews = "reviews";
    Notifications = "notifications";
}

/// A door in front of peers that the test plays.
pub(super) struct Stage {
    pub(super) door: TestService,
    pub(super) issuer: Issuer,
    pub(super) peers: Peers,
    _server: JoinSet<()>,
}

/// The services that a page is made from.
pub(super) const ALL: [&str; 5] = ["catalog", "inventory", "orders", "reviews", "notifications"];

impl Stage {
    pub(super) async fn set(settings: &[(&str, &str)]) -> Self {
        Self::with(&ALL, &[], settings).await
    }

    /// With these of the services, and of them some that nobody reaches.
    pub(super) async fn with(installed: &[&str], away: &[&str], settings: &[(&str, &str)]) -> Self {
        let (issuer, peers) = (Issuer::new(), Peers::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(serve).with_state(peers.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });

        let setup = Setup::of::<Gateway>().and::<FakeAuth>().and::<Catalog>().and::<Inventory>();
        let setup = setup.and::<Orders>().and::<Reviews>().and::<Notifications>();
        let setup = setup.issuer(&issuer).targets("gateway,auth");
        let setup = installed.iter().fold(setup, |setup, name| {
            setup.peer(name, if away.contains(name) { NOWHERE.to_owned() } else { url.clone() })
        });
        let setup = settings.iter().fold(setup, |setup, (name, value)| setup.set(name, *value));
        let door = setup.build().await;
        eventually(async || door.assembled().shared().verifier().check()).await;
        Self { door, issuer, peers, _server: server }
    }
}
