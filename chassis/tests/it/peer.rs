//! One suite for both ways to a peer, and what only a peer behind a socket can do wrong.

use crate::house::{Relay, Things};
use axum::body::Body;
use chassis::telemetry::origin::Origin;
use contract::error::ErrorCode;
use contract::identity::Role;
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use testkit::{Answer, FakeAuth, Issuer, Listening, RawPeer, Setup, TestService, Wire, eventually};

const KEY: &str = "a-service-key-for-tests-that-is-long-enough";

/// `relay`, and its peer in the same process or behind a socket.
struct House {
    relay: TestService,
    issuer: Issuer,
    _peer: Option<(Listening, TestService)>,
}

fn setup(issuer: &Issuer) -> Setup {
    let setup = Setup::of::<Relay>().and::<Things>().and::<FakeAuth>().issuer(issuer);
    setup.set("BOWLINE_IDENTITY__SERVICE_KEY", KEY)
}

impl House {
    async fn in_one_process() -> Self {
        let issuer = Issuer::new();
        Self { relay: setup(&issuer).build().await, issuer, _peer: None }.known().await
    }

    async fn over_http() -> Self {
        let issuer = Issuer::new();
        let peer = setup(&issuer).targets("things,auth").build().await;
        let listening = peer.listen();
        let relay = setup(&issuer).targets("relay");
        let relay = relay.peer("things", listening.url()).peer("auth", listening.url()).build().await;
        Self { relay, issuer, _peer: Some((listening, peer)) }.known().await
    }

    async fn known(self) -> Self {
        eventually(async || self.relay.assembled().shared().verifier().check()).await;
        self
    }

    /// Asks `relay` to call its peer, with these headers on the way in.
    async fn call(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        call(&self.relay, path, headers).await
    }
}

async fn call(relay: &TestService, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = relay.client();
    let ask = client.request(Method::GET, &format!("/api/v1/relay?path={path}"));
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
}

macro_rules! both_ways {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn in_one_process() {
                super::$name(super::House::in_one_process().await).await;
            }

            #[tokio::test]
            async fn over_http() {
                super::$name(super::House::over_http().await).await;
            }
        }
    )+};
}

both_ways! {
    a_peer_sees_the_same_ids_and_the_same_trace,
    a_peer_that_is_called_from_background_work_knows_what_it_goes_back_to,
    a_peer_gets_what_is_left_of_the_deadline,
    a_peer_knows_who_asks_and_for_whom,
    a_refusal_of_the_peer_keeps_its_code,
    a_peer_that_is_too_slow_is_504_in_time,
}

async fn a_peer_sees_the_same_ids_and_the_same_trace(house: House) {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("x-request-id", "r-1"), ("x-correlation-id", "c-1"), ("traceparent", trace)];
    let data = house.call("/api/v1/things/context", &headers).await.expect(200).json()["data"].clone();
    assert_eq!(data["own"]["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    for id in ["requestId", "correlationId", "traceId"] {
        assert_eq!(data["own"][id], data["peer"][id], "{id}");
    }
    assert_eq!((&data["peer"]["requestId"], &data["peer"]["correlationId"]), (&json!("r-1"), &json!("c-1")));
}

async fn a_peer_that_is_called_from_background_work_knows_what_it_goes_back_to(house: House) {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let origin = Origin::caused_by(Some(&format!("00-{trace}-00f067aa0ba902b7-01")), Some("c-1"));
    let peer = house.relay.assembled().shared().peer("things").unwrap();
    let request = Request::get("/api/v1/things/context").body(Body::empty()).unwrap();
    let answer = origin.scope(tracing::Span::none(), peer.forward(request)).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let seen: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&seen["data"]["traceId"], &seen["data"]["correlationId"]), (&json!(trace), &json!("c-1")));
}

async fn a_peer_gets_what_is_left_of_the_deadline(house: House) {
    let headers = [("x-request-timeout-ms", "3000")];
    let data = house.call("/api/v1/things/context", &headers).await.expect(200).json()["data"].clone();
    let left = data["peer"]["remainingMs"].as_u64().unwrap();
    assert!((1_000..3_000).contains(&left), "{left} of 3000 ms, not a fresh 30 s");
}

async fn a_peer_knows_who_asks_and_for_whom(house: House) {
    let claims = house.issuer.claims(house.relay.clock(), &[Role::User]);
    let bearer = format!("Bearer {}", house.issuer.sign(&claims));
    let answer = house.call("/api/v1/things/context", &[("authorization", &bearer)]).await.expect(200);
    let peer = answer.json()["data"]["peer"].clone();
    assert_eq!(peer["user"], json!(claims.sub));
    assert_eq!((&peer["callingService"], &peer["clientIp"]), (&json!("relay"), &json!("192.0.2.1")));
    let nobody = house.call("/api/v1/things/context", &[]).await.expect(200);
    assert_eq!(nobody.json()["data"]["peer"]["user"], Value::Null);
    let internal = house.call("/internal/v1/things/closed", &[]).await.expect(200);
    assert_eq!(internal.json()["data"]["peer"], "relay");
}

async fn a_refusal_of_the_peer_keeps_its_code(house: House) {
    for (path, code) in [
        ("/api/v1/things/seven", ErrorCode::Validation),
        ("/api/v1/things/me", ErrorCode::Unauthenticated),
        ("/api/v1/things/panic", ErrorCode::Internal),
        ("/api/v1/things/away", ErrorCode::Unavailable),
    ] {
        let answer = house.call(path, &[]).await.expect(200);
        assert_eq!(answer.json()["data"]["refused"], json!(code), "{path}");
    }
}

