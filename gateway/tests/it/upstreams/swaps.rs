//! All instances of an upstream are replaced while requests come in.

use super::{get, house, post};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use testkit::{Fault, FaultyPeer};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_all_instances_are_replaced() {
    let mut now = vec![FaultyPeer::start("a", Fault::None).await, FaultyPeer::start("b", Fault::None).await];
    let urls = |peers: &[FaultyPeer]| peers.iter().map(FaultyPeer::url).collect::<Vec<String>>();
    let settings = |urls: Vec<String>| json!({ "instances": urls, "hold_ms": 5_000 });
    let house = Arc::new(super::open(settings(urls(&now))));
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = JoinSet::new();
    for number in 0..8 {
        let (house, over, answered) = (house.clone(), over.clone(), answered.clone());
        load.spawn(async move {
            while !over.load(SeqCst) {
                let request = if number % 2 == 0 { get("/") } else { post("/", "once") };
                house.read(request).await.unwrap();
                answered.fetch_add(1, SeqCst);
            }
        });
    }
    for round in 0..6 {
        let before = answered.load(SeqCst);
        testkit::eventually(async || answered.load(SeqCst) > before + 20).await;
        let next = vec![
            FaultyPeer::start(&format!("c{round}"), Fault::None).await,
            FaultyPeer::start(&format!("d{round}"), Fault::None).await,
        ];
        house.change(settings(urls(&next)));
        let before = answered.load(SeqCst);
        testkit::eventually(async || answered.load(SeqCst) > before + 20).await;
        // Nobody uses the old ones any more.
        now = next;
    }
    over.store(true, SeqCst);
    load.join_all().await;
    drop(now);
}

#[tokio::test]
async fn a_request_is_held_while_the_old_instances_are_gone_and_the_new_ones_not_known_yet() {
    let old = FaultyPeer::start("old", Fault::None).await;
    let new = FaultyPeer::start("new", Fault::None).await;
    let house = house(&[old.url()], json!({ "hold_ms": 5_000 }));
    house.read(post("/", "before")).await.unwrap();
    old.turn(Fault::Refuses).await;
    let swap = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        house.change(json!({ "instances": [new.url()] }));
    };
    let asked = (0..20).map(|_| house.read(post("/", "meanwhile")));
    let (answers, ()) = tokio::join!(futures_util::future::join_all(asked), swap);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!((old.requests(), new.requests()), (1, 20));
}

#[tokio::test]
async fn instances_that_stay_keep_their_connections_and_what_is_known_of_them() {
    let stays = testkit::RawPeer::answering(super::says("stays")).await;
    let goes = testkit::RawPeer::answering(super::says("goes")).await;
    let house = house(&[stays.url(), goes.url()], json!({ "balance": "round_robin" }));
    house.spread(10).await;
    let latency = |house: &super::House| house.upstream.look(&super::ask()).instances[0].latency_ms;
    assert!(latency(&house) > 0.0);
    house.change(json!({ "instances": [stays.url()], "balance": "two_choices" }));
    assert!(latency(&house) > 0.0);
    assert_eq!(house.spread(10).await["stays"], 10);
    assert_eq!((stays.connections(), goes.connections()), (1, 1));
}
