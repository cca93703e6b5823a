//! Routes of a file: what is asked behind them, what they refuse, and how they follow their file.

use crate::house::{NOWHERE, setup};
use contract::ErrorCode;
use contract::identity::Role;
use http::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use testkit::ws::{Dial, Heard};
use testkit::{Answer, Folder, Issuer, Listening, TestService, eventually};

/// A door with a file of routes, and the service behind it in the same process.
pub(crate) struct Routed {
    pub(crate) door: TestService,
    pub(crate) issuer: Issuer,
    file: PathBuf,
    _folder: Folder,
}

impl Routed {
    pub(crate) async fn with(routes: &str) -> Self {
        let issuer = Issuer::new();
        let folder = Folder::new("routes").unwrap();
        let file = folder.path().join("routes.toml");
        std::fs::write(&file, routes).unwrap();
        let setup = setup(&issuer).targets("gateway,auth,things").peer("absent", NOWHERE);
        let setup = setup.set("BOWLINE_GATEWAY__ROUTES_FILE", file.display().to_string());
        let door = setup.set("BOWLINE_GATEWAY__ROUTES_RELOAD_SECS", "1").build().await;
        eventually(async || door.assembled().shared().verifier().check()).await;
        Self { door, issuer, file, _folder: folder }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let client = self.door.client();
        let ask = client.request(Method::GET, path);
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
    }

    /// What the service sees of a request.
    async fn seen(&self, path: &str, headers: &[(&str, &str)]) -> Value {
        self.get(path, headers).await.expect(200).json()["data"].clone()
    }

    pub(crate) fn rewrite(&self, routes: &str) {
        // Written beside it and moved into its place: half of a file is never read.
        let new = self.file.with_extension("new");
        std::fs::write(&new, routes).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
    }
}

const THINGS: &str = r#"
[[route]]
name = "shop"
path = "/shop/{*rest}"
service = "things"
rewrite = "/api/v1/things"
request_headers = { set = { x-set = "by the route" }, remove = ["x-unwanted"] }
response_headers = { set = { x-answered = "yes" }, remove = ["etag"] }
"#;

#[tokio::test]
async fn a_route_of_the_file_asks_its_service_as_it_says() {
    let routed = Routed::with(THINGS).await;
    let seen =
        routed.seen("/shop/a/b?x=1", &[("x-unwanted", "1"), ("x-kept", "1"), ("x-user-id", "7")]).await;
    assert_eq!(seen["target"], "/api/v1/things?x=1");
    assert_eq!(
        (&seen["headers"]["x-set"], &seen["headers"]["x-kept"]),
        (&json!(["by the route"]), &json!(["1"]))
    );
    assert_eq!((&seen["headers"]["x-unwanted"], &seen["headers"]["x-user-id"]), (&Value::Null, &Value::Null));
    let answer = routed.get("/shop", &[]).await.expect(200);
    assert_eq!(answer.header("x-answered"), Some("yes"));
    assert!(answer.header("x-request-id").is_some());
    // What the file says nothing about is as it was.
    routed.get("/api/v1/things", &[]).await.expect(200);
    routed.get("/shops", &[]).await.expect(404).refused(ErrorCode::NotFound);
}

#[tokio::test]
async fn what_is_matched_is_what_is_passed_on() {
    let route = |path: &str| format!("[[route]]\nname = \"r\"\npath = \"{path}\"\nservice = \"things\"\n");
    let routed = Routed::with(&route("/api/v1/things/a/{x}")).await;
    let seen = routed.seen("//api/v1//things/%61/%62", &[]).await;
    assert_eq!(seen["target"], "/api/v1/things/a/b");
    for path in ["/api/v1/things/a/..%2fb", "/api/v1/things/a%2fb", "/api/v1/things/a/%00"] {
        let status = routed.get(path, &[]).await.status;
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
}

#[tokio::test]
async fn a_route_has_its_own_time_body_limit_limits_and_pages() {
    let routed = Routed::with(
        r#"
[[route]]
name = "slow"
path = "/slow"
service = "things"
rewrite = "/api/v1/things/slow"
timeout_ms = 50

[[route]]
name = "small"
path = "/small"
service = "things"
rewrite = "/api/v1/things"
body_limit = 4
cors = ["https://shop.example"]

[[route]]
name = "rare"
path = "/rare"
service = "things"
rewrite = "/api/v1/things"
limits = ["2 per 1h by ip"]
"#,
    )
    .await;
    routed.get("/slow", &[]).await.expect(504).refused(ErrorCode::DeadlineExceeded);
    let client = routed.door.client();
    let post = async |body: &'static str| {
        client.request(Method::POST, "/small").body("text/plain", body).send().await
    };
    post("four").await.expect(200);
    post("five!").await.expect(413).refused(ErrorCode::PayloadTooLarge);
    let page = routed.get("/small", &[("origin", "https://shop.example")]).await.expect(200);
    assert_eq!(page.header("access-control-allow-origin"), Some("https://shop.example"));
    let other = routed.get("/rare", &[("origin", "https://shop.example")]).await.expect(200);
    assert_eq!(other.header("access-control-allow-origin"), None);
    assert_eq!(routed.get("/rare", &[]).await.expect(200).header("x-ratelimit-remaining"), Some("0"));
    let refused = routed.get("/rare", &[]).await.expect(429);
    assert!(refused.header("retry-after").is_some());
    refused.refused(ErrorCode::RateLimited);
    // Another route's count is its own.
    routed.get("/small", &[]).await.expect(200);
}

