//! Requests of HTTP/2 that are malformed (RFC 9113, section 8) or that two could read differently: none is carried out, and
//! the next one on the same connection is its own.

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, asking, fields, frame, http2,
    next, status,
};
use crate::house::Things;
use std::net::SocketAddr;
use testkit::Setup;

const PATH: &str = "/api/v1/things/raw";

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered(u32),
    /// Its stream was reset, or its connection ended.
    Malformed,
}
use Fate::{Answered, Malformed};

/// A request that is in order but for these fields, and its body.
fn post(more: &[(&str, &str)], body: &str) -> Vec<u8> {
    with(asking("POST", PATH, more), body)
}

/// A request that has these fields and no others, and no body.
fn only(pseudo: &[(&str, &str)]) -> Vec<u8> {
    with(fields(pseudo), "")
}

fn with(head: Vec<u8>, body: &str) -> Vec<u8> {
    [frame(HEADERS, END_HEADERS, 1, &head), frame(DATA, END_STREAM, 1, body.as_bytes())].concat()
}

/// A head in as many frames as it takes.
fn long(head: &[u8]) -> Vec<u8> {
    let mut pieces: Vec<_> = head.chunks(16_384).collect();
    let last = pieces.pop().unwrap();
    let first = frame(HEADERS, END_STREAM, 1, pieces.remove(0));
    let others = pieces.into_iter().map(|piece| frame(CONTINUATION, 0, 1, piece));
    [first, others.flatten().collect(), frame(CONTINUATION, END_HEADERS, 1, last)].concat()
}

/// Sends a request, and a second one behind it, which has to be answered when the connection is still there.
async fn fate(address: SocketAddr, name: &str, request: &[u8]) -> Fate {
    let mut wire = http2(address).await;
    let second = asking("GET", "/api/v1/things/short", &[]);
    let second = frame(HEADERS, END_HEADERS | END_STREAM, 3, &second);
    wire.write([request, &second].concat()).await.unwrap();
    let (mut first, mut is_answered) = (None, false);
    while first.is_none() || !is_answered {
        match next(&mut wire).await {
            None | Some((GOAWAY, ..)) => return first.unwrap_or(Malformed),
            Some((HEADERS, 1, head)) => first = first.or(Some(Answered(status(&head)))),
            Some((RST_STREAM, 1, _)) => first = first.or(Some(Malformed)),
            Some((HEADERS, 3, head)) => {
                assert_eq!(status(&head), 200, "{name}: the next one");
                is_answered = true;
            }
            Some(_) => {}
        }
    }
    first.unwrap()
}

#[tokio::test]
async fn a_request_of_http_2_that_is_malformed_or_ambiguous_is_not_carried_out() {
    let service = Setup::of::<Things>().build().await;
    let listening = service.listen();
    let [method, scheme, authority, path] =
        [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", PATH)];
    let trailers = |trailers: &[(&str, &str)]| {
        let head = frame(HEADERS, END_HEADERS, 1, &asking("POST", PATH, &[]));
        let trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(trailers));
        [head, frame(DATA, 0, 1, b"hello"), trailers].concat()
    };
    let value = "b".repeat(100);
    let many = asking("POST", PATH, &[("x-a", &*value); 600]);
    let mut others = Vec::new();
    for (name, request, expected) in [
        ("nothing", post(&[], ""), Answered(200)),
        ("a length that fits", post(&[("content-length", "5")], "hello"), Answered(200)),
        ("te for trailers", post(&[("te", "trailers")], ""), Answered(200)),
        ("the same host twice over", post(&[("host", "x")], ""), Answered(200)),
        ("a host without an authority", only(&[method, scheme, path, ("host", "x")]), Answered(200)),
        ("trailers", trailers(&[("x-a", "b")]), Answered(200)),
        ("connection", post(&[("connection", "close")], ""), Malformed),
        ("transfer-encoding", post(&[("transfer-encoding", "chunked")], ""), Malformed),
        ("keep-alive", post(&[("keep-alive", "1")], ""), Malformed),
        ("proxy-connection", post(&[("proxy-connection", "close")], ""), Malformed),
        ("an upgrade", post(&[("upgrade", "h2c")], ""), Malformed),
        ("te besides trailers", post(&[("te", "gzip")], ""), Malformed),
        ("capitals in a name", post(&[("X-A", "b")], ""), Malformed),
        ("a space in a name", post(&[("x a", "b")], ""), Malformed),
        ("a colon in a name", post(&[("x:a", "b")], ""), Malformed),
        ("a name that is empty", post(&[("", "b")], ""), Malformed),
        ("a line feed in a value", post(&[("x-a", "b\r\nhost: y")], ""), Malformed),
        ("a NUL in a value", post(&[("x-a", "b\0c")], ""), Malformed),
        ("a length that is too small", post(&[("content-length", "3")], "hello"), Malformed),
        ("a length that is too large", post(&[("content-length", "9")], "hello"), Malformed),
        ("a length that is none", post(&[("content-length", "+5")], "hello"), Malformed),
        ("two lengths", post(&[("content-length", "5"), ("content-length", "6")], "hello"), Malformed),
        ("no method", only(&[scheme, authority, path]), Malformed),
        ("no scheme", only(&[method, authority, path]), Malformed),
        ("no path", only(&[method, scheme, authority]), Malformed),
        ("an empty path", only(&[method, scheme, authority, (":path", "")]), Malformed),
        ("an empty authority", only(&[method, scheme, (":authority", ""), path]), Malformed),
        ("two methods", only(&[method, method, scheme, authority, path]), Malformed),
        ("two schemes", only(&[method, scheme, scheme, authority, path]), Malformed),
        ("two authorities", only(&[method, scheme, authority, authority, path]), Malformed),
        ("two paths", only(&[method, scheme, authority, path, path]), Malformed),
        ("a pseudo header behind another", only(&[method, scheme, authority, ("x-a", "b"), path]), Malformed),
        ("an unknown pseudo header", only(&[method, scheme, authority, path, (":color", "red")]), Malformed),
        ("a status", only(&[method, scheme, authority, path, (":status", "200")]), Malformed),
        ("a protocol", only(&[method, scheme, authority, path, (":protocol", "websocket")]), Malformed),
        ("a tunnel with a path", only(&[(":method", "CONNECT"), scheme, authority, path]), Malformed),
        ("a connection in trailers", trailers(&[("connection", "close")]), Malformed),
        ("a path without a slash", with(asking("POST", "api/v1/things/raw", &[]), ""), Malformed),
        ("no host at all", only(&[method, scheme, path]), Answered(400)),
        ("another host", post(&[("host", "y")], ""), Answered(400)),
        ("two hosts", post(&[("host", "x"), ("host", "x")], ""), Answered(400)),
        ("somebody at the host", only(&[method, scheme, (":authority", "a@x"), path]), Answered(400)),
        ("a hidden slash", with(asking("POST", "/api/v1/things%2fraw", &[]), ""), Answered(400)),
        ("a tunnel", only(&[(":method", "CONNECT"), (":authority", "x:80")]), Answered(405)),
        ("a mirror", with(asking("TRACE", PATH, &[]), ""), Answered(405)),
        ("a list of headers that is too long", long(&many), Answered(431)),
    ] {
        let seen = fate(listening.address(), name, &request).await;
        if seen != expected {
            others.push((name, seen, expected));
        }
    }
    assert_eq!(others, []);
}
