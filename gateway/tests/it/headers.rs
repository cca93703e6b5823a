//! Which headers pass, both ways, seen on the wire.

use crate::house::door_to;
use axum::body::Body;
use http::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::sync::{Arc, Mutex};
use testkit::{Listening, RawPeer, TestService, Wire};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A door, and what its peer heard last.
struct Heard {
    listening: Listening,
    _door: TestService,
    peer: RawPeer,
    heard: Arc<Mutex<String>>,
}

impl Heard {
    async fn new(answer: &'static str, settings: &[(&str, &str)]) -> Self {
        let heard = Arc::new(Mutex::new(String::new()));
        let hears = Arc::clone(&heard);
        let peer = RawPeer::start(move |mut wire: Wire| {
            let hears = Arc::clone(&hears);
            async move {
                let head = wire.request().await?;
                *hears.lock().unwrap() = head;
                wire.write(answer).await
            }
        })
        .await;
        let (door, listening) = door_to(&peer, settings).await;
        Self { listening, _door: door, peer, heard }
    }

    /// Sends a request with these lines and returns the answer.
    async fn ask(&self, lines: &[&str]) -> String {
        let mut wire = Wire::connect(self.listening.address()).await.unwrap();
        let mut head = "GET /api/v1/things HTTP/1.1\r\nhost: shop.example\r\n".to_owned();
        lines.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
        wire.write(format!("{head}connection: close\r\n\r\n")).await.unwrap();
        wire.rest().await
    }

    /// The values of a header that the peer heard.
    fn values(&self, name: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let lines = heard.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .collect()
    }
}

#[tokio::test]
async fn what_concerns_one_connection_ends_at_the_door() {
    let heard = Heard::new(OK, &[]).await;
    let lines = [
        "connection: keep-alive, X-First",
        "connection: x-second",
        "x-first: 1",
        "x-second: 2",
        "keep-alive: timeout=5",
        "proxy-connection: keep-alive",
        "proxy-authorization: Basic x",
        "te: trailers",
        "upgrade: websocket",
        "expect: 100-continue",
        "x-third: 3",
    ];
    assert!(heard.ask(&lines).await.contains("200 OK"));
    for name in [
        "connection",
        "x-first",
        "x-second",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "upgrade",
        "expect",
    ] {
        assert_eq!(heard.values(name), Vec::<String>::new(), "{name}");
    }
    assert_eq!(heard.values("x-third"), ["3"]);
}

