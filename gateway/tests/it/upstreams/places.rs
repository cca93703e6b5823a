//! Which instance a request goes to, and how a client comes back to the same one.

use super::{ask, get, house, spec, whole};
use gateway::upstream::{Ask, Client};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{Fault, FaultyPeer};

async fn peers(count: usize) -> Vec<FaultyPeer> {
    let mut peers = Vec::new();
    for number in 0..count {
        peers.push(FaultyPeer::start(&format!("peer-{number}"), Fault::None).await);
    }
    peers
}

fn urls(peers: &[FaultyPeer]) -> Vec<String> {
    peers.iter().map(FaultyPeer::url).collect()
}

#[tokio::test]
async fn rules_that_go_round_reach_every_instance() {
    for rule in ["round_robin", "weighted", "least_connections"] {
        let peers = peers(3).await;
        let house = house(&urls(&peers), json!({ "balance": rule }));
        house.spread(60).await;
        let requests: Vec<usize> = peers.iter().map(FaultyPeer::requests).collect();
        assert!(requests.iter().all(|requests| *requests > 5), "{rule}: {requests:?}");
    }
}

#[tokio::test]
async fn weights_are_kept_to() {
    let peers = peers(2).await;
    let instances = json!([peers[0].url(), { "url": peers[1].url(), "weight": 3 }]);
    let house = super::open(json!({ "instances": instances, "balance": "weighted" }));
    house.spread(40).await;
    assert_eq!((peers[0].requests(), peers[1].requests()), (10, 30));
}

#[tokio::test]
async fn the_same_key_leads_to_the_same_instance_whatever_else_changes() {
    let peers = peers(4).await;
    let settings = json!({ "balance": "consistent_hash", "hash_by": "header:x-tenant" });
    let house = house(&urls(&peers), settings);
    let mut reached = BTreeSet::new();
    // So many that each instance has some, wherever the ports of this run put them.
    for tenant in 0..200 {
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", tenant.into());
        let (uri, ip) = (Uri::from_static("/"), "192.0.2.1".parse().unwrap());
        let client = Client { uri: &uri, headers: &headers, ip, user: None };
        let ask = house.upstream.ask(&client, ask().deadline, 1);
        let mut by_tenant = BTreeSet::new();
        for _ in 0..3 {
            by_tenant.insert(house.upstream.send(get("/"), &ask).await.unwrap().instance);
        }
        assert_eq!(by_tenant.len(), 1);
        reached.extend(by_tenant);
    }
    assert_eq!(reached.len(), 4);
}

#[tokio::test]
async fn a_client_comes_back_to_its_instance_by_its_cookie_while_that_is_there() {
    let peers = peers(3).await;
    let sticky = json!({ "balance": "round_robin", "sticky": { "cookie": "place", "ttl_secs": 60 } });
    let house = house(&urls(&peers), sticky);
    let sent = house.send(get("/")).await.unwrap();
    let stick = sent.stick.clone().unwrap().to_str().unwrap().to_owned();
    let (cookie, attributes) = stick.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
    assert!(!stick.contains("127"), "a client learns no address: {stick}");
    let name = whole(sent).await.unwrap();
    let back = Ask { sticky: cookie.strip_prefix("place=").map(str::to_owned), ..ask() };
    for _ in 0..5 {
        let sent = house.upstream.send(get("/"), &back).await.unwrap();
        assert_eq!(sent.stick, None);
        assert_eq!(whole(sent).await.unwrap(), name);
    }
    let gone =
        peers.iter().position(|peer| name.contains(&format!("peer-{}", peer_number(&peers, peer)))).unwrap();
    peers[gone].turn(Fault::Refuses).await;
    let sent = house.upstream.send(get("/"), &back).await.unwrap();
    assert!(sent.stick.is_some(), "it is given another one");
    assert_ne!(whole(sent).await.unwrap(), name);
    for nonsense in ["", "x", "ffffffffffffffff", "00000000000000000000000"] {
        let ask = Ask { sticky: Some(nonsense.to_owned()), ..ask() };
        assert!(house.upstream.send(get("/"), &ask).await.unwrap().stick.is_some(), "{nonsense}");
    }
}

fn peer_number(peers: &[FaultyPeer], peer: &FaultyPeer) -> usize {
    peers.iter().position(|one| one.address() == peer.address()).unwrap()
}

#[tokio::test]
async fn it_is_told_where_a_request_would_go_and_why() {
    let peers = peers(2).await;
    let house = house(&urls(&peers), json!({ "balance": "round_robin" }));
    let look: Value = serde_json::to_value(house.upstream.look(&ask())).unwrap();
    assert_eq!(look["upstream"], "things");
    assert_eq!(look["why"], "round_robin: its turn");
    assert!(urls(&peers).contains(&look["taken"].as_str().unwrap().to_owned()));
    assert_eq!(look["instances"][0]["state"], "well");
    assert_eq!(look["instances"][0]["sharePercent"], 100.0);
}

#[tokio::test]
async fn no_more_connections_are_opened_than_may_be() {
    let slow = FaultyPeer::start("slow", Fault::Slow(std::time::Duration::from_millis(20))).await;
    let house = house(&[slow.url()], json!({ "max_connections": 3, "hold_ms": 5_000 }));
    let asked = (0..20).map(|_| house.read(get("/")));
    let answers = futures_util::future::join(futures_util::future::join_all(asked), async {
        let mut most = 0;
        while slow.requests() < 20 {
            let look = house.upstream.look(&ask());
            most = most.max(look.instances[0].connections).max(look.instances[0].in_flight);
            tokio::task::yield_now().await;
        }
        most
    });
    let (answers, most) = answers.await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(most, 3);
}

#[tokio::test]
async fn a_spec_that_is_wrong_changes_nothing() {
    let peers = peers(1).await;
    let house = house(&urls(&peers), json!({}));
    let error = house.upstream.ready(spec(json!({ "instances": ["nowhere"] }))).unwrap_err().to_string();
    assert!(error.starts_with("upstream.things.instances[0]: `nowhere`"), "{error}");
    assert!(house.read(get("/")).await.is_ok());
}
