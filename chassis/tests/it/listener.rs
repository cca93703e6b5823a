//! The public listener: ports, slow clients, HTTP/2, and an end that loses nothing.

use crate::house::{GATE, Lines, Things};
use axum::body::Body;
use chassis::http::{HttpConfig, Listener};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use testkit::{Setup, TestService, Wire, eventually};
use tokio::time::timeout;

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(10);

async fn things() -> TestService {
    Setup::of::<Things>().build().await
}

async fn impatient() -> TestService {
    Setup::of::<Things>().set("BOWLINE_HTTP__HEADER_TIMEOUT_MS", "200").build().await
}

async fn connect(address: SocketAddr, first: &str) -> Wire {
    let mut wire = Wire::connect(address).await.unwrap();
    wire.write(first).await.unwrap();
    wire
}

fn bind(address: SocketAddr) -> anyhow::Result<Listener> {
    Listener::bind(&HttpConfig { host: address.ip(), port: address.port(), ..HttpConfig::default() })
}

#[test]
fn an_address_in_use_is_an_error_that_names_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = format!("{:#}", bind(taken.local_addr().unwrap()).unwrap_err());
    assert!(error.contains("http.port") && error.contains("PORT") && error.contains("in use"), "{error}");
}

#[test]
fn a_port_is_not_shared_with_another_process_of_the_same_kind() {
    let config = HttpConfig { port: 0, threads: 2, ..HttpConfig::default() };
    let first = Listener::bind(&config).unwrap();
    assert!(bind(first.address()).is_err());
}

