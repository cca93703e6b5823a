//! Deadlines, hedges and the bulkhead.

use super::{call, get, relay_to, who};
use crate::house::Lines;
use contract::error::ErrorCode;
use http::Method;
use std::time::{Duration, Instant};
use testkit::{Fault, FaultyPeer};

#[tokio::test]
async fn the_deadline_holds_over_all_attempts_whatever_the_instances_do() {
    for fault in [Fault::Silent, Fault::Stalls, Fault::Slow(Duration::from_secs(20))] {
        let one = FaultyPeer::start("one", fault.clone()).await;
        let other = FaultyPeer::start("other", fault.clone()).await;
        let relay = relay_to(&[&one, &other], &[]).await;
        for manner in ["", "hedged"] {
            let began = Instant::now();
            let answer = call(&relay, Method::GET, manner, Some(300)).await;
            answer.expect(504).refused(ErrorCode::DeadlineExceeded);
            let took = began.elapsed();
            assert!((250..2_000).contains(&took.as_millis()), "{fault:?}: {took:?}");
        }
    }
}

#[tokio::test]
async fn there_is_no_retry_for_which_no_time_is_left() {
    let ill = FaultyPeer::start("ill", Fault::Says(503, "retry-after: 0\r\n")).await;
    let relay = relay_to(&[&ill], &[("CALLS__TRIES", "10"), ("CALLS__RETRY_FLOOR", "1000")]).await;
    let began = Instant::now();
    call(&relay, Method::GET, "", Some(60)).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(ill.requests() < 10, "{} attempts in 60 ms", ill.requests());
}

#[tokio::test]
async fn a_read_that_is_hedged_does_not_wait_for_an_instance_that_hangs() {
    let hangs = FaultyPeer::start("hangs", Fault::Silent).await;
    let well = FaultyPeer::start("well", Fault::None).await;
    let settings = [("CALLS__HEDGE_AFTER_MS", "20"), ("CALLS__RETRY_FLOOR", "1000")];
    let relay = relay_to(&[&hangs, &well], &settings).await;
    for _ in 0..20 {
        let began = Instant::now();
        assert_eq!(who(&call(&relay, Method::GET, "hedged", None).await.expect(200)), "well");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    assert!(hangs.requests() > 0);
}

#[tokio::test]
async fn a_change_is_never_hedged_nor_is_a_read_that_did_not_ask() {
    for (method, manner) in [(Method::POST, "hedged"), (Method::GET, "")] {
        let slow = || FaultyPeer::start("slow", Fault::Slow(Duration::from_millis(100)));
        let (one, other) = (slow().await, slow().await);
        let relay = relay_to(&[&one, &other], &[("CALLS__HEDGE_AFTER_MS", "5")]).await;
        call(&relay, method, manner, None).await.expect(200);
        assert_eq!(one.requests() + other.requests(), 1, "{manner}");
    }
}

#[tokio::test]
async fn hedges_are_paid_from_the_budget() {
    let slow = || FaultyPeer::start("slow", Fault::Slow(Duration::from_millis(30)));
    let (one, other) = (slow().await, slow().await);
    let settings =
        [("CALLS__HEDGE_AFTER_MS", "1"), ("CALLS__RETRY_PERCENT", "10"), ("CALLS__RETRY_FLOOR", "0")];
    let relay = relay_to(&[&one, &other], &settings).await;
    for _ in 0..30 {
        call(&relay, Method::GET, "hedged", None).await.expect(200);
    }
    let requests = one.requests() + other.requests();
    assert!((31..=33).contains(&requests), "{requests} requests of 30 calls");
}

#[tokio::test]
async fn a_peer_that_hangs_takes_no_more_than_its_room() {
    let silent = FaultyPeer::start("silent", Fault::Silent).await;
    let relay = relay_to(&[&silent], &[("CALLS__CONCURRENT", "2"), ("CALLS__QUEUE", "1")]).await;
    let calls = (0..10).map(|_| call(&relay, Method::GET, "", Some(300)));
    let answers = futures_util::future::join_all(calls).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    // The one that waited may get a place in the very moment in which its time is up.
    assert!((2..=3).contains(&silent.requests()), "{}", silent.requests());
    // Two were sent and one waited until its deadline; the others were refused at once.
    assert_eq!(
        (count(504), count(503)),
        (3, 7),
        "{:?}",
        answers.iter().map(|it| it.status).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn calls_are_counted_by_their_outcome() {
    let lines = Lines::capture("off");
    let well = FaultyPeer::start("well", Fault::None).await;
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let relay = relay_to(&[&well, &ill], &[("CALLS__RETRY_FLOOR", "1000")]).await;
    for _ in 0..20 {
        get(&relay).await.expect(200);
    }
    let attempts =
        |outcome: &str| lines.metric("peer_requests_total{", &["peer=\"things\"", outcome]).unwrap_or(0.0);
    assert_eq!(attempts("outcome=\"answered\""), 20.0);
    let broken = attempts("outcome=\"broken\"");
    assert!(broken >= 1.0 && lines.metric("peer_retries_total{", &["things"]) == Some(broken), "{broken}");
    assert_eq!(lines.metric("peer_instances{", &["things"]), Some(2.0));
    let page = lines.telemetry.metrics.page(&tokio::runtime::Handle::current());
    assert!(!page.contains("127.0.0.1"), "an address is no label");
}
