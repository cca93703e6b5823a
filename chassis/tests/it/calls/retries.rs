//! What is tried again, and what is not.

use super::{KEY, call, get, relay_to, who};
use chassis::identity::{IdentityConfig, ServiceKeys};
use contract::error::ErrorCode;
use http::Method;
use secrecy::SecretString;
use std::time::{Duration, Instant};
use testkit::{Fault, FaultyPeer};

/// Retries without end, and breakers that never open: what is seen is the rule alone.
const ONLY_RULES: [(&str, &str); 2] =
    [("CALLS__RETRY_FLOOR", "1000"), ("CALLS__BREAKER_MINIMUM_CALLS", "1000000")];

/// Faults after which nobody has answered.
const FAULTS: [Fault; 7] = [
    Fault::Refuses,
    Fault::Resets,
    Fault::Closes,
    Fault::Half,
    Fault::Nonsense,
    Fault::Says(503, ""),
    Fault::Says(502, "retry-after: 30\r\n"),
];

#[tokio::test]
async fn a_read_that_meets_an_instance_that_fails_is_answered_by_another() {
    for fault in FAULTS {
        let well = FaultyPeer::start("well", Fault::None).await;
        let ill = FaultyPeer::start("ill", fault.clone()).await;
        let relay = relay_to(&[&well, &ill], &ONLY_RULES).await;
        for _ in 0..10 {
            let answer = get(&relay).await.expect(200);
            assert_eq!(who(&answer), "well", "{fault:?}");
        }
        assert!(fault == Fault::Refuses || ill.requests() > 0, "{fault:?} was never met");
        assert_eq!(well.requests(), 10, "{fault:?}: each is answered once");
    }
}

#[tokio::test]
async fn a_change_that_may_have_taken_effect_is_not_sent_again() {
    for fault in FAULTS.into_iter().filter(|fault| *fault != Fault::Refuses) {
        let one = FaultyPeer::start("one", fault.clone()).await;
        let other = FaultyPeer::start("other", fault.clone()).await;
        let relay = relay_to(&[&one, &other], &ONLY_RULES).await;
        let answer = call(&relay, Method::POST, "", None).await;
        assert!(answer.status != 503 || matches!(fault, Fault::Says(..)), "{fault:?}: {}", answer.text());
        assert_eq!(one.requests() + other.requests(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_change_with_a_key_is_sent_again_with_the_same_key() {
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let well = FaultyPeer::start("well", Fault::None).await;
    let relay = relay_to(&[&ill, &well], &ONLY_RULES).await;
    for key in ["a-key", "b-key", "c-key", "d-key"] {
        assert_eq!(who(&call(&relay, Method::POST, key, None).await.expect(200)), "well");
    }
    assert!(ill.requests() > 0);
    let sent = well.heard().into_iter().filter(|request| request.contains("idempotency-key: a-key\r\n"));
    let bodies: Vec<String> =
        sent.map(|request| request.split("\r\n\r\n").last().unwrap().to_owned()).collect();
    assert_eq!(bodies, [r#"{"some":"thing"}"#]);
}

#[tokio::test]
async fn a_change_that_nobody_saw_goes_elsewhere() {
    let gone = FaultyPeer::start("gone", Fault::Refuses).await;
    let well = FaultyPeer::start("well", Fault::None).await;
    let relay = relay_to(&[&gone, &well], &ONLY_RULES).await;
    for _ in 0..10 {
        assert_eq!(who(&call(&relay, Method::POST, "", None).await.expect(200)), "well");
    }
    assert_eq!(well.requests(), 10);
}

#[tokio::test]
async fn it_is_never_said_that_nobody_saw_what_somebody_may_have_seen() {
    // One instance sees the call and dies over it, the other is not there: together that is not "unreachable".
    let seen = FaultyPeer::start("seen", Fault::Closes).await;
    let gone = FaultyPeer::start("gone", Fault::Refuses).await;
    for _ in 0..10 {
        // A new one each time, so that now the one is the first to be asked and now the other.
        let relay = relay_to(&[&seen, &gone], &[("CALLS__TRIES", "2"), ONLY_RULES[0], ONLY_RULES[1]]).await;
        call(&relay, Method::POST, "a-key", None).await.expect(502).refused(ErrorCode::BadGateway);
    }
}

#[tokio::test]
async fn there_are_so_many_tries_and_no_more() {
    for (tries, expected) in [("1", 1), ("3", 3)] {
        let ill = FaultyPeer::start("ill", Fault::Closes).await;
        let relay = relay_to(&[&ill], &[("CALLS__TRIES", tries), ONLY_RULES[0], ONLY_RULES[1]]).await;
        get(&relay).await.expect(502);
        assert_eq!(ill.requests(), expected);
    }
}

#[tokio::test]
async fn retries_are_a_share_of_the_calls_however_many_fail() {
    let ill = FaultyPeer::start("ill", Fault::Closes).await;
    let settings = [("CALLS__RETRY_PERCENT", "10"), ("CALLS__RETRY_FLOOR", "0"), ONLY_RULES[1]];
    let relay = relay_to(&[&ill], &settings).await;
    for _ in 0..200 {
        get(&relay).await.expect(502);
    }
    assert!((210..=220).contains(&ill.requests()), "{} requests of 200 calls", ill.requests());
}

#[tokio::test]
async fn an_instance_that_asks_to_be_left_alone_is() {
    let busy = FaultyPeer::start("busy", Fault::Says(503, "retry-after: 5\r\n")).await;
    let relay = relay_to(&[&busy], &ONLY_RULES).await;
    let began = Instant::now();
    get(&relay).await;
    assert_eq!(busy.requests(), 1);
    assert!(began.elapsed() < Duration::from_secs(3), "nobody waits for {:?}", began.elapsed());
}

#[tokio::test]
async fn what_was_tried_enough_by_the_one_behind_is_not_tried_again() {
    let told = FaultyPeer::start("told", Fault::Says(503, "x-retries-spent: 1\r\n")).await;
    let relay = relay_to(&[&told], &ONLY_RULES).await;
    get(&relay).await;
    assert_eq!(told.requests(), 1);
}

#[tokio::test]
async fn who_has_tried_says_so_to_services_and_to_nobody_else() {
    let gone = FaultyPeer::start("gone", Fault::Refuses).await;
    let relay = relay_to(&[&gone], &ONLY_RULES).await;
    let listening = relay.listen();
    let client = listening.client();
    let keys = ServiceKeys::new(&SecretString::from(KEY), &IdentityConfig::default());
    let credential = keys.credential("gateway", "relay", relay.clock()).unwrap();
    let ask = || client.request(Method::GET, "/api/v1/relay?path=/api/v1/things");
    let told = ask().header("x-service-authorization", credential.to_str().unwrap()).send().await;
    assert_eq!((told.status.as_u16(), told.header("x-retries-spent")), (503, Some("1")));
    let outside = ask().send().await;
    assert_eq!((outside.status.as_u16(), outside.header("x-retries-spent")), (503, None));
    gone.turn(Fault::None).await;
    let well = ask().header("x-service-authorization", credential.to_str().unwrap()).send().await;
    assert_eq!((well.status.as_u16(), well.header("x-retries-spent")), (200, None), "a request of its own");
}
