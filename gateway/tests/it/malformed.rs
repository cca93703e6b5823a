//! Malformed and ambiguous requests, byte by byte: what the door refuses never reaches the service behind it, and what it lets
//! through the service reads as the door did.

use crate::house::door_to;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Listening, RawPeer, TestService, Wire, eventually};
use tokio::time::timeout;

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(10);
const IMPATIENT: [(&str, &str); 2] =
    [("BOWLINE_HTTP__BODY_TIMEOUT_MS", "500"), ("BOWLINE_HTTP__HEADER_TIMEOUT_MS", "500")];
const PATH: &str = "/api/v1/things";

/// A door, and every byte that came through it.
struct Door {
    listening: Listening,
    _door: TestService,
    peer: RawPeer,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Door {
    async fn open() -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let peer = RawPeer::start(move |mut wire: Wire| {
            let hears = Arc::clone(&hears);
            async move {
                while let Ok(byte) = wire.exactly(1).await {
                    if is_whole_with(&hears, &byte) {
                        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
                    }
                }
                Ok(())
            }
        })
        .await;
        let (door, listening) = door_to(&peer, &IMPATIENT).await;
        Self { listening, _door: door, peer, heard }
    }

    /// Sends these bytes, stays to listen, and returns everything that is answered until the door closes.
    async fn answers(&self, bytes: &[u8]) -> String {
        let mut wire = Wire::connect(self.listening.address()).await.unwrap();
        // The door may have closed before it has read everything.
        drop(wire.write(bytes).await);
        timeout(LONG, wire.rest()).await.unwrap()
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }

    /// What must be refused: with one of these statuses, or without a word.
    async fn refuses(&self, name: &str, bytes: &[u8], statuses: &[&str]) {
        let answers = self.answers(bytes).await;
        let seen: Vec<&str> = answers
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|answer| answer.split(' ').next().unwrap_or_default())
            .collect();
        assert!(seen.len() <= 1, "{name}: what follows is answered too: {answers}");
        assert!(seen.iter().all(|status| statuses.contains(status)), "{name}: {seen:?} for {answers}");
        assert_eq!(self.heard(), "", "{name}: the service heard of it");
        assert_eq!(self.peer.connections(), 0, "{name}: the service was called");
    }
}

/// Notes what came, and says whether a request has come to its end by it.
fn is_whole_with(heard: &Mutex<Vec<u8>>, came: &[u8]) -> bool {
    let mut heard = heard.lock().unwrap();
    heard.extend(came);
    let chunks = String::from_utf8_lossy(&heard).to_ascii_lowercase().contains("transfer-encoding: chunked");
    heard.ends_with(b"\r\n0\r\n\r\n") || heard.ends_with(b"\r\n\r\n") && !chunks
}

/// A request behind the one that is refused, which nobody may carry out.
const NEXT: &str = "GET /api/v1/things/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_request_whose_end_is_not_clear_is_refused() {
    let door = Door::open().await;
    for (name, lines) in [
        ("two lengths", "content-length: 3\r\ncontent-length: 4"),
        ("a list of lengths", "content-length: 3, 4"),
        ("a list of equal lengths", "content-length: 3, 3"),
        ("a length with a sign", "content-length: +3"),
        ("a negative length", "content-length: -3"),
        ("a length with a space inside", "content-length: 3 3"),
        ("a length in hexadecimal", "content-length: 0x3"),
        ("an empty length", "content-length: "),
        ("a length that is too large for a number", "content-length: 99999999999999999999"),
        ("an unknown coding", "transfer-encoding: xchunked"),
        ("a coding before the chunks", "transfer-encoding: gzip, chunked"),
        ("a coding behind the chunks", "transfer-encoding: chunked, identity"),
        ("chunks twice", "transfer-encoding: chunked, chunked"),
        ("chunks twice, in two lines", "transfer-encoding: chunked\r\ntransfer-encoding: chunked"),
        ("chunks and then something else", "transfer-encoding: chunked\r\ntransfer-encoding: identity"),
        ("something else and then chunks", "transfer-encoding: identity\r\ntransfer-encoding: chunked"),
        ("chunks with a vertical tab", "transfer-encoding: \x0bchunked"),
        ("quoted chunks", "transfer-encoding: \"chunked\""),
        ("chunks with a parameter", "transfer-encoding: chunked;q=1"),
        ("a space before the colon", "transfer-encoding : chunked"),
        ("a space before the colon of a length", "content-length : 3"),
        ("a line that goes on in the next", "x-a: b\r\n c\r\ncontent-length: 3"),
        ("a coding in the line after", "transfer-encoding:\r\n chunked"),
        ("a space before a name", " content-length: 3"),
        ("a name with a NUL", "x\0a: b"),
        ("a value with a NUL", "x-a: b\0c"),
        ("a value with a bare return", "x-a: b\rcontent-length: 3"),
        ("a line without a colon", "content-length 3"),
        ("a name that is empty", ": b"),
    ] {
        let request = format!("POST {PATH} HTTP/1.1\r\nhost: x\r\n{lines}\r\n\r\n0\r\n\r\n{NEXT}");
        door.refuses(name, request.as_bytes(), &["400"]).await;
    }
    let old = format!("POST {PATH} HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{NEXT}");
    door.refuses("chunks in HTTP/1.0", old.as_bytes(), &["400"]).await;
}

