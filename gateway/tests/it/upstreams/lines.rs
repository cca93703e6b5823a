//! Connections to instances: how they are used again, and what happens when they end.

use super::{House, get, house, open, post, says, whole};
use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http::Request;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use testkit::{Fault, FaultyPeer, RawPeer, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinSet;

async fn answering(answer: impl Into<Vec<u8>>) -> (RawPeer, House) {
    let peer = RawPeer::answering(answer).await;
    let house = house(&[peer.url()], json!({}));
    (peer, house)
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    for answer in [
        says("well"),
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nwell\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        says(&"long".repeat(100_000)),
    ] {
        let (peer, house) = answering(answer.clone()).await;
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        for round in 0..20 {
            let read = house.read(get("/")).await.unwrap();
            assert!(
                read == body || body.starts_with("4\r\n") && read == "well" || read.is_empty(),
                "{round}"
            );
        }
        assert_eq!(peer.connections(), 1, "{}", &answer[..40]);
    }
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each_and_leave_them_to_the_next() {
    let (peer, house) = answering(says("well")).await;
    for _ in 0..3 {
        let asked = (0..10).map(|_| house.read(get("/")));
        for answer in futures_util::future::join_all(asked).await {
            assert_eq!(answer.unwrap(), "well");
        }
    }
    assert_eq!(peer.connections(), 10);
}

#[tokio::test]
async fn what_is_asked_for_arrives_as_it_was_asked() {
    let peer = FaultyPeer::start("x", Fault::None).await;
    let house = open(json!({ "instances": [format!("{}/base/", peer.url())] }));
    let request =
        Request::post("http://shop.example/things?a=1").header("x-one", "1").body(Body::from("body"));
    house.read(request.unwrap()).await.unwrap();
    let heard = peer.heard().pop().unwrap();
    assert!(heard.starts_with("POST /base/things?a=1 HTTP/1.1\r\n"), "{heard}");
    let host = format!("host: {}\r\n", peer.address());
    for part in [&host, "x-one: 1\r\n", "content-length: 4\r\n", "\r\n\r\nbody"] {
        assert!(heard.contains(part), "{part} is not in {heard}");
    }
}

#[tokio::test]
async fn a_host_that_a_request_names_is_kept() {
    let peer = FaultyPeer::start("x", Fault::None).await;
    let house = house(&[peer.url()], json!({}));
    let mut request = get("/");
    request.headers_mut().insert("host", "shop.example".parse().unwrap());
    house.read(request).await.unwrap();
    assert!(peer.heard()[0].contains("host: shop.example\r\n") && !peer.heard()[0].contains("127.0.0.1"));
}

/// Answers once a connection, closes it when it is told, and tells when it has.
async fn closing(close: Arc<Notify>, closed: Arc<Notify>) -> RawPeer {
    RawPeer::start(move |mut wire| {
        let (close, closed) = (close.clone(), closed.clone());
        async move {
            wire.request().await?;
            wire.write(says("well")).await?;
            close.notified().await;
            drop(wire);
            closed.notify_one();
            Ok(())
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_that_was_closed_while_nobody_used_it_loses_no_request() {
    let (close, closed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let peer = closing(close.clone(), closed.clone()).await;
    let house = house(&[peer.url()], json!({}));
    for round in 1..=20 {
        assert_eq!(house.read(post("/", "once")).await.unwrap(), "well", "{round}");
        close.notify_one();
        closed.notified().await;
        // One that was used in the last ten milliseconds is taken for open without a look.
        tokio::time::sleep(Duration::from_millis(11)).await;
        assert_eq!(peer.connections(), round);
    }
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_in_time() {
    let ended = Arc::new(Notify::new());
    let told = ended.clone();
    let peer = RawPeer::start(move |mut wire| {
        let told = told.clone();
        async move {
            wire.request().await?;
            wire.write(says("well")).await?;
            wire.gone().await;
            told.notify_one();
            Ok(())
        }
    })
    .await;
    let house = house(&[peer.url()], json!({ "idle_ms": 100 }));
    house.read(get("/")).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), ended.notified()).await.unwrap();
}

#[tokio::test]
async fn a_reader_that_leaves_in_the_middle_closes_the_connection_and_is_in_flight_no_more() {
    let peer = FaultyPeer::start("x", Fault::Stalls).await;
    let house = house(&[peer.url()], json!({}));
    let in_flight = || house.upstream.look(&super::ask()).instances[0].in_flight;
    let sent = house.send(get("/")).await.unwrap();
    let mut body = sent.response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "{\"suc");
    assert_eq!(in_flight(), 1);
    drop(body);
    assert_eq!(in_flight(), 0);
    peer.turn(Fault::None).await;
    assert!(house.read(get("/")).await.is_ok());
}

#[tokio::test]
async fn a_body_that_stands_still_breaks_off() {
    let peer = FaultyPeer::start("x", Fault::Stalls).await;
    let house = house(&[peer.url()], json!({ "pause_ms": 100 }));
    let error = house.read(get("/")).await.unwrap_err();
    assert!(error.contains("nothing came"), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_not_an_end() {
    let peer = FaultyPeer::start("x", Fault::Half).await;
    let house = house(&[peer.url()], json!({}));
    assert!(house.read(get("/")).await.is_err());
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let peer = RawPeer::start(|mut wire| async move {
        wire.head().await?;
        wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
        for _ in 0..3 {
            wire.until("ping\r\n").await?;
            wire.write("4\r\npong\r\n").await?;
        }
        wire.until("0\r\n\r\n").await?;
        wire.write("0\r\n\r\n").await
    })
    .await;
    let house = house(&[peer.url()], json!({}));
    let (pings, heard) = tokio::sync::mpsc::channel::<Bytes>(1);
    let heard =
        futures_util::stream::unfold(heard, |mut heard| async { heard.recv().await.map(|one| (one, heard)) });
    let body = Body::from_stream(heard.map(Ok::<_, Infallible>));
    let mut answer = house.send(post("/", body)).await.unwrap().response.into_body();
    for _ in 0..3 {
        pings.send(Bytes::from_static(b"ping")).await.unwrap();
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "pong");
    }
    drop(pings);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn an_upgrade_gives_the_connection() {
    let peer = RawPeer::start(|mut wire| async move {
        wire.head().await?;
        wire.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhi")
            .await?;
        let said = wire.exactly(5).await?;
        wire.write(said).await?;
        wire.gone().await;
        Ok(())
    })
    .await;
    let house = house(&[peer.url()], json!({}));
    let request = Request::get("/").header("connection", "upgrade").header("upgrade", "echo");
    let answer = house.send(request.body(Body::empty()).unwrap()).await.unwrap().response;
    assert_eq!(answer.status(), 101);
    let mut stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    let mut heard = [0; 2];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hi");
    stream.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn many_tasks_on_many_threads_lose_nothing() {
    let (peer, house) = answering(says(&"well".repeat(30_000))).await;
    let house = Arc::new(house);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let house = house.clone();
        tasks.spawn(async move {
            for _ in 0..60 {
                assert_eq!(house.read(get("/")).await.unwrap().len(), 120_000);
            }
        });
    }
    tasks.join_all().await;
    assert!(peer.connections() < 60, "{} connections", peer.connections());
    eventually(async || house.upstream.look(&super::ask()).instances[0].in_flight == 0).await;
}

#[tokio::test]
async fn an_answer_to_a_head_request_has_no_body_and_leaves_the_connection() {
    let (peer, house) = answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n").await;
    for _ in 0..3 {
        let request = Request::head("/").body(Body::empty()).unwrap();
        let sent = house.send(request).await.unwrap();
        assert_eq!(sent.response.headers()["content-length"], "100");
        assert_eq!(whole(sent).await.unwrap(), "");
    }
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn one_after_the_other_has_its_turn() {
    let peers = [RawPeer::answering(says("one")).await, RawPeer::answering(says("two")).await];
    let urls: Vec<String> = peers.iter().map(RawPeer::url).collect();
    let house = house(&urls, json!({ "balance": "round_robin" }));
    let spread = house.spread(20).await;
    assert_eq!((spread["one"], spread["two"]), (10, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_requests_at_most_one_opens_a_connection() {
    let (peer, house) = answering(says("well")).await;
    let house = Arc::new(house);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let house = house.clone();
        tasks.spawn(async move {
            for _ in 0..2_500 {
                house.read(get("/")).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert!(peer.connections() <= 20, "{} connections for 20 000 requests", peer.connections());
}
