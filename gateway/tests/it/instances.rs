//! A service with several instances, some of which fail, seen from before the door.

use crate::house::door_at;
use http::Method;
use serde_json::Value;
use testkit::{Fault, FaultyPeer, Listening, TestService, Wire, eventually};

const RETRIES: (&str, &str) = ("BOWLINE_CALLS__RETRY_FLOOR", "1000");

async fn door_to(instances: &[&FaultyPeer], settings: &[(&str, &str)]) -> (TestService, Listening) {
    let urls: Vec<String> = instances.iter().map(|instance| instance.url()).collect();
    door_at(&urls.join(","), settings).await
}

fn breakers(door: &TestService) -> Vec<&'static str> {
    let seen = door.assembled().peers();
    let things = seen.iter().find(|seen| seen.peer == "things").unwrap();
    things.instances.iter().map(|instance| instance.breaker).collect()
}

#[tokio::test]
async fn an_instance_that_fails_is_not_noticed_by_who_reads() {
    for fault in [Fault::Refuses, Fault::Closes, Fault::Resets, Fault::Says(503, "")] {
        let well = FaultyPeer::start("well", Fault::None).await;
        let ill = FaultyPeer::start("ill", fault.clone()).await;
        let (door, _listening) = door_to(&[&ill, &well], &[RETRIES]).await;
        for _ in 0..10 {
            let answer = door.client().get("/api/v1/things").await.expect(200);
            assert_eq!(answer.data::<Value>(), "well", "{fault:?}");
        }
        assert_eq!(well.requests(), 10, "{fault:?}");
    }
}

#[tokio::test]
async fn a_change_goes_through_the_door_once() {
    for fault in [Fault::Closes, Fault::Resets, Fault::Half] {
        let one = FaultyPeer::start("one", fault.clone()).await;
        let other = FaultyPeer::start("other", fault.clone()).await;
        let (_door, listening) = door_to(&[&one, &other], &[RETRIES]).await;
        let mut wire = Wire::connect(listening.address()).await.unwrap();
        wire.write(
            "POST /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}",
        )
        .await
        .unwrap();
        let answer = wire.rest().await;
        assert!(answer.starts_with("HTTP/1.1 502") || answer.ends_with("{\"suc"), "{fault:?}: {answer}");
        assert_eq!(one.requests() + other.requests(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_large_body_goes_whole_to_an_instance_that_is_there() {
    let well = FaultyPeer::start("well", Fault::None).await;
    let mut gone = Vec::new();
    for _ in 0..4 {
        gone.push(FaultyPeer::start("gone", Fault::Refuses).await);
    }
    let body = "a".repeat(300_000);
    for round in 1..=5 {
        let instances: Vec<&FaultyPeer> = gone.iter().chain([&well]).collect();
        let (_door, listening) = door_to(&instances, &[RETRIES, ("BOWLINE_CALLS__TRIES", "10")]).await;
        let client = listening.client();
        let ask = client.request(Method::POST, "/api/v1/things").body("text/plain", body.clone());
        ask.send().await.expect(200);
        let heard = well.heard();
        assert_eq!(heard.len(), round);
        assert!(heard.last().unwrap().ends_with(&format!("\r\n\r\n{body}")));
    }
}

#[tokio::test]
async fn what_services_tell_each_other_about_calls_stays_inside() {
    let told = FaultyPeer::start("told", Fault::Says(503, "x-retries-spent: 1\r\nx-busy: 1\r\n")).await;
    let (_door, listening) = door_to(&[&told], &[RETRIES]).await;
    let answer = listening.client().get_unchecked("/api/v1/things").await;
    assert_eq!((answer.status.as_u16(), told.requests()), (503, 1));
    assert_eq!((answer.header("x-retries-spent"), answer.header("x-busy")), (None, None));
}

#[tokio::test]
async fn an_instance_whose_answers_break_off_is_left_alone_although_they_began_well() {
    for fault in [Fault::Half, Fault::Stalls] {
        let half = FaultyPeer::start("half", fault.clone()).await;
        let settings =
            [("BOWLINE_CALLS__BREAKER_MINIMUM_CALLS", "4"), ("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "100")];
        let (door, listening) = door_to(&[&half], &settings).await;
        for _ in 0..2 {
            let mut wire = Wire::connect(listening.address()).await.unwrap();
            wire.write("GET /api/v1/things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
            let answer = wire.rest().await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"suc"), "{fault:?}: {answer}");
        }
        eventually(async || breakers(&door) == ["open"]).await;
        let refused = door.client().get("/api/v1/things").await.expect(503);
        assert!(refused.header("retry-after").is_some());
        assert_eq!(half.requests(), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing_behind() {
    let stalls = FaultyPeer::start("stalls", Fault::Stalls).await;
    let (door, listening) = door_to(&[&stalls], &[]).await;
    let in_flight = || -> u32 {
        let seen = door.assembled().peers();
        // Auth is asked for its feed all the time.
        let things = seen.iter().filter(|seen| seen.peer == "things");
        things.flat_map(|seen| &seen.instances).map(|instance| instance.in_flight).sum()
    };
    let mut wire = Wire::connect(listening.address()).await.unwrap();
    wire.write("GET /api/v1/things HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    wire.until("{\"suc").await.unwrap();
    assert_eq!(in_flight(), 1, "its answer is under way");
    drop(wire);
    eventually(async || in_flight() == 0).await;
    assert_eq!(breakers(&door), ["closed"], "the client's fault is not the instance's");
}
