//! Which requests become a tunnel, seen on the wire: what is not exactly a handshake and its answer stays HTTP.

use crate::house::door_to;
use std::sync::Arc;
use std::time::Duration;
use testkit::ws::{acceptance, handshake};
use testkit::{Listening, RawPeer, TestService, Wire, eventually};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(10);
const PATH: &str = "/api/v1/things/ws";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A peer that answers each head with what this makes of it and keeps everything that it hears.
async fn peer(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (RawPeer, Arc<Mutex<String>>) {
    let heard = Arc::new(Mutex::new(String::new()));
    let (hears, answer) = (Arc::clone(&heard), Arc::new(answer));
    let peer = RawPeer::start(move |mut wire: Wire| {
        let (hears, answer) = (Arc::clone(&hears), Arc::clone(&answer));
        async move {
            loop {
                let head = wire.head().await?;
                hears.lock().await.push_str(&head);
                wire.write(answer(&head)).await?;
            }
        }
    })
    .await;
    (peer, heard)
}

async fn connect(to: &Listening, ask: impl AsRef<[u8]>) -> Wire {
    let mut wire = Wire::connect(to.address()).await.unwrap();
    wire.write(ask).await.unwrap();
    wire
}

async fn head(wire: &mut Wire) -> String {
    timeout(LONG, wire.head()).await.unwrap().unwrap().to_lowercase()
}

async fn door(answer: &'static str) -> (TestService, Listening, RawPeer, Arc<Mutex<String>>) {
    let (peer, heard) = peer(|_| answer.to_owned()).await;
    let (door, listening) = door_to(&peer, &[]).await;
    (door, listening, peer, heard)
}

#[tokio::test]
async fn after_the_handshake_bytes_go_through_as_they_are() {
    let heard = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&heard);
    let peer = RawPeer::start(move |mut wire: Wire| {
        let hears = Arc::clone(&hears);
        async move {
            let head = wire.head().await?;
            // Its first words come with the answer.
            wire.write(format!("{}first words\n", acceptance(&head))).await?;
            *hears.lock().await = head;
            loop {
                let line = wire.until("\n").await?;
                wire.write(format!("heard {line}")).await?;
            }
        }
    })
    .await;
    let (_door, listening) = door_to(&peer, &[]).await;
    let lines = [
        "sec-websocket-protocol: chat",
        "sec-websocket-extensions: permessage-deflate",
        "x-user-id: 1",
        "te: trailers",
    ];
    // Nor does a client have to wait for the answer.
    let ask = format!("{}early\n", handshake(PATH, &lines));
    let mut client = connect(&listening, ask).await;
    let answer = head(&mut client).await;
    assert!(answer.starts_with("http/1.1 101 "), "{answer}");
    for line in [
        "\r\nconnection: upgrade\r\n",
        "\r\nupgrade: websocket\r\n",
        "\r\nsec-websocket-accept: ",
        "\r\nx-request-id: ",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    for line in ["content-length", "transfer-encoding"] {
        assert!(!answer.contains(line), "{line}: {answer}");
    }
    let mut until = async |end: &str| timeout(LONG, client.until(end)).await.unwrap().unwrap();
    assert_eq!(until("\n").await, "first words\n");
    assert_eq!(until("\n").await, "heard early\n");
    client.write("GET /internal/v1/things/closed HTTP/1.1\r\nhost: x\r\n\r\n\n").await.unwrap();
    let echoed = timeout(LONG, client.until("heard \n")).await.unwrap().unwrap();
    assert!(echoed.starts_with("heard GET /internal/v1"), "{echoed}");
    let heard = heard.lock().await.to_lowercase();
    for line in [
        "\r\nconnection: upgrade\r\n",
        "\r\nupgrade: websocket\r\n",
        "\r\nsec-websocket-version: 13\r\n",
        "\r\nsec-websocket-protocol: chat\r\n",
        "\r\nsec-websocket-extensions: permessage-deflate\r\n",
        "\r\nx-forwarded-for: 127.0.0.1\r\n",
        "\r\nx-service-authorization: ",
    ] {
        assert!(heard.contains(line), "{line}: {heard}");
    }
    for line in ["x-user-id", "\r\nte: "] {
        assert!(!heard.contains(line), "{line}: {heard}");
    }
}

#[tokio::test]
async fn after_any_other_answer_nothing_is_tunnelled() {
    for answer in [
        OK,
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let (_door, listening, _peer, heard) = door(answer).await;
        let smuggled = "GET /internal/v1/things/closed HTTP/1.1\r\nhost: x\r\nx-user-id: 1\r\n\r\n";
        let last = "GET /api/v1/absences HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut client = connect(&listening, format!("{}{smuggled}{last}", handshake(PATH, &[]))).await;
        let got = timeout(LONG, client.rest()).await.unwrap();
        let status = &answer[..12];
        assert!(got.starts_with(status), "{status}: {got}");
        // The door read what came behind, and answered it by its own rules: from outside there are no internal routes.
        let statuses: Vec<&str> =
            got.match_indices("HTTP/1.1 ").map(|(at, _)| &got[at + 9..at + 12]).collect();
        assert_eq!(statuses[1..], ["404", "503"], "{got}");
        let heard = heard.lock().await;
        assert_eq!(heard.matches("HTTP/1.1\r\n").count(), 1, "the service saw one request: {heard}");
    }
}

#[tokio::test]
async fn a_101_that_does_not_answer_the_handshake_opens_nothing() {
    type Change = fn(String) -> String;
    let changes: [(&str, Change); 6] = [
        ("of another handshake", |_| acceptance("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==")),
        ("without a word", |_| "HTTP/1.1 101 Switching Protocols\r\n\r\n".to_owned()),
        ("to something else", |right| right.replace("upgrade: websocket", "upgrade: h2c")),
        ("to several", |right| right.replace("upgrade: websocket", "upgrade: websocket, h2c")),
        ("that is no upgrade", |right| right.replace("connection: Upgrade", "connection: keep-alive")),
        ("accepted twice", |right| right.replace("\r\n\r\n", "\r\nsec-websocket-accept: x\r\n\r\n")),
    ];
    for (what, change) in changes {
        let left = Arc::new(Mutex::new(None));
        let leaves = Arc::clone(&left);
        let peer = RawPeer::start(move |mut wire: Wire| {
            let leaves = Arc::clone(&leaves);
            async move {
                let head = wire.head().await?;
                wire.write(change(acceptance(&head))).await?;
                *leaves.lock().await = Some(wire.rest().await);
                Ok(())
            }
        })
        .await;
        let (_door, listening) = door_to(&peer, &[]).await;
        let last = "GET /api/v1/absences HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut client = connect(&listening, format!("{}{last}", handshake(PATH, &[]))).await;
        let got = timeout(LONG, client.rest()).await.unwrap();
        assert!(got.starts_with("HTTP/1.1 502 ") && got.contains("HTTP/1.1 503 "), "{what}: {got}");
        let rest = eventually(async || left.lock().await.clone()).await;
        assert_eq!(rest, "", "{what}: and the service's connection is closed");
    }
}

#[tokio::test]
async fn a_101_that_nobody_asked_for_opens_nothing() {
    let (peer, _) = peer(|_| acceptance("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==")).await;
    let (_door, listening) = door_to(&peer, &[]).await;
    for ask in [
        "GET /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "POST /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        "GET /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close, upgrade\r\nupgrade: h2c\r\n\r\n",
    ] {
        let mut client = connect(&listening, ask).await;
        let got = timeout(LONG, client.rest()).await.unwrap();
        assert!(got.starts_with("HTTP/1.1 502 "), "{got}");
    }
}

#[tokio::test]
async fn what_is_nearly_a_handshake_never_reaches_the_service() {
    let (_door, listening, peer, _) = door(OK).await;
    let right = handshake(PATH, &["connection: close"]);
    for (from, to) in [
        ("GET ", "POST "),
        ("GET ", "HEAD "),
        ("upgrade: websocket", "upgrade: websocket, h2c"),
        ("upgrade: websocket", "upgrade: h2c\r\nupgrade: websocket"),
        ("version: 13", "version: 8"),
        ("sec-websocket-version: 13\r\n", ""),
        ("sec-websocket-key: ", "sec-websocket-key: 1"),
        ("sec-websocket-key: ", "x-key: "),
        ("\r\n\r\n", "\r\ncontent-length: 5\r\n\r\nhello"),
        ("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ] {
        let mut client = connect(&listening, right.replacen(from, to, 1)).await;
        let got = timeout(LONG, client.rest()).await.unwrap();
        assert!(got.starts_with("HTTP/1.1 400 "), "{to}: {got}");
        assert!(got.contains("\r\nsec-websocket-version: 13\r\n"), "{to}: {got}");
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn another_protocol_is_not_taken_up_and_the_request_answered_as_it_is() {
    let (_door, listening, _peer, heard) = door(OK).await;
    for ask in [
        "GET /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close, Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\
         http2-settings: AAMAAABkAAQAAP__\r\n\r\n",
        "OPTIONS /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close, upgrade\r\nupgrade: TLS/1.0\r\n\r\n",
        // HTTP/1.0 knows no upgrade.
        &handshake(PATH, &[]).replacen("HTTP/1.1", "HTTP/1.0", 1),
    ] {
        let mut client = connect(&listening, ask).await;
        let got = timeout(LONG, client.rest()).await.unwrap();
        assert!(got.starts_with("HTTP/1.") && got[8..].starts_with(" 200 ") && got.ends_with("ok"), "{got}");
    }
    let heard = heard.lock().await.to_lowercase();
    assert_eq!(heard.matches("http/1.1\r\n").count(), 3, "{heard}");
    assert!(!heard.contains("upgrade") && !heard.contains("http2-settings"), "{heard}");
}

#[tokio::test]
async fn a_tunnel_to_anywhere_is_nothing_that_the_door_makes() {
    let (_door, listening, peer, _) = door(OK).await;
    for ask in [
        "CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n",
        "CONNECT /api/v1/things HTTP/1.1\r\nhost: x\r\n\r\n",
        "TRACE /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ] {
        let mut client = connect(&listening, ask).await;
        let got = head(&mut client).await;
        assert!(["400", "404", "405"].contains(&&got[9..12]), "{got}");
    }
    assert_eq!(peer.connections(), 0);
}

/// RFC 8441: `CONNECT` with `:protocol`, which a server must have offered (`SETTINGS_ENABLE_CONNECT_PROTOCOL`).
#[tokio::test]
async fn a_websocket_over_http_2_is_not_offered_and_refused() {
    const SETTINGS: u8 = 4;
    const RST_STREAM: u8 = 3;
    const ENABLE_CONNECT_PROTOCOL: [u8; 2] = [0, 8];
    let (_door, listening, peer, _) = door(OK).await;
    let mut block = Vec::new();
    let path = PATH;
    for (name, value) in [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
    ] {
        // A literal without indexing, its name new (RFC 7541, section 6.2.2).
        block.push(0);
        for text in [name, value] {
            block.push(text.len() as u8);
            block.extend(text.as_bytes());
        }
    }
    let mut ask = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    ask.extend([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]);
    // The headers, of which there are no more, of stream 1, which goes on.
    ask.extend([0, 0, block.len() as u8, 1, 4, 0, 0, 0, 1]);
    ask.extend(block);
    let mut client = connect(&listening, ask).await;
    let reset = async {
        loop {
            let header = client.exactly(9).await.unwrap();
            let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
            let payload = client.exactly(length).await.unwrap();
            match header[3] {
                SETTINGS => assert!(payload.chunks(6).all(|setting| setting[..2] != ENABLE_CONNECT_PROTOCOL)),
                RST_STREAM => return payload,
                1 => panic!("it was answered"),
                _ => {}
            }
        }
    };
    assert_eq!(timeout(LONG, reset).await.unwrap(), [0, 0, 0, 1], "PROTOCOL_ERROR");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_page_of_another_origin_opens_nothing() {
    let opened = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&opened);
    let peer = RawPeer::start(move |mut wire: Wire| {
        let opens = Arc::clone(&opens);
        async move {
            let head = wire.head().await?;
            assert!(!head.contains("origin:"), "the door has answered for it");
            wire.write(acceptance(&head)).await?;
            opens.add_permits(1);
            wire.gone().await;
            Ok(())
        }
    })
    .await;
    let (_door, listening) = door_to(&peer, &[("ALLOWED_ORIGINS", "https://shop.example")]).await;
    for origin in ["https://evil.example", "null", "http://door:8080"] {
        let mut client = connect(&listening, handshake(PATH, &[&format!("origin: {origin}")])).await;
        let got = head(&mut client).await;
        assert!(got.starts_with("http/1.1 403 "), "{origin}: {got}");
    }
    assert_eq!(opened.available_permits(), 0);
    for origin in ["https://shop.example", "http://door"] {
        let mut client = connect(&listening, handshake(PATH, &[&format!("origin: {origin}")])).await;
        let got = head(&mut client).await;
        assert!(got.starts_with("http/1.1 101 "), "{origin}: {got}");
    }
}