#[tokio::test]
async fn a_first_line_that_is_not_clear_is_refused() {
    let door = Door::open().await;
    let many = "x-a: b\r\n".repeat(200);
    let long = "a".repeat(70_000);
    for (name, head, statuses) in [
        ("HTTP/0.9", format!("GET {PATH}\r\n"), &["400"][..]),
        ("HTTP/2.0 in a first line", format!("GET {PATH} HTTP/2.0\r\nhost: x"), &["400"]),
        ("HTTP/1.2", format!("GET {PATH} HTTP/1.2\r\nhost: x"), &["400"]),
        ("lower case", format!("GET {PATH} http/1.1\r\nhost: x"), &["400"]),
        ("two spaces", format!("GET  {PATH} HTTP/1.1\r\nhost: x"), &["400"]),
        ("a tab", format!("GET\t{PATH}\tHTTP/1.1\r\nhost: x"), &["400"]),
        ("a space in the target", format!("GET {PATH}/a b HTTP/1.1\r\nhost: x"), &["400"]),
        ("a target without a slash", "GET api/v1/things HTTP/1.1\r\nhost: x".to_owned(), &["400", "404"]),
        ("no Host", format!("GET {PATH} HTTP/1.1"), &["400"]),
        ("two Hosts", format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nhost: x"), &["400"]),
        ("a list of Hosts", format!("GET {PATH} HTTP/1.1\r\nhost: x, y"), &["400"]),
        ("an empty Host", format!("GET {PATH} HTTP/1.1\r\nhost:"), &["400"]),
        ("a Host with a path", format!("GET {PATH} HTTP/1.1\r\nhost: x/y"), &["400"]),
        ("a Host with a user", format!("GET {PATH} HTTP/1.1\r\nhost: a@x"), &["400"]),
        ("another Host than the target's", format!("GET http://x{PATH} HTTP/1.1\r\nhost: y"), &["400"]),
        ("too many headers", format!("GET {PATH} HTTP/1.1\r\nhost: x\r\n{many}"), &["431"]),
        ("a line that is too long", format!("GET {PATH}?{long} HTTP/1.1\r\nhost: x"), &["414", "431"]),
        ("a header that is too long", format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nx-a: {long}"), &["431"]),
        ("a tunnel", "CONNECT x:80 HTTP/1.1\r\nhost: x:80".to_owned(), &["405"]),
        ("a mirror", format!("TRACE {PATH} HTTP/1.1\r\nhost: x"), &["405"]),
        ("a hidden slash", format!("GET {PATH}/a%2f..%2fb HTTP/1.1\r\nhost: x"), &["400"]),
        ("a hidden backslash", format!("GET {PATH}/a%5Cb HTTP/1.1\r\nhost: x"), &["400"]),
        ("a backslash", format!("GET {PATH}/a\\b HTTP/1.1\r\nhost: x"), &["400"]),
        ("a hidden NUL", format!("GET {PATH}/a%00 HTTP/1.1\r\nhost: x"), &["400"]),
        ("a NUL in the path", format!("GET {PATH}/a\0 HTTP/1.1\r\nhost: x"), &["400"]),
    ] {
        door.refuses(name, format!("{head}\r\n\r\n{NEXT}").as_bytes(), statuses).await;
    }
    for climbs in ["/api/v1/things/../other", "/api/v1/things/%2e%2e/other", "/api/v1/things/..;/other"] {
        let request = format!("GET {climbs} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        door.refuses("a path that climbs", request.as_bytes(), &["404"]).await;
    }
}

/// What arrives of a body in chunks that are wrong: the service may have heard its beginning, but never its end.
#[tokio::test]
async fn a_body_in_wrong_chunks_is_never_a_whole_one_for_the_service() {
    for (name, chunks) in [
        ("a size that is too large", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("a size with a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
        ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("no size", "\r\nhello\r\n0\r\n\r\n"),
        ("a space before the size", " 5\r\nhello\r\n0\r\n\r\n"),
        ("two sizes", "5 5\r\nhello\r\n0\r\n\r\n"),
        ("a bare line feed behind the size", "5\nhello\r\n0\r\n\r\n"),
        ("a bare line feed in an extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("a bare return in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("a chunk that is longer than it says", "4\r\nhello\r\n0\r\n\r\n"),
        ("a chunk that is shorter than it says", "6\r\nhello\r\n0\r\n\r\n"),
        ("no line behind the chunk", "5\r\nhello0\r\n\r\n"),
        ("a chunk that is cut off", "5\r\nhel"),
        ("chunks without an end", "5\r\nhello\r\n"),
        ("an end that is cut off", "5\r\nhello\r\n0\r\n"),
        ("a trailer that is none", "5\r\nhello\r\n0\r\nno trailer\r\n\r\n"),
    ] {
        let door = Door::open().await;
        let request =
            format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        let answers = door.answers(request.as_bytes()).await;
        assert!(!answers.contains("HTTP/1.1 2"), "{name}: {answers}");
        let heard = door.heard();
        assert!(!heard.ends_with("0\r\n\r\n"), "{name}: the service heard it to its end: {heard}");
    }
}

#[tokio::test]
async fn what_is_let_through_is_framed_anew() {
    for (name, lines, body, heard_body) in [
        (
            "a length and chunks",
            "content-length: 3\r\ntransfer-encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "chunks and a length",
            "transfer-encoding: chunked\r\ncontent-length: 3",
            "5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        ("chunks in capitals", "Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n", "hello"),
        (
            "leading zeros and an extension",
            "transfer-encoding: chunked",
            "0005;a=b\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        ("a trailer", "transfer-encoding: chunked", "5\r\nhello\r\n0\r\nx-user-id: 1\r\n\r\n", "hello"),
        ("the same length twice", "content-length: 5\r\ncontent-length: 5", "hello", "hello"),
        (
            "an upgrade to h2c",
            "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\ncontent-length: 0",
            "",
            "",
        ),
        ("an expectation that nobody knows", "expect: 200-maybe\r\ncontent-length: 0", "", ""),
    ] {
        let door = Door::open().await;
        let request =
            format!("POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n\r\n{body}{NEXT}");
        let mut wire = Wire::connect(door.listening.address()).await.unwrap();
        wire.write(request).await.unwrap();
        let heard = eventually(async || {
            let heard = door.heard();
            if heard.contains("\r\n\r\n") && heard.contains(heard_body) { Ok(heard) } else { Err(heard) }
        })
        .await;
        assert_eq!(heard.matches(" HTTP/1.1\r\n").count(), 1, "{name}: {heard}");
        assert!(!heard.contains("smuggled"), "{name}: {heard}");
        let head = heard.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        let lengths = head.matches("content-length:").count();
        let chunks = head.matches("transfer-encoding: chunked").count();
        assert!(lengths + chunks <= 1, "{name}: {heard}");
        assert!(!heard.contains("content-length: 3") && !heard.contains("x-user-id"), "{name}: {heard}");
        assert!(!head.contains("upgrade") && !head.contains("expect"), "{name}: {heard}");
    }
}

#[tokio::test]
async fn a_line_that_ends_with_a_bare_line_feed_is_one_line_for_both() {
    let door = Door::open().await;
    let request = format!("GET {PATH} HTTP/1.1\nhost: x\nx-a: b\nconnection: close\n\n");
    let answers = door.answers(request.as_bytes()).await;
    // RFC 9112, section 2.2 lets a server take it for the end of a line; the service gets the proper one.
    assert!(answers.starts_with("HTTP/1.1 200"), "{answers}");
    let heard = door.heard();
    assert!(heard.contains("x-a: b\r\n") && !heard.replace("\r\n", "").contains('\n'), "{heard}");
}

#[tokio::test]
async fn behind_a_refused_request_nothing_is_carried_out() {
    let door = Door::open().await;
    let large = "a".repeat(2_000_000);
    for (name, request) in [
        (
            "too large by its length",
            format!("POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", large.len()),
        ),
        (
            "of another route",
            "POST /internal/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n".to_owned(),
        ),
    ] {
        door.refuses(name, format!("{request}{large}{NEXT}").as_bytes(), &["413", "404"]).await;
    }
}
