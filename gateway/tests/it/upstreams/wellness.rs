//! Instances that are ill, and that come back.

use super::{House, ask, get, house};
use serde_json::json;
use std::time::Duration;
use testkit::{Fault, FaultyPeer, eventually};

fn states(house: &House) -> Vec<&'static str> {
    house.upstream.look(&ask()).instances.iter().map(|instance| instance.state).collect()
}

#[tokio::test]
async fn an_instance_whose_requests_fail_is_left_alone_and_comes_back_bit_by_bit() {
    let (one, other) =
        (FaultyPeer::start("one", Fault::None).await, FaultyPeer::start("other", Fault::None).await);
    let settings = json!({
        "balance": "round_robin",
        "ejection": { "failures": 3, "for_ms": 300, "at_most_percent": 50 },
        "slow_start_ms": 600,
    });
    let house = house(&[one.url(), other.url()], settings);
    other.turn(Fault::Says(503, "")).await;
    for _ in 0..6 {
        house.send(get("/")).await.unwrap();
    }
    assert_eq!(states(&house), ["well", "ejected"]);
    let asked = other.requests();
    assert_eq!(asked, 3);
    house.spread(20).await;
    assert_eq!(other.requests(), asked, "it is left alone");
    other.turn(Fault::None).await;
    eventually(async || states(&house)[1] == "warming").await;
    house.spread(40).await;
    let first = other.requests() - asked;
    assert!(first < 20, "it had {first} of 40");
    eventually(async || states(&house)[1] == "well").await;
    let before = other.requests();
    house.spread(40).await;
    assert_eq!(other.requests() - before, 20);
}

#[tokio::test]
async fn no_more_are_left_alone_than_may_be() {
    let mut peers = Vec::new();
    for _ in 0..4 {
        peers.push(FaultyPeer::start("ill", Fault::Closes).await);
    }
    let urls: Vec<String> = peers.iter().map(FaultyPeer::url).collect();
    let ejection = json!({ "failures": 1, "for_ms": 60_000, "at_most_percent": 50 });
    let house = house(&urls, json!({ "ejection": ejection, "hold_ms": 0 }));
    for _ in 0..20 {
        assert!(house.read(get("/")).await.is_err());
    }
    assert_eq!(states(&house).iter().filter(|state| **state == "ejected").count(), 2);
}

#[tokio::test]
async fn an_instance_that_fails_its_checks_gets_nothing_until_it_passes_them() {
    let (one, other) =
        (FaultyPeer::start("one", Fault::None).await, FaultyPeer::start("other", Fault::None).await);
    let health = json!({ "path": "/healthz", "every_ms": 50, "timeout_ms": 500, "rise": 2, "fall": 3 });
    let house = house(&[one.url(), other.url()], json!({ "balance": "round_robin", "health": health }));
    let checks =
        |peer: &FaultyPeer| peer.heard().iter().filter(|heard| heard.starts_with("GET /healthz ")).count();
    eventually(async || checks(&other) > 0).await;
    for fault in [Fault::Says(500, ""), Fault::Refuses, Fault::Silent] {
        other.turn(fault.clone()).await;
        let before = checks(&other);
        eventually(async || states(&house) == ["well", "ill"]).await;
        let took = checks(&other) - before;
        assert!(took >= 3 || fault == Fault::Refuses, "{fault:?} after {took} checks");
        house.spread(10).await;
        assert!(other.heard().iter().all(|heard| !heard.starts_with("GET / ")), "{fault:?}");
        other.turn(Fault::None).await;
        eventually(async || states(&house) == ["well", "well"]).await;
    }
    let heard = other.heard().into_iter().find(|heard| heard.starts_with("GET /healthz ")).unwrap();
    assert!(
        heard.contains(&format!("host: {}\r\n", other.address()))
            && heard.contains("user-agent: bowline-health\r\n")
    );
    house.spread(10).await;
    assert!(other.heard().iter().any(|heard| heard.starts_with("GET / ")));
}

#[tokio::test]
async fn with_no_instance_that_is_well_a_request_fails_after_it_was_held() {
    let ill = FaultyPeer::start("ill", Fault::Says(500, "")).await;
    let health = json!({ "path": "/", "every_ms": 50 });
    let house = house(&[ill.url()], json!({ "health": health, "hold_ms": 200 }));
    eventually(async || states(&house) == ["ill"]).await;
    let began = tokio::time::Instant::now();
    let error = house.read(get("/things")).await.unwrap_err();
    assert!(error.contains("none of its instances is well"), "{error}");
    assert!((200..2_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    let health = json!({ "path": "/", "every_ms": 50 });
    house.change(json!({ "instances": [ill.url()], "health": health, "hold_ms": 9_000 }));
    let (held, ()) = tokio::join!(house.read(get("/things")), ill.turn(Fault::None));
    assert!(held.is_ok(), "{held:?}");
}

#[tokio::test]
async fn checks_that_are_taken_out_of_the_settings_say_nothing_any_more() {
    let ill = FaultyPeer::start("ill", Fault::Says(500, "")).await;
    let house = house(&[ill.url()], json!({ "health": { "path": "/", "every_ms": 50 } }));
    eventually(async || states(&house) == ["ill"]).await;
    house.change(json!({ "instances": [ill.url()] }));
    assert_eq!(states(&house), ["well"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = ill.requests();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ill.requests(), before);
}
