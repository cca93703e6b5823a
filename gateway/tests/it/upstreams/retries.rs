//! What is sent to another instance, and what is not.

use super::{ask, get, house, post, says};
use axum::body::Body;
use chassis::telemetry::{TelemetryConfig, scoped};
use http::Request;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::{Collector, Fault, FaultyPeer, RawPeer};
use tracing::{Instrument as _, dispatcher, info_span};

#[tokio::test]
async fn an_instance_that_fails_is_not_noticed_by_who_reads() {
    for fault in [Fault::Refuses, Fault::Closes, Fault::Resets, Fault::Nonsense] {
        let well = FaultyPeer::start("well", Fault::None).await;
        let ill = FaultyPeer::start("ill", fault.clone()).await;
        let house = house(&[ill.url(), well.url()], json!({ "balance": "round_robin" }));
        for _ in 0..10 {
            assert!(house.read(get("/")).await.unwrap().contains("well"), "{fault:?}");
        }
        assert_eq!(well.requests(), 10);
    }
}

#[tokio::test]
async fn each_attempt_has_a_span_where_its_request_has_one() {
    let mut collector = Collector::start().await;
    let config = TelemetryConfig { otlp_endpoint: Some(collector.url()), ..TelemetryConfig::default() };
    let (dispatch, telemetry) = scoped(&config, "1.2.3", Arc::new(|_| {})).unwrap();
    let _here = dispatcher::set_default(&dispatch);
    let well = FaultyPeer::start("well", Fault::None).await;
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let house = house(&[ill.url(), well.url()], json!({ "balance": "round_robin" }));
    for _ in 0..2 {
        house.read(get("/")).instrument(info_span!("request")).await.unwrap();
    }
    let (failed, answered) = (ill.requests(), well.requests());
    house.read(get("/")).await.unwrap();
    telemetry.shutdown().await;

    let (_, body) = collector.next().await;
    let holds = |part: &str| body.windows(part.len()).filter(|window| *window == part.as_bytes()).count();
    assert!(failed > 0 && answered == 2, "{failed} and {answered}");
    assert_eq!((holds("request"), holds("attempt")), (2, failed + answered));
    assert_eq!(holds("http.response.status_code"), answered);
    assert_eq!((holds(&ill.url()), holds(&well.url())), (failed, answered), "which instance it was");
}

#[tokio::test]
async fn a_change_that_may_have_been_made_is_sent_once() {
    for fault in [Fault::Closes, Fault::Resets, Fault::Nonsense] {
        let one = FaultyPeer::start("one", fault.clone()).await;
        let other = FaultyPeer::start("other", fault.clone()).await;
        let house = house(&[one.url(), other.url()], json!({}));
        assert!(house.read(post("/", "{}")).await.is_err());
        assert_eq!(one.requests() + other.requests(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_change_that_nobody_saw_goes_elsewhere_with_all_of_its_body() {
    let well = FaultyPeer::start("well", Fault::None).await;
    let gone = FaultyPeer::start("gone", Fault::Refuses).await;
    let house = house(&[gone.url(), well.url()], json!({ "balance": "round_robin" }));
    let body = "a".repeat(300_000);
    for _ in 0..4 {
        assert!(house.read(post("/", body.clone())).await.is_ok());
    }
    assert!(well.heard().iter().all(|heard| heard.ends_with(&body)));
    assert_eq!(well.requests(), 4);
}

#[tokio::test]
async fn a_change_with_a_key_by_which_it_is_known_again_is_sent_again() {
    let well = FaultyPeer::start("well", Fault::None).await;
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let house = house(&[ill.url(), well.url()], json!({ "balance": "round_robin" }));
    for _ in 0..4 {
        let request = Request::post("/").header("idempotency-key", "k").body(Body::from("{}")).unwrap();
        assert!(house.read(request).await.is_ok());
    }
    assert!(well.heard().iter().all(|heard| heard.ends_with("{}")));
}

#[tokio::test]
async fn an_answer_that_has_begun_is_the_answer() {
    for fault in [Fault::Half, Fault::Says(503, ""), Fault::Says(500, "")] {
        let one = FaultyPeer::start("one", fault.clone()).await;
        let other = FaultyPeer::start("other", fault.clone()).await;
        let house = house(&[one.url(), other.url()], json!({}));
        let sent = house.send(get("/")).await.unwrap();
        assert_eq!(one.requests() + other.requests(), 1, "{fault:?}: {}", sent.response.status());
    }
}

#[tokio::test]
async fn it_is_sent_as_often_as_was_said_and_no_more() {
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let house = house(&[ill.url()], json!({}));
    for tries in [1, 2, 5] {
        let before = ill.requests();
        let ask = gateway::upstream::Ask { tries, ..ask() };
        assert!(house.upstream.send(get("/"), &ask).await.is_err());
        assert_eq!(ill.requests() - before, tries as usize);
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_not_drowned_by_retries() {
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let house = house(&[ill.url()], json!({}));
    for _ in 0..500 {
        assert!(house.read(get("/")).await.is_err());
    }
    // A fifth of them, and ten a second over the ten seconds that are looked at.
    assert!(ill.requests() <= 500 + 100 + 100, "{}", ill.requests());
}

#[tokio::test]
async fn the_deadline_holds_for_an_instance_that_is_silent() {
    let silent = FaultyPeer::start("silent", Fault::Silent).await;
    let house = house(&[silent.url()], json!({}));
    let began = Instant::now();
    let deadline = tokio::time::Instant::now() + Duration::from_millis(100);
    let error =
        house.upstream.send(get("/"), &gateway::upstream::Ask { deadline, ..ask() }).await.unwrap_err();
    assert!(matches!(error, chassis::peer::UpstreamError::Deadline), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_instance_that_closes_connections_at_once_ends_in_an_error() {
    let closes = RawPeer::start(|_| async { Ok(()) }).await;
    let well = RawPeer::answering(says("well")).await;
    let house = house(&[closes.url(), well.url()], json!({ "balance": "round_robin" }));
    for _ in 0..6 {
        assert_eq!(house.read(get("/")).await.unwrap(), "well");
    }
}