async fn a_peer_that_is_too_slow_is_504_in_time(house: House) {
    let began = Instant::now();
    let answer = house.call("/api/v1/things/slow", &[("x-request-timeout-ms", "300")]).await;
    // The peer may be the one that says so.
    let said_by_peer = answer.status == 200 && answer.json()["data"]["refused"] == "DEADLINE_EXCEEDED";
    assert!(answer.status == 504 || said_by_peer, "{}", answer.text());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// `relay` in front of a peer that speaks bytes.
async fn relay_to(peer: &RawPeer) -> TestService {
    let setup = Setup::of::<Relay>().and::<Things>().targets("relay");
    setup.peer("things", peer.url()).set("BOWLINE_IDENTITY__SERVICE_KEY", KEY).build().await
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

#[tokio::test]
async fn a_peer_that_cannot_be_reached_is_503() {
    let gone = RawPeer::answering("").await;
    let relay = relay_to(&gone).await;
    drop(gone);
    let answer = eventually(async || {
        let answer = call(&relay, "/api/v1/things", &[]).await;
        if answer.status == 503 { Ok(answer) } else { Err(answer.status) }
    })
    .await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.refused(ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_peer_that_talks_nonsense_is_502() {
    for nonsense in [
        "I am not a web server\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello".to_owned(),
        format!("{OK}content-length: 5\r\n\r\nhello"),
        format!("{OK}content-length: 4\r\n\r\nnull"),
        format!("{OK}transfer-encoding: chunked\r\n\r\nzz\r\n"),
        "HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n".to_owned(),
    ] {
        let peer = RawPeer::answering(nonsense.clone()).await;
        let relay = relay_to(&peer).await;
        let answer = call(&relay, "/api/v1/things", &[]).await;
        assert_eq!(answer.status, 502, "{nonsense}: {}", answer.text());
        answer.refused(ErrorCode::BadGateway);
    }
}

#[tokio::test]
async fn a_peer_that_breaks_off_is_502() {
    for head in
        [String::new(), "HTTP/1.1 200".to_owned(), format!("{OK}content-length: 100\r\n\r\n{{\"success\":")]
    {
        let peer = RawPeer::start(move |mut wire: Wire| {
            let head = head.clone();
            async move {
                wire.head().await?;
                wire.write(head).await
            }
        })
        .await;
        let relay = relay_to(&peer).await;
        call(&relay, "/api/v1/things", &[]).await.expect(502).refused(ErrorCode::BadGateway);
    }
}

#[tokio::test]
async fn a_peer_that_never_ends_its_answer_is_504_within_the_deadline() {
    for begun in [String::new(), format!("{OK}content-length: 100\r\n\r\n{{\"success\":")] {
        let peer = RawPeer::start(move |mut wire: Wire| {
            let begun = begun.clone();
            async move {
                wire.head().await?;
                wire.write(begun).await?;
                wire.gone().await;
                Ok(())
            }
        })
        .await;
        let relay = relay_to(&peer).await;
        let began = Instant::now();
        let answer = call(&relay, "/api/v1/things", &[("x-request-timeout-ms", "200")]).await;
        answer.expect(504).refused(ErrorCode::DeadlineExceeded);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn what_goes_over_the_wire_is_complete_and_says_nothing_twice() {
    let heard = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&heard);
    let peer = RawPeer::start(move |mut wire: Wire| {
        let hears = Arc::clone(&hears);
        async move {
            *hears.lock().unwrap() = wire.request().await?;
            wire.write(format!("{OK}content-length: 28\r\n\r\n{{\"success\":true,\"data\":null}}")).await
        }
    })
    .await;
    let relay = relay_to(&peer).await;
    let headers =
        [("x-request-timeout-ms", "5000"), ("x-correlation-id", "c-1"), ("authorization", "Bearer x")];
    call(&relay, "/api/v1/things", &headers).await.expect(200);
    let heard = heard.lock().unwrap().clone();
    assert!(heard.starts_with("GET /api/v1/things HTTP/1.1\r\n"), "{heard}");
    let value = |name: &str| {
        let all: Vec<_> = heard.lines().filter_map(|line| line.split_once(": ")).collect();
        let mut found = all.into_iter().filter(|(found, _)| *found == name);
        let one = found.next().map(|(_, value)| value.to_owned());
        assert_eq!(found.next(), None, "{name} twice: {heard}");
        one.unwrap_or_default()
    };
    assert_eq!(format!("http://{}", value("host")), peer.url());
    assert_eq!(
        (value("x-correlation-id"), value("authorization")),
        ("c-1".to_owned(), "Bearer x".to_owned())
    );
    assert_eq!(value("x-forwarded-for"), "192.0.2.1");
    assert!(
        value("traceparent").starts_with("00-") && value("x-service-authorization").contains('.'),
        "{heard}"
    );
    let left: u64 = value("x-request-timeout-ms").parse().unwrap();
    assert!((2_000..5_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_connection_is_used_again_and_replaced_when_the_peer_closed_it() {
    let answer = format!("{OK}content-length: 28\r\n\r\n{{\"success\":true,\"data\":null}}");
    let keeps = RawPeer::answering(answer.clone()).await;
    let relay = relay_to(&keeps).await;
    for _ in 0..3 {
        call(&relay, "/api/v1/things", &[]).await.expect(200);
    }
    assert_eq!(keeps.connections(), 1);

    let closes = RawPeer::start(move |mut wire: Wire| {
        let answer = answer.clone();
        async move {
            wire.head().await?;
            wire.write(answer).await
        }
    })
    .await;
    let relay = relay_to(&closes).await;
    for _ in 0..3 {
        call(&relay, "/api/v1/things", &[]).await.expect(200);
    }
    assert_eq!(closes.connections(), 3);
}
