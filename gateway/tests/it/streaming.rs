//! Bodies go through as they come, both ways, and a broken one stays broken.

use crate::house::door_to;
use std::sync::Arc;
use std::time::Duration;
use testkit::{RawPeer, Wire, eventually};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(10);
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

async fn connect(to: &testkit::Listening, ask: &str) -> Wire {
    let mut wire = Wire::connect(to.address()).await.unwrap();
    wire.write(ask).await.unwrap();
    wire
}

#[tokio::test]
async fn the_first_piece_of_an_answer_arrives_before_the_last_is_sent() {
    for accept in ["", "accept-encoding: gzip\r\n"] {
        let go = Arc::new(Semaphore::new(0));
        let waits = Arc::clone(&go);
        let peer = RawPeer::start(move |mut wire: Wire| {
            let waits = Arc::clone(&waits);
            async move {
                wire.head().await?;
                wire.write(format!("{CHUNKED}5\r\nfirst\r\n")).await?;
                drop(waits.acquire().await);
                wire.write("4\r\nlast\r\n0\r\n\r\n").await
            }
        })
        .await;
        let (_door, listening) = door_to(&peer, &[]).await;
        let ask = format!("GET /api/v1/things HTTP/1.1\r\nhost: x\r\n{accept}\r\n");
        let mut client = connect(&listening, &ask).await;
        timeout(LONG, client.until("first\r\n")).await.unwrap().unwrap();
        go.add_permits(1);
        timeout(LONG, client.until("last\r\n0\r\n\r\n")).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_first_piece_of_a_request_arrives_before_the_last_is_sent() {
    let heard = Arc::new(Mutex::new(String::new()));
    let hears = Arc::clone(&heard);
    let peer = RawPeer::start(move |mut wire: Wire| {
        let hears = Arc::clone(&hears);
        async move {
            wire.head().await?;
            for piece in ["first\r\n", "0\r\n\r\n"] {
                let heard = wire.until(piece).await?;
                hears.lock().await.push_str(&heard);
            }
            wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
        }
    })
    .await;
    let (_door, listening) = door_to(&peer, &[]).await;
    let ask = "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let mut client = connect(&listening, ask).await;
    eventually(async || heard.lock().await.contains("first")).await;
    client.write("4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    assert!(timeout(LONG, client.request()).await.unwrap().unwrap().ends_with("ok"));
    assert!(heard.lock().await.contains("last"));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_a_whole_one() {
    for (begun, what) in [
        (format!("{CHUNKED}5\r\nfirst\r\n"), "between two pieces"),
        (format!("{CHUNKED}ff\r\nfirst"), "inside of a piece"),
        (format!("{CHUNKED}5\r\nfirst\r\nnonsense\r\n"), "in nonsense"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfirst".to_owned(), "before its length"),
    ] {
        for accept in ["", "accept-encoding: gzip\r\n"] {
            let begun = begun.clone();
            let peer = RawPeer::start(move |mut wire: Wire| {
                let begun = begun.clone();
                async move {
                    wire.head().await?;
                    wire.write(begun).await
                }
            })
            .await;
            let (_door, listening) = door_to(&peer, &[]).await;
            let ask = format!("GET /api/v1/things HTTP/1.1\r\nhost: x\r\n{accept}\r\n");
            let mut client = connect(&listening, &ask).await;
            let got = timeout(LONG, client.rest()).await.unwrap_or_else(|_| panic!("{what}: left open"));
            let (head, body) = got.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{what}: {got}"));
            let whole =
                body.ends_with("0\r\n\r\n") || head.contains(&format!("content-length: {}\r\n", body.len()));
            assert!(!whole, "{what} {accept}: {got}");
        }
    }
}

#[tokio::test]
async fn a_stream_of_events_goes_on_until_the_stop_and_no_longer() {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.head().await?;
        let events =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        wire.write(format!("{events}9\r\ndata: 1\n\n\r\n")).await?;
        wire.gone().await;
        Ok(())
    })
    .await;
    let (door, listening) = door_to(&peer, &[]).await;
    let mut client = connect(&listening, "GET /api/v1/things HTTP/1.1\r\nhost: x\r\n\r\n").await;
    timeout(LONG, client.until("data: 1\n\n\r\n")).await.unwrap().unwrap();
    drop(door);
    let rest = timeout(LONG, client.until("0\r\n\r\n")).await.unwrap().unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "an end, not a break: {rest}");
}

#[tokio::test]
async fn an_answer_that_stands_still_is_broken_off() {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.head().await?;
        wire.write(format!("{CHUNKED}5\r\nfirst\r\n")).await?;
        wire.gone().await;
        Ok(())
    })
    .await;
    let (_door, listening) = door_to(&peer, &[("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "300")]).await;
    let mut client = connect(&listening, "GET /api/v1/things HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let got = timeout(LONG, client.rest()).await.unwrap();
    assert!(got.contains("first") && !got.ends_with("0\r\n\r\n"), "{got}");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_its_deadline_while_it_goes_on() {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.head().await?;
        wire.write(CHUNKED).await?;
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            wire.write("4\r\nmore\r\n").await?;
        }
        wire.write("0\r\n\r\n").await
    })
    .await;
    let (_door, listening) = door_to(&peer, &[("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "1000")]).await;
    let mut client = connect(&listening, "GET /api/v1/things HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let got = timeout(LONG, client.until("0\r\n\r\n")).await.unwrap().unwrap();
    assert_eq!(got.matches("more").count(), 8, "{got}");
}

#[tokio::test]
async fn a_client_that_leaves_is_not_served_to_the_end() {
    for begun in ["", CHUNKED] {
        let left = Arc::new(Semaphore::new(0));
        let leaves = Arc::clone(&left);
        let arrived = Arc::new(Semaphore::new(0));
        let arrives = Arc::clone(&arrived);
        let peer = RawPeer::start(move |mut wire: Wire| {
            let (leaves, arrives) = (Arc::clone(&leaves), Arc::clone(&arrives));
            async move {
                wire.head().await?;
                arrives.add_permits(1);
                wire.write(begun).await?;
                wire.gone().await;
                leaves.add_permits(1);
                Ok(())
            }
        })
        .await;
        let (_door, listening) = door_to(&peer, &[]).await;
        let mut client = connect(&listening, "GET /api/v1/things HTTP/1.1\r\nhost: x\r\n\r\n").await;
        timeout(LONG, arrived.acquire()).await.unwrap().unwrap().forget();
        if !begun.is_empty() {
            timeout(LONG, client.head()).await.unwrap().unwrap();
        }
        drop(client);
        timeout(LONG, left.acquire()).await.unwrap().unwrap().forget();
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_is_not_passed_on_as_a_whole_one() {
    let heard = Arc::new(Mutex::new(None));
    let hears = Arc::clone(&heard);
    let peer = RawPeer::start(move |mut wire: Wire| {
        let hears = Arc::clone(&hears);
        async move {
            wire.head().await?;
            let rest = wire.rest().await;
            *hears.lock().await = Some(rest);
            Ok(())
        }
    })
    .await;
    let (_door, listening) = door_to(&peer, &[]).await;
    let ask = "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let client = connect(&listening, ask).await;
    drop(client);
    let rest = eventually(async || heard.lock().await.clone()).await;
    assert!(!rest.contains("0\r\n\r\n"), "{rest}");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.request().await?;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
    })
    .await;
    let (_door, listening) = door_to(&peer, &[]).await;
    let ask = "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    let mut client = connect(&listening, ask).await;
    let first = timeout(LONG, client.head()).await.unwrap().unwrap();
    assert!(first.starts_with("HTTP/1.1 100"), "{first}");
    client.write("body").await.unwrap();
    let answer = timeout(LONG, client.request()).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
