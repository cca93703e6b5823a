//! A service that does not answer as it should, in one shape for the client.

use crate::house::door_to;
use chassis::telemetry::{self, TelemetryConfig};
use contract::error::ErrorCode;
use std::time::{Duration, Instant};
use testkit::{RawPeer, Wire, eventually};

#[tokio::test]
async fn a_service_that_is_too_slow_is_504_in_time() {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.gone().await;
        Ok(())
    })
    .await;
    let (door, _listening) = door_to(&peer, &[("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "200")]).await;
    let began = Instant::now();
    door.client().get("/api/v1/things").await.expect(504).refused(ErrorCode::DeadlineExceeded);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_service_that_is_gone_is_503_and_answers_again_when_it_is_back() {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.head().await?;
        wire.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
    })
    .await;
    let (door, _listening) = door_to(&peer, &[]).await;
    door.client().get("/api/v1/things").await.expect(200);
    drop(peer);
    let gone = eventually(async || {
        let answer = door.client().get("/api/v1/things").await;
        if answer.status == 503 { Ok(answer) } else { Err(answer.status) }
    })
    .await;
    assert_eq!(gone.header("retry-after"), Some("1"));
    gone.refused(ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_service_that_talks_nonsense_or_breaks_off_is_502() {
    for answer in ["nonsense\r\n\r\n", "HTTP/1.1 200", ""] {
        let peer = RawPeer::start(move |mut wire: Wire| async move {
            wire.head().await?;
            wire.write(answer).await
        })
        .await;
        let (door, _listening) = door_to(&peer, &[]).await;
        let got = door.client().get("/api/v1/things").await.expect(502);
        assert!(!got.text().contains("127.0.0.1") && !got.text().contains("hyper"), "{}", got.text());
        got.refused(ErrorCode::BadGateway);
    }
}

/// Sends this through a door to a service that reads and never answers.
async fn answer_to(ask: &str, settings: &[(&str, &str)]) -> String {
    let peer = RawPeer::start(|mut wire: Wire| async move {
        wire.gone().await;
        Ok(())
    })
    .await;
    let (_door, listening) = door_to(&peer, settings).await;
    let mut wire = Wire::connect(listening.address()).await.unwrap();
    wire.write(ask).await.unwrap();
    wire.request().await.unwrap()
}

#[tokio::test]
async fn a_body_that_grows_too_large_on_the_way_is_413() {
    let piece = format!("3e8\r\n{}\r\n", "a".repeat(1_000));
    let ask = format!(
        "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}",
        piece.repeat(3)
    );
    let answer = answer_to(&ask, &[("BOWLINE_HTTP__BODY_LIMIT", "2000")]).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_the_clients_408_and_not_the_services_504() {
    let ask = "POST /api/v1/things HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf";
    let answer = answer_to(ask, &[("BOWLINE_HTTP__BODY_TIMEOUT_MS", "200")]).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn a_body_of_some_megabytes_goes_through_whole() {
    let house = crate::house::House::over_http().await;
    let client = house.client();
    let body = vec![b'a'; 1_000_000];
    let ask = client.request(http::Method::POST, "/api/v1/things/length").body("text/plain", body);
    assert_eq!(ask.send().await.expect(200).text(), "1000000");
}

#[tokio::test]
async fn answers_and_failures_of_a_service_are_counted() {
    let config = TelemetryConfig { log_level: "off".to_owned(), ..TelemetryConfig::default() };
    let (_dispatch, telemetry) = telemetry::scoped(&config, "0.0.0", std::sync::Arc::new(|_| ())).unwrap();
    let count = |outcome: &str| {
        let page = telemetry.metrics.page(&tokio::runtime::Handle::current());
        let name = format!("gateway_upstream_requests_total{{peer=\"things\",outcome=\"{outcome}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&*name)?.parse::<u64>().ok()).unwrap_or(0)
    };
    let peer = RawPeer::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let (door, _listening) = door_to(&peer, &[]).await;
    for _ in 0..3 {
        door.client().get("/api/v1/things").await.expect(200);
    }
    assert_eq!((count("answered"), count("failed")), (3, 0));
    let slow = RawPeer::start(|mut wire: Wire| async move {
        wire.gone().await;
        Ok(())
    })
    .await;
    let (door, _listening) = door_to(&slow, &[("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "100")]).await;
    door.client().get("/api/v1/things").await.expect(504);
    assert_eq!((count("answered"), count("failed")), (3, 1), "a deadline is a failure too");
}
