//! Upstreams through the door, as a file of routes names them.

use crate::routes::Routed;
use std::collections::BTreeSet;
use testkit::{Fault, FaultyPeer};

fn file(one: &FaultyPeer, other: &FaultyPeer) -> String {
    format!(
        r#"
[[route]]
name = "shop"
path = "/shop/{{*rest}}"
upstream = "shop"
access = {{ who = "public" }}

[[route]]
name = "carts"
path = "/carts/{{*rest}}"
upstream = "carts"
access = {{ who = "public" }}

[upstream.shop]
instances = ["{0}", {{ url = "{1}", weight = 2 }}]
balance = "weighted"
sticky = {{ cookie = "place", ttl_secs = 60 }}
health = {{ path = "/", every_ms = 60000, status = "200-299" }}
ejection = {{ failures = 3, for_ms = 1000, at_most_percent = 50 }}
slow_start_ms = 100
hold_ms = 100
max_connections = 10
connect_timeout_ms = 500
idle_ms = 5000
pause_ms = 5000

[upstream.carts]
instances = ["{0}", "{1}"]
balance = "consistent_hash"
hash_by = "header:x-cart"
"#,
        one.url(),
        other.url()
    )
}

#[tokio::test]
async fn a_client_of_the_door_comes_back_to_its_instance() {
    let (one, other) =
        (FaultyPeer::start("one", Fault::None).await, FaultyPeer::start("other", Fault::None).await);
    let routed = Routed::with(&file(&one, &other)).await;
    let first = routed.get("/shop/a", &[]).await.expect(200);
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("place="), "{cookie}");
    for _ in 0..6 {
        let again = routed.get("/shop/b", &[("cookie", &cookie)]).await.expect(200);
        assert_eq!(again.json()["data"], first.json()["data"]);
        assert_eq!(again.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn what_a_request_of_the_door_says_chooses_its_instance() {
    let (one, other) =
        (FaultyPeer::start("one", Fault::None).await, FaultyPeer::start("other", Fault::None).await);
    let routed = Routed::with(&file(&one, &other)).await;
    let mut names = BTreeSet::new();
    for cart in 0..10 {
        let cart = cart.to_string();
        let mut of_this = BTreeSet::new();
        for _ in 0..3 {
            let answer = routed.get("/carts/a", &[("x-cart", &cart)]).await.expect(200);
            of_this.insert(answer.json()["data"].to_string());
        }
        assert_eq!(of_this.len(), 1, "{cart}");
        names.extend(of_this);
    }
    assert_eq!(names.len(), 2);
}
