//! SIGTERM and SIGINT: in order, in bounded time, losing nothing that was accepted.

use crate::support::{Cast, Person, Sandbox, Shape, in_both_shapes};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use testkit::{Client, eventually};

in_both_shapes!(a_request_in_hand_is_answered_before_the_process_ends);

async fn a_request_in_hand_is_answered_before_the_process_ends(mut sandbox: Sandbox) {
    let body = format!(r#"{{"email":"late@example.org","password":"{}"}}"#, crate::support::PASSWORD);
    let head = format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut socket = TcpStream::connect(sandbox.door.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (first, last) = body.split_at(10);
    socket.write_all(format!("{head}{first}").as_bytes()).unwrap();
    let operations = Client::http(sandbox.door.ops_url());
    eventually(|| async {
        let metrics = operations.get_unchecked("/metrics").await.text().into_owned();
        let line =
            metrics.lines().find(|line| line.starts_with("http_active_connections{service=\"gateway\"}"));
        if line.is_some_and(|line| line.ends_with(" 1")) { Ok(()) } else { Err(line.map(str::to_owned)) }
    })
    .await;

    sandbox.door.signal("TERM");
    eventually(|| async {
        let refused = TcpStream::connect(sandbox.door.address()).is_err();
        refused.then_some(()).ok_or("still accepts connections")
    })
    .await;
    socket.write_all(last.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(sandbox.door.wait().code(), Some(0));
}

/// Somebody follows their orders through the door, which is told to stop.
async fn a_stream_of_events_holds_nobody_up(shape: Shape) {
    let mut sandbox = Sandbox::cast(shape, Cast::Everyone, &[]);
    let ada = Person::register(&sandbox.client()).await;
    eventually(|| async {
        let listed = ada.client.get("/api/v1/orders").await;
        (listed.status == 200).then_some(()).ok_or_else(|| listed.text().into_owned())
    })
    .await;
    let mut socket = TcpStream::connect(sandbox.door.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let ask = format!(
        "GET /api/v1/orders/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        ada.access
    );
    socket.write_all(ask.as_bytes()).unwrap();
    let (mut heard, mut piece) = (String::new(), [0; 1_024]);
    while !heard.contains("event: ready") {
        let read = socket.read(&mut piece).unwrap();
        assert!(read > 0, "{heard}");
        heard.push_str(std::str::from_utf8(&piece[..read]).unwrap());
    }
    assert!(heard.contains("content-type: text/event-stream"), "{heard}");
    let began = std::time::Instant::now();
    sandbox.door.signal("TERM");
    socket.read_to_string(&mut heard).unwrap();
    assert!(heard.ends_with("0\r\n\r\n"), "an end, not a break: {heard}");
    assert_eq!(sandbox.door.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(15), "it was waited for: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_stream_of_events_holds_nobody_up_in_one_process() {
    a_stream_of_events_holds_nobody_up(Shape::All).await;
}

#[tokio::test]
async fn a_stream_of_events_holds_nobody_up_as_separate_processes() {
    a_stream_of_events_holds_nobody_up(Shape::Split).await;
}

#[tokio::test]
async fn readiness_turns_red_before_the_end() {
    let mut sandbox = Sandbox::start_with(Shape::All, &[("BOWLINE_DRAIN_SECS", "2")]);
    let operations = Client::http(sandbox.door.ops_url());
    sandbox.door.signal("TERM");
    eventually(|| async {
        let ready = operations.get_unchecked("/ready").await;
        (ready.status == 503).then_some(()).ok_or_else(|| ready.text().into_owned())
    })
    .await;
    assert_eq!(operations.get_unchecked("/health").await.status, 200);
    sandbox.client().get("/").await.expect(200);
    assert_eq!(sandbox.door.wait().code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let mut sandbox = Sandbox::start_with(Shape::All, &[("BOWLINE_DRAIN_SECS", "20")]);
    sandbox.door.signal("INT");
    let operations = Client::http(sandbox.door.ops_url());
    eventually(|| async {
        let ready = operations.get_unchecked("/ready").await;
        (ready.status == 503).then_some(()).ok_or_else(|| ready.text().into_owned())
    })
    .await;
    let began = std::time::Instant::now();
    sandbox.door.signal("INT");
    let status = sandbox.door.wait();
    assert_eq!(status.code(), Some(130), "{status:?} {:?}", status.signal());
    assert!(began.elapsed() < Duration::from_secs(5));
}