#[tokio::test]
async fn every_thread_of_a_listener_answers() {
    let service = things().await;
    let config = HttpConfig { port: 0, threads: 3, ..HttpConfig::default() };
    let listener = Listener::bind(&config).unwrap();
    let address = listener.address();
    let (stopper, stop) = chassis::stop::channel();
    let serving = listener.serve(service.assembled().front(), &config, &stop).unwrap();
    for _ in 0..30 {
        let mut wire = connect(address, "GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(wire.request().await.unwrap().starts_with("HTTP/1.1 200"));
    }
    stopper.stop();
    timeout(LONG, serving.drained()).await.unwrap();
    tokio::task::spawn_blocking(|| serving.join()).await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_come_to_the_point_is_cut() {
    let service = impatient().await;
    let listening = service.listen();
    for begun in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /api/v1/things/short HTTP/1.1\r\nhost:",
    ] {
        let mut wire = connect(listening.address(), begun).await;
        let began = Instant::now();
        assert!(timeout(LONG, wire.gone()).await.is_ok(), "{begun:?} holds its connection");
        assert!(began.elapsed() >= Duration::from_millis(150), "{begun:?} was not given its time");
    }
}

#[tokio::test]
async fn a_client_that_drips_its_headers_is_cut() {
    let service = impatient().await;
    let listening = service.listen();
    let mut wire = connect(listening.address(), "GET /api/v1/things/short HTTP/1.1\r\n").await;
    let drip = async {
        while wire.write("x-a: b\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(LONG, drip).await.is_ok());
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__IDLE_TIMEOUT_MS", "200").build().await;
    let listening = service.listen();
    let mut wire = connect(listening.address(), "GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\n\r\n").await;
    wire.request().await.unwrap();
    assert!(timeout(LONG, wire.gone()).await.is_ok());
}

#[tokio::test]
async fn a_request_in_hand_is_not_cut_for_the_time_that_it_takes() {
    let service = impatient().await;
    let listening = service.listen();
    let ask = "GET /api/v1/things/slow HTTP/1.1\r\nhost: x\r\nx-request-timeout-ms: 700\r\n\r\n";
    let mut wire = connect(listening.address(), ask).await;
    assert!(timeout(LONG, wire.request()).await.unwrap().unwrap().starts_with("HTTP/1.1 504"));
    wire.write("GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(wire.request().await.unwrap().starts_with("HTTP/1.1 200"), "and the connection goes on");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let service = things().await;
    let listening = service.listen();
    let head = format!("GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\nx-a: {}\r\n\r\n", "a".repeat(70_000));
    let mut wire = Wire::connect(listening.address()).await.unwrap();
    // It may close before it has read all of it.
    drop(wire.write(head).await);
    let answer = wire.rest().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn odd_requests_get_an_answer_and_the_next_one_too() {
    let service = things().await;
    let listening = service.listen();
    for (head, status) in [
        ("CONNECT shop.example:80 HTTP/1.1\r\nhost: shop.example:80", "405"),
        ("OPTIONS * HTTP/1.1\r\nhost: x", "404"),
        ("TRACE /api/v1/things HTTP/1.1\r\nhost: x", "405"),
        ("GET http://shop.example/api/v1/things/short HTTP/1.1\r\nhost: shop.example", "200"),
        ("GET /api/v1/things/short HTTP/1.0", "200"),
        ("GET //api//v1/things HTTP/1.1\r\nhost: x", "404"),
        ("GET /api/v1/things/%00 HTTP/1.1\r\nhost: x", "400"),
        ("GET /api/v1/things?\u{e9} HTTP/1.1\r\nhost: x", "400"),
        ("GET /internal/ HTTP/1.1\r\nhost: x", "404"),
        ("POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2", "400"),
        ("POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: +1", "400"),
        // Who expects more than a server has to know is answered as if it had not (RFC 9110, section 10.1.1).
        ("POST /api/v1/things/raw HTTP/1.1\r\nhost: x\r\nexpect: a-miracle\r\ncontent-length: 0", "200"),
        ("GET /api/v1/things/short HTTP/9.9\r\nhost: x", "400"),
        ("nonsense", "400"),
    ] {
        let mut wire = connect(listening.address(), &format!("{head}\r\nconnection: close\r\n\r\n")).await;
        let answer = timeout(LONG, wire.rest()).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_body_with_two_lengths_is_read_by_the_chunks_and_the_next_request_is_its_own() {
    let service = things().await;
    let listening = service.listen();
    let smuggler = "POST /api/v1/things/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\
                    transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
                    GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut wire = connect(listening.address(), smuggler).await;
    let answers = timeout(LONG, wire.rest()).await.unwrap();
    assert!(answers.contains("\r\n\r\n5"), "the body had five bytes: {answers}");
    assert!(answers.matches("HTTP/1.1 ").count() <= 2 && !answers.contains("HTTP/1.1 4"), "{answers}");
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let service = things().await;
    let listening = service.listen();
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let url = format!("{}/api/v1/things/short", listening.url());
    let answer = client.get(url.parse().unwrap()).await.unwrap();
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
}

#[tokio::test]
async fn one_more_connection_than_allowed_waits_its_turn() {
    let service = things().await;
    let config = HttpConfig { port: 0, threads: 1, max_connections: 1, ..HttpConfig::default() };
    let listener = Listener::bind(&config).unwrap();
    let address = listener.address();
    let (_stopper, stop) = chassis::stop::channel();
    let _serving = listener.serve(service.assembled().front(), &config, &stop).unwrap();
    let ask = "GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = connect(address, ask).await;
    first.request().await.unwrap();
    let mut second = connect(address, ask).await;
    assert!(timeout(Duration::from_millis(200), second.head()).await.is_err());
    drop(first);
    assert!(timeout(LONG, second.request()).await.unwrap().unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_stop_lets_requests_in_hand_finish_and_takes_no_others() {
    let lines = Lines::capture("info");
    let service = things().await;
    let listening = service.listen();
    let mut busy = connect(listening.address(), "GET /api/v1/things/gate HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = connect(listening.address(), "GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\n\r\n").await;
    idle.request().await.unwrap();
    let active = async || lines.metric("http_active_connections", &["service=\"things\""]);
    eventually(async || active().await == Some(1.0)).await;

    listening.stop();
    timeout(LONG, idle.gone()).await.unwrap();
    let refused = async || Wire::connect(listening.address()).await.is_err();
    eventually(refused).await;
    assert!(timeout(Duration::from_millis(100), listening.drained()).await.is_err(), "one is in hand");

    GATE.add_permits(1);
    let answer = timeout(LONG, busy.request()).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("through"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    timeout(LONG, listening.drained()).await.unwrap();
}

#[tokio::test]
async fn what_does_not_end_by_itself_is_cut_at_the_end() {
    let service = things().await;
    let listening = service.listen();
    let mut busy =
        connect(listening.address(), "GET /api/v1/things/stream HTTP/1.1\r\nhost: x\r\n\r\n").await;
    busy.until("first piece").await.unwrap();
    listening.stop();
    let ended = tokio::task::spawn_blocking(|| listening.end());
    timeout(LONG, ended).await.unwrap().unwrap();
    let rest = timeout(LONG, busy.rest()).await.unwrap();
    assert!(!rest.contains("0\r\n\r\n"), "a cut body must not look like a whole one: {rest}");
}
