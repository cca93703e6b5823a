//! Clients that mean harm, or know no better, over raw sockets: what they do ends at the listener, and others are served
//! meanwhile.

use crate::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, asking, fields, frame, http2, until,
};
use crate::house::Things;
use chassis::http::{HttpConfig, Listener};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use testkit::{Listening, Setup, TestService, Wire, eventually};
use tokio::time::timeout;

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(15);
const ASK: &str = "GET /api/v1/things/short HTTP/1.1\r\nhost: x\r\n\r\n";

async fn listening(settings: &[(&str, &str)]) -> (TestService, Listening) {
    let setup = settings.iter().fold(Setup::of::<Things>(), |setup, (name, value)| setup.set(name, *value));
    let service = setup.build().await;
    let listening = service.listen();
    (service, listening)
}

async fn connect(address: SocketAddr, first: impl AsRef<[u8]>) -> Wire {
    let mut wire = Wire::connect(address).await.unwrap();
    wire.write(first).await.unwrap();
    wire
}

/// Whether somebody else is answered, and how long that takes.
async fn others_are_served(address: SocketAddr) {
    let began = Instant::now();
    let answer = timeout(LONG, connect(address, ASK).await.request()).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_eager_sender_that_is_refused_reads_why() {
    let (_service, listening) = listening(&[]).await;
    let much = vec![b'x'; 4 * 1024 * 1024];
    for (head, status) in [
        ("POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 4194304\r\n\r\n", "413"),
        ("POST /api/v1/nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n", "404"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        // Not once in some: each time.
        for _ in 0..10 {
            let mut wire = connect(listening.address(), head).await;
            wire.write(&much).await.unwrap_or_else(|error| panic!("{status}: {error}"));
            let answer =
                timeout(LONG, wire.head()).await.unwrap().unwrap_or_else(|error| panic!("{status}: {error}"));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_refused_sender_that_goes_on_for_ever_is_cut() {
    let (_service, listening) = listening(&[]).await;
    let head = "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000000\r\n\r\n";
    let mut wire = connect(listening.address(), head).await;
    let piece = vec![b'x'; 256 * 1024];
    let sending = async { while wire.write(&piece).await.is_ok() {} };
    timeout(LONG, sending).await.expect("it is cut");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let (_service, listening) = listening(&[("BOWLINE_HTTP__BODY_TIMEOUT_MS", "200")]).await;
    let head = "POST /api/v1/things/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nfirst";
    let mut wire = connect(listening.address(), head).await;
    let answer = timeout(LONG, wire.rest()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn who_does_not_read_its_answer_is_cut_and_who_reads_slowly_is_not() {
    let (_service, listening) = listening(&[("BOWLINE_HTTP__WRITE_TIMEOUT_MS", "600")]).await;
    let ask = "GET /api/v1/things/flood HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut deaf = connect(listening.address(), ask).await;
    let mut slow = connect(listening.address(), ask).await;
    // Five times as long as one may take that takes nothing.
    for _ in 0..60 {
        slow.exactly(512 * 1024).await.expect("it is served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // One that is deaf hears of its end only when it speaks; what lies in its own socket is all that it gets.
    let speaking = async {
        while deaf.write("x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, speaking).await.expect("it was cut");
    others_are_served(listening.address()).await;
}

#[tokio::test]
async fn a_client_that_takes_all_it_can_get_leaves_room_for_the_others() {
    let settings = [("BOWLINE_HTTP__MAX_IN_FLIGHT", "100"), ("BOWLINE_HTTP__MIN_IN_FLIGHT", "100")];
    let (service, listening) =
        listening(&[settings[0], settings[1], ("BOWLINE_HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let ask = |client: &str| {
        format!("GET /api/v1/things/me?{client} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {client}\r\n\r\n")
    };
    let hold = |client: &str| {
        format!(
            "POST /api/v1/things/raw HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {client}\r\ncontent-length: 5\r\n\r\n"
        )
    };
    let refused = async |request: String| {
        let mut wire = connect(listening.address(), request).await;
        timeout(Duration::from_millis(300), wire.head())
            .await
            .is_ok_and(|answer| answer.unwrap().contains(" 503 "))
    };
    // Somebody else is there, with a single request.
    let _other = connect(listening.address(), hold("192.0.2.2")).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(connect(listening.address(), hold("192.0.2.1")).await);
    }
    eventually(async || refused(hold("192.0.2.1")).await).await;
    assert!(!refused(ask("192.0.2.2")).await && !refused(hold("192.0.2.3")).await, "others have room");
    drop(service);
}

#[tokio::test]
async fn a_client_has_so_many_connections_and_no_more() {
    let service = Setup::of::<Things>().build().await;
    let config = HttpConfig { port: 0, threads: 2, max_connections_per_client: 3, ..HttpConfig::default() };
    let listener = Listener::bind(&config).unwrap();
    let address = listener.address();
    let (_stopper, stop) = chassis::stop::channel();
    let _serving = listener.serve(service.assembled().front(), &config, &stop).unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut wire = connect(address, ASK).await;
        assert!(wire.request().await.unwrap().starts_with("HTTP/1.1 200"));
        open.push(wire);
    }
    let mut fourth = Wire::connect(address).await.unwrap();
    drop(fourth.write(ASK).await);
    assert_eq!(timeout(LONG, fourth.rest()).await.unwrap(), "");
    drop(open.pop());
    eventually(async || {
        let mut again = Wire::connect(address).await.unwrap();
        drop(again.write(ASK).await);
        again.request().await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    })
    .await;
}

#[tokio::test]
async fn who_takes_back_its_requests_as_fast_as_it_sends_them_is_told_to_go() {
    let (_service, listening) = listening(&[]).await;
    let head = asking("GET", "/api/v1/things/slow", &[]);
    let cancel = 8_u32.to_be_bytes();
    // All at once, so that they are taken back before they are looked at; and each after it was taken up.
    for together in [true, false] {
        let mut wire = http2(listening.address()).await;
        let mut flood = Vec::new();
        let mut gone = false;
        for number in 0..5_000 {
            let stream = 2 * number + 1;
            flood.extend(frame(HEADERS, END_HEADERS | END_STREAM, stream, &head));
            if !together {
                gone |= wire.write(&flood).await.is_err();
                flood.clear();
                tokio::task::yield_now().await;
            }
            flood.extend(frame(RST_STREAM, 0, stream, &cancel));
            if gone {
                break;
            }
        }
        drop(wire.write(&flood).await);
        others_are_served(listening.address()).await;
        let told = until(&mut wire, |kind, _, _| kind == GOAWAY).await;
        assert!(told.is_some() || gone, "together: {together}");
        timeout(LONG, wire.gone()).await.expect("it is gone");
    }
}

#[tokio::test]
async fn a_list_of_headers_without_an_end_is_cut() {
    let (_service, listening) = listening(&[]).await;
    let mut wire = http2(listening.address()).await;
    wire.write(frame(HEADERS, END_STREAM, 1, &asking("GET", "/", &[]))).await.unwrap();
    let more = frame(CONTINUATION, 0, 1, &fields(&[("x-a", &"b".repeat(100))]).repeat(100));
    let mut sent = 0_usize;
    while sent < 64 * 1024 * 1024 && wire.write(&more).await.is_ok() {
        sent += more.len();
    }
    assert!(sent < 32 * 1024 * 1024, "it took {sent} bytes of a head");
    others_are_served(listening.address()).await;
}

#[tokio::test]
async fn a_stream_that_is_not_taken_holds_its_connection_no_longer_than_another() {
    let (_service, listening) = listening(&[("BOWLINE_HTTP__WRITE_TIMEOUT_MS", "500")]).await;
    let mut wire = http2(listening.address()).await;
    let head = asking("GET", "/api/v1/things/flood", &[]);
    wire.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)).await.unwrap();
    // It reads everything, and never says that it has room for more.
    timeout(LONG, wire.gone()).await.expect("it is cut");
}

#[tokio::test]
async fn a_connection_of_http_2_that_nobody_uses_is_told_to_go() {
    let (_service, listening) = listening(&[("BOWLINE_HTTP__IDLE_TIMEOUT_MS", "200")]).await;
    let mut wire = http2(listening.address()).await;
    let head = asking("GET", "/api/v1/things/short", &[]);
    wire.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)).await.unwrap();
    assert!(until(&mut wire, |kind, _, _| kind == GOAWAY).await.is_some());
    timeout(LONG, wire.gone()).await.expect("it is gone");
}

#[tokio::test]
async fn a_request_that_crosses_with_the_farewell_is_answered_in_its_own_time() {
    let (_service, listening) = listening(&[("BOWLINE_HTTP__IDLE_TIMEOUT_MS", "200")]).await;
    let mut wire = http2(listening.address()).await;
    let head = asking("GET", "/api/v1/things/short", &[]);
    wire.write(frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)).await.unwrap();
    assert!(until(&mut wire, |kind, _, _| kind == GOAWAY).await.is_some());
    // Longer than a connection may take that has nothing to say.
    let late = asking("GET", "/api/v1/things/slow", &[("x-request-timeout-ms", "1500")]);
    wire.write(frame(HEADERS, END_HEADERS | END_STREAM, 3, &late)).await.unwrap();
    let answered = until(&mut wire, |kind, stream, _| kind == HEADERS && stream == 3).await;
    assert!(answered.is_some(), "it was cut");
    timeout(LONG, wire.gone()).await.expect("it is gone");
}
