//! When an instance is left alone, and when it is called again.

use super::{breakers, call, get, in_flight, relay_to, who};
use contract::error::ErrorCode;
use http::Method;
use std::time::{Duration, Instant};
use testkit::{Fault, FaultyPeer, eventually};

const PROBE_MS: &str = "1000";
const PROBE: Duration = Duration::from_secs(1);

const QUICK: [(&str, &str); 3] =
    [("CALLS__BREAKER_MINIMUM_CALLS", "5"), ("CALLS__BREAKER_PROBE_MS", PROBE_MS), ("CALLS__TRIES", "1")];

#[tokio::test]
async fn a_peer_that_fails_is_left_alone_and_called_again_within_two_probe_intervals_after_it_is_well() {
    for fault in [Fault::Refuses, Fault::Closes, Fault::Half, Fault::Nonsense, Fault::Says(503, "")] {
        let peer = FaultyPeer::start("things", fault.clone()).await;
        let relay = relay_to(&[&peer], &QUICK).await;
        for _ in 0..5 {
            get(&relay).await;
        }
        assert_eq!(breakers(&relay), ["open"], "{fault:?}");
        let before = peer.requests();
        let began = Instant::now();
        let refused = get(&relay).await.expect(503);
        assert!(refused.header("retry-after").is_some(), "{fault:?}");
        refused.refused(ErrorCode::Unavailable);
        assert!(began.elapsed() < PROBE / 2 && peer.requests() == before, "{fault:?} is not called");

        peer.turn(Fault::None).await;
        let healed = Instant::now();
        eventually(async || {
            get(&relay).await;
            (breakers(&relay) == ["closed"]).then_some(()).ok_or_else(|| breakers(&relay))
        })
        .await;
        assert!(healed.elapsed() < 2 * PROBE + PROBE / 2, "{fault:?}: {:?}", healed.elapsed());
        assert_eq!(who(&get(&relay).await.expect(200)), "things");
    }
}

#[tokio::test]
async fn a_peer_that_is_slow_is_left_alone() {
    let slow = FaultyPeer::start("slow", Fault::Slow(Duration::from_millis(60))).await;
    let relay = relay_to(&[&slow], &[("CALLS__BREAKER_SLOW_MS", "50"), QUICK[0], QUICK[1], QUICK[2]]).await;
    for _ in 0..5 {
        get(&relay).await.expect(200);
    }
    get(&relay).await.expect(503);
    assert_eq!((breakers(&relay), slow.requests()), (vec!["open"], 5));
}

#[tokio::test]
async fn a_peer_that_never_answers_is_left_alone() {
    let silent = FaultyPeer::start("silent", Fault::Silent).await;
    let relay = relay_to(&[&silent], &[("CALLS__BREAKER_SLOW_MS", "50"), QUICK[0], QUICK[1], QUICK[2]]).await;
    for _ in 0..5 {
        call(&relay, Method::GET, "", Some(100)).await.expect(504);
    }
    get(&relay).await.expect(503);
    assert_eq!(silent.requests(), 5);
}

#[tokio::test]
async fn who_leaves_no_time_does_not_close_the_peer_to_others() {
    let peer = FaultyPeer::start("things", Fault::Slow(Duration::from_millis(80))).await;
    let relay = relay_to(&[&peer], &QUICK).await;
    for _ in 0..20 {
        call(&relay, Method::GET, "", Some(10)).await.expect(504);
    }
    assert_eq!(breakers(&relay), ["closed"]);
    get(&relay).await.expect(200);
}

#[tokio::test]
async fn what_a_peer_answers_is_no_failure_of_it() {
    for status in [400, 404, 409, 429, 500] {
        let peer = FaultyPeer::start("things", Fault::Says(status, "")).await;
        let relay = relay_to(&[&peer], &QUICK).await;
        for _ in 0..10 {
            get(&relay).await;
        }
        assert_eq!((breakers(&relay), peer.requests()), (vec!["closed"], 10), "{status}");
    }
    for mark in ["x-retries-spent: 1\r\n", "x-busy: 1\r\n"] {
        let peer = FaultyPeer::start("things", Fault::Says(503, mark)).await;
        let relay = relay_to(&[&peer], &QUICK).await;
        for _ in 0..10 {
            get(&relay).await;
        }
        assert_eq!((breakers(&relay), peer.requests()), (vec!["closed"], 10), "{mark}");
    }
}

#[tokio::test]
async fn an_answer_that_waits_for_news_is_not_slow() {
    let peer = FaultyPeer::start("things", Fault::Slow(Duration::from_millis(60))).await;
    let relay = relay_to(&[&peer], &[("CALLS__BREAKER_SLOW_MS", "50"), QUICK[0], QUICK[1], QUICK[2]]).await;
    for _ in 0..10 {
        call(&relay, Method::GET, "waiting", None).await.expect(200);
    }
    assert_eq!(breakers(&relay), ["closed"]);
}

#[tokio::test]
async fn one_instance_that_fails_is_left_out_and_comes_back() {
    let well = FaultyPeer::start("well", Fault::None).await;
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    // Once is enough: an instance that fails is hardly called a second time while there is another.
    let once = ("CALLS__BREAKER_MINIMUM_CALLS", "1");
    let relay = relay_to(&[&well, &ill], &[once, QUICK[1], ("CALLS__RETRY_FLOOR", "1000")]).await;
    eventually(async || {
        get(&relay).await.expect(200);
        breakers(&relay).contains(&"open")
    })
    .await;
    let before = ill.requests();
    for _ in 0..10 {
        get(&relay).await.expect(200);
    }
    assert_eq!(ill.requests(), before);
    ill.turn(Fault::None).await;
    eventually(async || who(&get(&relay).await.expect(200)) == "ill").await;
    eventually(async || {
        get(&relay).await.expect(200);
        breakers(&relay) == ["closed", "closed"]
    })
    .await;
}

#[tokio::test]
async fn many_calls_that_end_badly_leave_nothing_behind() {
    let peer = FaultyPeer::start("things", Fault::None).await;
    let many = ("CALLS__BREAKER_MINIMUM_CALLS", "1000000");
    let relay = relay_to(&[&peer], &[many, ("CALLS__CONCURRENT", "8"), ("CALLS__QUEUE", "1000")]).await;
    for fault in
        [Fault::Silent, Fault::Stalls, Fault::Half, Fault::Closes, Fault::Slow(Duration::from_secs(9))]
    {
        peer.turn(fault.clone()).await;
        let calls = (0..50).map(|_| call(&relay, Method::GET, "", Some(150)));
        for answer in futures_util::future::join_all(calls).await {
            assert!(matches!(answer.status.as_u16(), 502..=504), "{fault:?}: {}", answer.text());
        }
        // The caller goes away in the middle.
        let patience = Duration::from_millis(20);
        drop(tokio::time::timeout(patience, get(&relay)).await);
        assert_eq!(in_flight(&relay), 0, "{fault:?}");
    }
    peer.turn(Fault::None).await;
    let calls = (0..50).map(|_| get(&relay));
    for answer in futures_util::future::join_all(calls).await {
        answer.expect(200);
    }
}