#[tokio::test]
async fn a_client_is_sent_elsewhere_with_what_it_asked_for() {
    let routed = Routed::with(
        "[[route]]\nname = \"moved\"\npath = \"/old/{*rest}\"\nredirect = { to = \"/new/{rest}\", status = 308 }\n",
    )
    .await;
    let answer = routed.get("/old/a/b?x=1", &[]).await.expect(308);
    assert_eq!(answer.header("location"), Some("/new/a/b?x=1"));
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing_and_the_next_one_holds() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let routed = Routed::with(THINGS).await;
    routed.rewrite("[[route]]\nname = \"shop\"\npath = \"shop\"\nservice = \"nobody\"\n");
    let is_told = || recorder.handle().render().contains("gateway_routes_reload_failures_total 1");
    eventually(async || if is_told() { Ok(()) } else { Err("not read yet") }).await;
    routed.get("/shop", &[]).await.expect(200);
    routed.rewrite(&THINGS.replace("/shop/", "/store/"));
    eventually(async || match routed.get("/store", &[]).await.status.as_u16() {
        200 => Ok(()),
        other => Err(other),
    })
    .await;
    routed.get("/shop", &[]).await.expect(404);
}

#[tokio::test]
async fn a_reload_leaves_open_what_did_not_change_and_ends_what_did() {
    let routes = |limit: &str| {
        let route = |name: &str, more: &str| {
            format!(
                "[[route]]\nname = \"{name}\"\npath = \"/{name}/ws\"\nservice = \"things\"\nrewrite = \
                 \"/api/v1/things/ws\"\n{more}\n"
            )
        };
        format!("{}{}", route("kept", ""), route("changed", limit))
    };
    let routed = Routed::with(&routes("")).await;
    let listening = routed.door.listen();
    let open = async |path| {
        let mut socket = Dial::new(listening.address(), path).open().await.unwrap();
        assert_eq!(socket.hear().await, Heard::Text("nobody".to_owned()));
        socket
    };
    let (mut kept, mut changed) = (open("/kept/ws").await, open("/changed/ws").await);
    routed.rewrite(&routes("limits = [\"1000 per 1m by ip\"]"));
    let end = tokio::time::timeout(Duration::from_secs(10), changed.hear()).await.unwrap();
    assert!(matches!(end, Heard::Closed(1001, _)), "{end:?}");
    kept.say("still here").await;
    assert_eq!(kept.hear().await, Heard::Text("still here".to_owned()));
    open("/changed/ws").await;
}

/// A server that is no service of the platform: it knows none of its credentials.
pub(crate) async fn elsewhere(issuer: &Issuer) -> (TestService, Listening) {
    let server = setup(issuer)
        .targets("auth,things")
        .set("BOWLINE_IDENTITY__SERVICE_KEY", "k".repeat(40))
        .build()
        .await;
    let listening = server.listen();
    (server, listening)
}

pub(crate) fn to_upstream(listening: &Listening, access: &str) -> String {
    format!(
        "[upstream.other]\ninstances = [\"{}\"]\n[[route]]\nname = \"other\"\npath = \"/other/{{*rest}}\"\nupstream \
         = \"other\"\nrewrite = \"/api/v1/things/{{rest}}\"\n{access}\n",
        listening.url()
    )
}

#[tokio::test]
async fn an_upstream_is_asked_for_whom_the_door_let_in_and_told_who_that_is() {
    let (_server, listening) = elsewhere(&Issuer::new()).await;
    let routed = Routed::with(&to_upstream(&listening, "")).await;
    // Nobody said who may.
    routed.get("/other/a/b", &[]).await.expect(401).refused(ErrorCode::Unauthenticated);
    let claims = routed.issuer.claims(routed.door.clock(), &[Role::User]);
    let token = format!("Bearer {}", routed.issuer.sign(&claims));
    let headers = [("authorization", &*token), ("x-user-id", "somebody-else"), ("host", "shop.example")];
    let seen = routed.seen("/other/a/b?x=1", &headers).await;
    assert_eq!(seen["target"], "/api/v1/things/a/b?x=1");
    let told = |name: &str| seen["headers"][name].clone();
    assert_eq!(told("x-user-id"), json!([claims.sub.to_string()]));
    assert_eq!(told("authorization"), Value::Null, "a token proves somebody to whoever has it");
    assert_eq!(
        (told("x-forwarded-host"), told("x-forwarded-for")),
        (json!(["shop.example"]), json!(["192.0.2.1"]))
    );
    assert_eq!(told("host"), json!([listening.address().to_string()]));
    assert_eq!(
        seen["callingService"],
        Value::Null,
        "the door's own credential is no business of an upstream"
    );
}

#[tokio::test]
async fn a_websocket_to_an_upstream_goes_through_its_route() {
    let (_server, upstream) = elsewhere(&Issuer::new()).await;
    let routed = Routed::with(&to_upstream(&upstream, "access = { who = \"public\" }")).await;
    let listening = routed.door.listen();
    let mut socket = Dial::new(listening.address(), "/other/ws").open().await.unwrap();
    assert_eq!(socket.hear().await, Heard::Text("nobody".to_owned()));
    socket.say("hello").await;
    assert_eq!(socket.hear().await, Heard::Text("hello".to_owned()));
}

#[tokio::test]
async fn an_upstream_that_nobody_answers_for_is_503() {
    let text = "[upstream.gone]\ninstances = [\"http://127.0.0.1:9\"]\n[[route]]\nname = \"gone\"\npath = \
                \"/gone\"\nupstream = \"gone\"\naccess = { who = \"public\" }\n";
    let routed = Routed::with(text).await;
    let answer = routed.get("/gone", &[]).await.expect(503);
    assert!(answer.header("retry-after").is_some());
    answer.refused(ErrorCode::Unavailable);
}
