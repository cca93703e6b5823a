//! Policies, on every engine: what counts with what, and what is told.

use super::{ONE, OPEN, OTHER, Place, anywhere, let_through, on_all_engines, somebody};
use crate::house::Lines;
use contract::ErrorCode;
use contract::identity::Role;
use testkit::Client;
use tokio::task::JoinSet;

on_all_engines!(
    every_answer_says_where_its_client_stands,
    the_public_policy_and_that_of_a_route_are_counts_of_their_own_and_each_counts_once,
    routes_that_share_a_policy_share_one_count,
    a_policy_by_route_counts_each_route,
    a_user_is_counted_from_wherever_they_come_and_alone,
    a_request_that_one_policy_refuses_is_counted_in_none,
    replicas_share_one_count_unless_they_share_nothing,
    a_policy_of_the_operators_own_holds_below_its_path,
);

async fn every_answer_says_where_its_client_stands(place: Place) {
    let lines = Lines::capture("info");
    let service = place.start(&[("public", "3 per 1h by ip")]).await;
    let client = somebody(&service);
    let first = client.get(OPEN).await.expect(200);
    assert_eq!(first.header("ratelimit-policy"), Some(r#""public";q=3;w=3600"#));
    assert_eq!(first.header("ratelimit"), Some(r#""public";r=2;t=1200"#));
    assert_eq!(first.header("x-ratelimit-limit"), Some("3"));
    assert_eq!(first.header("x-ratelimit-remaining"), Some("2"));
    assert_eq!(first.header("x-ratelimit-reset"), Some("1200"));
    assert_eq!(first.header("retry-after"), None);
    // What is refused by the router has been counted too.
    let unknown = client.get("/api/v1/nowhere").await.expect(404);
    assert_eq!(unknown.header("x-ratelimit-remaining"), Some("1"));
    let method = client.delete(OPEN).await.expect(405);
    assert_eq!(method.header("x-ratelimit-remaining"), Some("0"));
    for path in [OPEN, "/api/v1/nowhere"] {
        let refused = client.get(path).await.expect(429);
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1_100..=1_200).contains(&wait), "{wait}");
        assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
        assert!(refused.header("ratelimit").unwrap().starts_with(r#""public";r=0;t="#));
        refused.refused(ErrorCode::RateLimited);
    }
    let counted = lines.metric("rate_limited_total", &["service=\"guarded\"", "policy=\"public\""]);
    assert_eq!(counted, Some(2.0));
}

/// Of a predecessor, two limiters shared one key: the shorter window won, and each call counted twice.
async fn the_public_policy_and_that_of_a_route_are_counts_of_their_own_and_each_counts_once(place: Place) {
    let service = place.start(&[("public", "10 per 1m by ip"), ("auth", "4 per 15m by ip")]).await;
    let client = somebody(&service);
    let answer = client.post(ONE, ()).await.expect(204);
    let policies = answer.header("ratelimit-policy").unwrap();
    assert_eq!(policies, r#""public";q=10;w=60, "auth";q=4;w=900"#);
    assert_eq!(answer.header("ratelimit"), Some(r#""public";r=9;t=6, "auth";r=3;t=225"#));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("3"));
    assert_eq!(let_through(&client, ONE, 5).await, 3);
    // Six attempts, four of them let through; the public policy has seen each once.
    let answer = client.get(OPEN).await.expect(200);
    assert_eq!(answer.header("x-ratelimit-limit"), Some("10"));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("3"));
}

async fn routes_that_share_a_policy_share_one_count(place: Place) {
    let service = place.start(&[("auth", "5 per 15m by ip")]).await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, ONE, 3).await, 3);
    assert_eq!(let_through(&client, OTHER, 5).await, 2);
    assert_eq!(let_through(&client, ONE, 1).await, 0);
    assert_eq!(let_through(&client, OPEN, 5).await, 5);
    assert_eq!(let_through(&somebody(&service), OTHER, 5).await, 5);
}

async fn a_policy_by_route_counts_each_route(place: Place) {
    let service = place.start(&[("auth", "2 per 15m by ip+route")]).await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, ONE, 3).await, 2);
    assert_eq!(let_through(&client, OTHER, 3).await, 2);
}

async fn a_user_is_counted_from_wherever_they_come_and_alone(place: Place) {
    let limits = [("public", "100 per 1h by ip"), ("api", "3 per 1h by user")];
    let (service, issuer) = place.start_with_people(&limits).await;
    let sign = || issuer.sign(&issuer.claims(service.clock(), &[Role::User]));
    let (ada, bob) = (sign(), sign());
    let from_anywhere = |token: &str| -> Client { somebody(&service).bearer(token) };
    let answer = from_anywhere(&ada).get(OPEN).await.expect(200);
    assert_eq!(answer.header("ratelimit"), Some(r#""public";r=99;t=36, "api";r=2;t=1200"#));
    assert_eq!(let_through(&from_anywhere(&ada), OPEN, 2).await, 2);
    let refused = from_anywhere(&ada).get(OPEN).await.expect(429);
    assert!(refused.header("ratelimit").unwrap().contains(r#""api";r=0"#));
    assert_eq!(let_through(&from_anywhere(&bob), OPEN, 3).await, 3);
    // Nobody and somebody unproved are no users.
    assert_eq!(let_through(&somebody(&service), OPEN, 5).await, 5);
    assert_eq!(let_through(&from_anywhere("not.a.token"), OPEN, 5).await, 5);
}

async fn a_request_that_one_policy_refuses_is_counted_in_none(place: Place) {
    let limits = [("public", "10 per 1h by ip"), ("api", "2 per 1h by user")];
    let (service, issuer) = place.start_with_people(&limits).await;
    let address = somebody(&service);
    let ada = address.bearer(&issuer.sign(&issuer.claims(service.clock(), &[Role::User])));
    assert_eq!(let_through(&ada, OPEN, 8).await, 2);
    // On a cluster address and user are in different slots: what was counted for the address was given back.
    let answer = address.get(OPEN).await.expect(200);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("7"));
}

/// Of a predecessor, each instance counted for itself.
async fn replicas_share_one_count_unless_they_share_nothing(place: Place) {
    let limits = [("public", "1000 per 1h by ip"), ("auth", "10 per 1h by ip")];
    let replicas = [place.start(&limits).await, place.start(&limits).await];
    let address = anywhere();
    let mut requests = JoinSet::new();
    for n in 0..60 {
        let client = replicas[n % 2].client().from_address(address);
        requests.spawn(async move { client.post([ONE, OTHER][n / 2 % 2], ()).await.status.as_u16() });
    }
    let statuses = requests.join_all().await;
    let through = statuses.iter().filter(|status| **status == 204).count();
    let shared = replicas[0].assembled().shared().state().engine() != chassis::state::StateEngine::Process;
    assert_eq!(through, if shared { 10 } else { 20 }, "{statuses:?}");
}

async fn a_policy_of_the_operators_own_holds_below_its_path(place: Place) {
    let more = "attempts: 2 per 1h by ip at /api/v1/guarded/one, all: 5 per 1h by ip at /api/v1/guarded";
    let service = place.start(&[("more", more)]).await;
    let client = somebody(&service);
    let answer = client.post(ONE, ()).await.expect(204);
    let policies = answer.header("ratelimit-policy").unwrap();
    assert!(policies.contains(r#""attempts";q=2;w=3600, "all";q=5;w=3600"#), "{policies}");
    assert_eq!(let_through(&client, ONE, 3).await, 1);
    assert_eq!(let_through(&client, OPEN, 5).await, 3);
    client.get("/api/v1/elsewhere").await.expect(404);
}

#[tokio::test]
async fn time_frees_what_was_used_bit_by_bit() {
    let service = Place::process().start(&[("public", "4 per 1h by ip")]).await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, OPEN, 9).await, 4);
    service.clock().advance(std::time::Duration::from_secs(900));
    assert_eq!(let_through(&client, OPEN, 9).await, 1);
    service.clock().advance(std::time::Duration::from_secs(3_600));
    assert_eq!(let_through(&client, OPEN, 9).await, 4);
}

#[tokio::test]
async fn a_policy_that_is_off_neither_counts_nor_tells() {
    let off = [("public", "off"), ("api", "off"), ("auth", "off")];
    let service = Place::process().start(&off).await;
    let client = somebody(&service);
    assert_eq!(let_through(&client, ONE, 50).await, 50);
    let answer = client.get(OPEN).await.expect(200);
    assert!(!answer.headers.keys().any(|name| name.as_str().contains("ratelimit")), "{:?}", answer.headers);
}
