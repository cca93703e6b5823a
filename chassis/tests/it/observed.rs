//! What is written down about requests: metrics, the access line, and never a secret.

use crate::house::{Lines, SECRET, Things};
use axum::body::Body;
use chassis::http::Caller;
use futures_util::FutureExt as _;
use http::{Method, Request};
use serde_json::{Value, json};
use testkit::{FakeAuth, Issuer, Setup, TestService, Wire, eventually};

const SERVICE: &str = "service=\"things\"";

async fn things() -> TestService {
    Setup::of::<Things>().build().await
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route_and_never_by_their_path() {
    let lines = Lines::capture("info");
    let service = things().await;
    let client = service.client();
    for id in 0..3 {
        client.get(&format!("/api/v1/things/{id}")).await.expect(400);
    }
    client.get("/api/v1/things/short").await.expect(200);
    client.get("/no/such/path/4711").await.expect(404);
    client.get("/api/v9/things").await.expect(400);
    client.request(Method::from_bytes(b"BREW").unwrap(), "/api/v1/things/short").send().await.expect(405);
    let count = |labels: &[&str]| lines.metric("http_requests_total", labels);
    let template = "route=\"/api/v1/things/{id}\"";
    assert_eq!(count(&[SERVICE, template, "status=\"400\"", "method=\"GET\""]), Some(3.0));
    assert_eq!(count(&[SERVICE, "route=\"/api/v1/things/short\"", "status=\"200\""]), Some(1.0));
    assert_eq!(count(&[SERVICE, "route=\"unmatched\"", "status=\"404\""]), Some(1.0));
    assert_eq!(count(&["method=\"OTHER\"", "status=\"405\""]), Some(1.0));
    assert_eq!(lines.metric("http_errors_total", &["code=\"VALIDATION_ERROR\""]), Some(3.0));
    assert_eq!(lines.metric("http_errors_total", &["code=\"UNSUPPORTED_API_VERSION\""]), Some(1.0));
    assert_eq!(lines.metric("http_request_duration_seconds_count", &[SERVICE, template]), Some(3.0));
    let page = lines.telemetry.metrics.page(&tokio::runtime::Handle::current());
    assert!(!page.contains("4711") && !page.contains("BREW") && !page.contains("v9"), "{page}");
}

#[tokio::test]
async fn a_request_whose_client_went_away_is_closed_as_499() {
    let lines = Lines::capture("info");
    let service = things().await;
    let active = || lines.metric("http_active_connections", &[SERVICE]);
    let request = Request::get("/api/v1/things/slow").header("x-correlation-id", "gone-1");
    let front = service.assembled().front().clone();
    let request = request.body(Body::empty()).unwrap();
    let mut handling = Box::pin(front.handle(request, Caller::Socket([192, 0, 2, 1].into())));
    // The first request of a process is one of those that give way once, to see how long that takes.
    for _ in 0..2 {
        assert!(handling.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert_eq!(active(), Some(1.0));
    drop(handling);
    assert_eq!(active(), Some(0.0));
    let aborted = [SERVICE, "status=\"499\"", "route=\"/api/v1/things/slow\""];
    assert_eq!(lines.metric("http_requests_total", &aborted), Some(1.0));
    let access = lines.access();
    assert_eq!(
        (&access[0]["status"], &access[0]["correlation_id"]),
        (&json!(499), &json!("gone-1")),
        "{access:?}"
    );
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_request() {
    let lines = Lines::capture("info");
    let service = things().await;
    let listening = service.listen();
    let mut wire = Wire::connect(listening.address()).await.unwrap();
    wire.write("GET /api/v1/things/slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let active = async || lines.metric("http_active_connections", &[SERVICE]);
    eventually(async || active().await == Some(1.0)).await;
    drop(wire);
    eventually(async || active().await == Some(0.0)).await;
    assert_eq!(lines.metric("http_requests_total", &[SERVICE, "status=\"499\""]), Some(1.0));
}

#[tokio::test]
async fn one_access_line_a_request_finds_it_by_every_id() {
    let lines = Lines::capture("info");
    let service = things().await;
    let client = service.client();
    let ask =
        client.request(Method::GET, "/api/v1/things/short?token=abc").header("x-correlation-id", "action-1");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = ask.header("traceparent", trace).send().await.expect(200);
    let access = lines.access();
    assert_eq!(access.len(), 1, "{access:?}");
    let line = &access[0];
    assert_eq!(line["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!(line["correlation_id"], "action-1");
    assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((&line["service"], &line["method"]), (&json!("things"), &json!("GET")));
    assert_eq!(
        (&line["path"], &line["route"]),
        (&json!("/api/v1/things/short"), &json!("/api/v1/things/short"))
    );
    assert_eq!((&line["status"], &line["client"]), (&json!(200), &json!("192.0.2.1")));
    assert!(line["ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{line}");
}

#[tokio::test]
async fn a_share_of_the_requests_has_lines_and_each_that_failed() {
    let lines = Lines::capture("info");
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__ACCESS_LOG_RATIO", "0.25").build().await;
    let client = service.client();
    let ask = async |path: &str, trace: &str| {
        let ask = client.request(Method::GET, path);
        let traceparent = format!("00-4bf92f3577b34da6{trace}-00f067aa0ba902b7-01");
        ask.header("traceparent", &traceparent).send().await;
    };
    // By the second half of the trace's id, as with the share of traces that is recorded: of 63 bits without the last.
    ask("/api/v1/things/short", "3fffffffffffffff").await;
    ask("/api/v1/things/short", "4000000000000000").await;
    ask("/no/such/path", "ffffffffffffffff").await;
    ask("/api/v1/things/failing", "ffffffffffffffff").await;
    let access: Vec<_> =
        lines.access().iter().map(|line| (line["status"].clone(), line["share"].clone())).collect();
    assert_eq!(access, [(json!(200), json!(0.25)), (json!(500), Value::Null)]);
    assert_eq!(
        lines.metric("http_requests_total", &[SERVICE, "status=\"200\""]),
        Some(2.0),
        "all are counted"
    );
}

#[tokio::test]
async fn no_secret_of_a_request_is_ever_logged_at_any_level() {
    let lines = Lines::capture("trace");
    let issuer = Issuer::new();
    let service = Setup::of::<Things>().and::<FakeAuth>().issuer(&issuer).build().await;
    let token = issuer.token(service.clock(), &[]);
    let known = service.client().bearer(&token);
    eventually(async || known.get("/api/v1/things/me").await.status == 200).await;
    let client = service.client();
    let broken = format!("{}x{SECRET}", &token[..token.len() - 4]);
    for authorization in [
        format!("Bearer {broken}"),
        format!("Bearer {SECRET}"),
        format!("Basic {SECRET}"),
        SECRET.to_owned(),
        format!("Bearer a.{SECRET}.c"),
    ] {
        let ask = client.request(Method::GET, "/api/v1/things/me").header("authorization", &authorization);
        let ask = ask.header("cookie", &format!("session={SECRET}"));
        ask.header("x-service-authorization", &format!("a.{SECRET}.c")).send().await.expect(401);
    }
    let query = format!("/api/v1/things?token={SECRET}&page={SECRET}");
    client.get(&query).await.expect(400);
    for body in [
        json!({ "name": "a", "unitPrice": 1, "password": SECRET }).to_string(),
        json!({ "name": "a", "unitPrice": SECRET }).to_string(),
        json!({ "name": format!("{SECRET}{SECRET}"), "unitPrice": 1 }).to_string(),
        format!(r#"{{"password":"{SECRET}"#),
    ] {
        client.request(Method::POST, "/api/v1/things").body("application/json", body).send().await;
    }
    let text = lines.text();
    assert!(lines.access().len() >= 11, "the lines are those of these requests: {text}");
    for secret in [SECRET, &token, token.rsplit('.').next().unwrap()] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}