#[tokio::test]
async fn nobody_outside_speaks_with_the_headers_of_the_inside() {
    let heard = Heard::new(OK, &[]).await;
    let lines = [
        "x-user-id: 1",
        "x_user_id: 1",
        "X_Forwarded-For: 1.2.3.4",
        "content_length: 99",
        "transfer_encoding: chunked",
        "X-User-Role: admin",
        "x-auth-user: root",
        "x-internal-call: 1",
        "x-organization-role: owner",
        "x-forwarded-for: 1.2.3.4",
        "x-forwarded-proto: https",
        "x-forwarded-host: evil.example",
        "x-real-ip: 1.2.3.4",
        "x-mirrored: 1",
        "forwarded: for=1.2.3.4",
        "x-service-authorization: forged.by.somebody",
        "x-request-timeout-ms: 5000",
        "origin: https://evil.example",
    ];
    heard.ask(&lines).await;
    for name in [
        "x-user-id",
        "x_user_id",
        "x_forwarded-for",
        "content_length",
        "transfer_encoding",
        "x-user-role",
        "x-auth-user",
        "x-internal-call",
        "x-organization-role",
        "x-real-ip",
        "x-mirrored",
        "forwarded",
        "origin",
    ] {
        assert_eq!(heard.values(name), Vec::<String>::new(), "{name}");
    }
    assert_eq!(heard.values("x-forwarded-for"), ["127.0.0.1"], "the address that it came from");
    assert_eq!(heard.values("x-forwarded-host"), ["shop.example"]);
    assert_eq!(heard.values("x-forwarded-proto"), ["http"], "how it came");
    let credential = heard.values("x-service-authorization");
    assert!(credential.len() == 1 && !credential[0].contains("forged"), "{credential:?}");
    let left: Vec<u64> = heard.values("x-request-timeout-ms").iter().map(|ms| ms.parse().unwrap()).collect();
    assert!(left.len() == 1 && (1_000..5_000).contains(&left[0]), "{left:?}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_clients_address_and_scheme_are_handed_on() {
    let heard = Heard::new(OK, &[("BOWLINE_HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    heard.ask(&["x-forwarded-for: 1.2.3.4, 203.0.113.9", "x-forwarded-proto: https"]).await;
    assert_eq!(heard.values("x-forwarded-for"), ["203.0.113.9"]);
    assert_eq!(heard.values("x-forwarded-proto"), ["https"]);
}

#[tokio::test]
async fn an_answers_headers_of_one_connection_end_at_the_door_too() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close, x-hop\r\nx-hop: 1\r\n\
                  keep-alive: timeout=5\r\nproxy-authenticate: Basic\r\nx-end: 1\r\nset-cookie: a=1\r\n\
                  set-cookie: b=2\r\naccess-control-allow-origin: *\r\n\r\nok";
    let heard = Heard::new(answer, &[]).await;
    let got = heard.ask(&[]).await.to_lowercase();
    for gone in ["x-hop", "keep-alive", "proxy-authenticate", "access-control-allow-origin"] {
        assert!(!got.contains(gone), "{gone}: {got}");
    }
    for kept in ["x-end: 1", "set-cookie: a=1", "set-cookie: b=2", "x-request-id: ", "x-frame-options: deny"]
    {
        assert!(got.contains(kept), "{kept}: {got}");
    }
}

#[tokio::test]
async fn an_old_peers_answer_is_framed_for_the_clients_own_connection() {
    let heard = Heard::new("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil it closes", &[]).await;
    let got = heard.ask(&[]).await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n") && got.contains("transfer-encoding: chunked"), "{got}");
    assert!(got.ends_with("0\r\n\r\n"), "{got}");
}

#[tokio::test]
async fn http_2_outside_becomes_http_1_inside() {
    let heard = Heard::new(OK, &[]).await;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let request = Request::get(format!("{}/api/v1/things", heard.listening.url()));
    let request = request.header("cookie", "a=1").header("cookie", "b=2").body(Body::empty()).unwrap();
    let answer = client.request(request).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
    assert!(heard.heard.lock().unwrap().starts_with("GET /api/v1/things HTTP/1.1\r\n"));
    assert_eq!(heard.values("cookie"), ["a=1; b=2"]);
    assert_eq!(heard.values("x-forwarded-host"), [heard.listening.address().to_string()]);
}

#[tokio::test]
async fn a_target_may_say_its_host_again_and_no_other() {
    let heard = Heard::new(OK, &[]).await;
    for (host, status) in [("other.example", "400 Bad Request"), ("real.example", "200 OK")] {
        let mut wire = Wire::connect(heard.listening.address()).await.unwrap();
        let head = format!(
            "GET http://real.example/api/v1/things HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        );
        wire.write(head).await.unwrap();
        assert!(wire.rest().await.contains(status), "{host}");
    }
    assert_eq!(heard.values("x-forwarded-host"), ["real.example"]);
}

#[tokio::test]
async fn a_path_that_climbs_never_reaches_a_service() {
    let heard = Heard::new(OK, &[]).await;
    for path in ["/api/v1/things/../users", "/api/v1/things/%2E%2e/users", "/api/v1/things/..;/users"] {
        let mut wire = Wire::connect(heard.listening.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        wire.write(head).await.unwrap();
        assert!(wire.rest().await.starts_with("HTTP/1.1 404"), "{path}");
    }
    assert_eq!(heard.peer.connections(), 0);
}
