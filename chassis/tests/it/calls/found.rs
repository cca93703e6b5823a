//! Instances that are listed, and such as DNS and Consul know.

use super::{call, get, relay_at, relay_to, who};
use futures_util::FutureExt as _;
use http::Method;
use std::collections::BTreeSet;
use testkit::{FakeConsul, Fault, FaultyPeer, Setup, TestService, eventually};

/// Everybody who answers some calls.
async fn answering(relay: &TestService) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for _ in 0..20 {
        names.insert(who(&get(relay).await.expect(200)));
    }
    names
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn calls_go_to_every_instance_that_is_listed() {
    let one = FaultyPeer::start("one", Fault::None).await;
    let other = FaultyPeer::start("other", Fault::None).await;
    let relay = relay_to(&[&one, &other], &[]).await;
    let calls = (0..40).map(|_| get(&relay));
    futures_util::future::join_all(calls).await.into_iter().for_each(|answer| drop(answer.expect(200)));
    assert!(one.requests() >= 10 && other.requests() >= 10, "{} {}", one.requests(), other.requests());
}

#[tokio::test]
async fn every_address_of_a_host_is_an_instance() {
    let peer = FaultyPeer::start("found", Fault::None).await;
    let port = peer.address().port();
    // `localhost` may have an address of IPv6 too, where nobody listens.
    let relay = relay_at(&format!("dns+http://localhost:{port}"), &[("CALLS__RETRY_FLOOR", "1000")]).await;
    for _ in 0..5 {
        assert_eq!(who(&call(&relay, Method::POST, "", None).await.expect(200)), "found");
    }
    let seen = relay.assembled().peers();
    let things = seen.iter().find(|seen| seen.peer == "things").unwrap();
    assert_eq!(things.by, "dns");
    assert!(things.instances.iter().any(|it| it.url == format!("http://127.0.0.1:{port}")), "{things:?}");
}

#[tokio::test]
async fn what_consul_calls_healthy_is_called_as_soon_as_it_says_so() {
    let one = FaultyPeer::start("one", Fault::None).await;
    let other = FaultyPeer::start("other", Fault::None).await;
    let consul = FakeConsul::start(vec![one.address()]).await;
    let token = [("DISCOVERY__CONSUL_TOKEN", "a-token"), ("DISCOVERY__REFRESH_SECS", "300")];
    let relay = relay_at(&consul.url("things"), &token).await;
    assert_eq!(answering(&relay).await, names(&["one"]));
    consul.tell(vec![one.address(), other.address()]);
    eventually(async || answering(&relay).await == names(&["one", "other"])).await;
    consul.tell(vec![other.address()]);
    eventually(async || answering(&relay).await == names(&["other"])).await;
    let heard = consul.heard();
    assert!(heard[0].starts_with("GET /v1/health/service/things?passing=1&index=0&wait=300s "), "{heard:?}");
    assert!(heard[1].contains("index=7&"), "the second question waits for news: {heard:?}");
    assert!(heard.iter().all(|head| head.contains("x-consul-token: a-token\r\n")), "{heard:?}");
}

#[tokio::test]
async fn the_last_known_instances_are_called_while_consul_is_empty_or_gone() {
    let one = FaultyPeer::start("one", Fault::None).await;
    let consul = FakeConsul::start(vec![one.address()]).await;
    let relay = relay_at(&consul.url("things"), &[]).await;
    assert_eq!(answering(&relay).await, names(&["one"]));
    consul.tell(Vec::new());
    eventually(async || consul.heard().len() >= 3).await;
    assert_eq!(answering(&relay).await, names(&["one"]));
    drop(consul);
    assert_eq!(answering(&relay).await, names(&["one"]));
}

#[tokio::test]
async fn a_peer_that_nobody_can_find_is_503_in_time() {
    let nowhere = FaultyPeer::start("nowhere", Fault::Refuses).await;
    let consul = format!("consul+{}/things", nowhere.url());
    let relay = relay_at(&consul, &[("CALLS__CONNECT_TIMEOUT_MS", "200")]).await;
    let began = std::time::Instant::now();
    get(&relay).await.expect(503);
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_address_that_cannot_be_read_stops_the_start_and_is_named() {
    use crate::house::{Relay, Things};
    let setup = Setup::of::<Relay>().and::<Things>().targets("relay");
    let setup = setup.peer("things", "dns+http://no-port").peer("relay", "consul+http://agent:8500");
    // A target's own address is not read: it stays in the process.
    let built = std::panic::AssertUnwindSafe(setup.build()).catch_unwind().await;
    let said = *built.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("peers.things") && !said.contains("peers.relay"), "{said}");
}
