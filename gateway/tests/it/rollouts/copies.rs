//! Copies that go to another upstream.

use super::{name, route, upstreams};
use crate::routes::Routed;
use http::Method;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use std::time::{Duration, Instant};
use testkit::{Answer, Fault, FaultyPeer, eventually};

struct Copies {
    routed: Routed,
    stable: FaultyPeer,
    shadow: FaultyPeer,
}

async fn copies(fault: Fault, more: &str) -> Copies {
    let stable = FaultyPeer::start("stable", Fault::None).await;
    let shadow = FaultyPeer::start("shadow", fault).await;
    let peers = upstreams(&[("stable", &stable), ("shadow", &shadow)]);
    let mirror = route(&format!("mirror = {{ to = \"shadow\"{more} }}\nrewrite = \"/v2/{{rest}}\""));
    Copies { routed: Routed::with(&format!("{peers}{mirror}")).await, stable, shadow }
}

impl Copies {
    async fn post(&self, body: impl Into<bytes::Bytes>) -> Answer {
        self.routed.door.client().request(Method::POST, "/shop/x").body("text/plain", body).send().await
    }

    async fn copied(&self, number: usize) {
        eventually(async || {
            let seen = self.shadow.requests();
            if seen == number { Ok(()) } else { Err(seen) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_copy_is_what_the_target_sees_without_what_proves_anybody() {
    let copies = copies(Fault::None, "").await;
    let token = format!("Bearer {}", copies.routed.issuer.token(copies.routed.door.clock(), &[]));
    let sent = [("authorization", &*token), ("cookie", "session=1"), ("x-kept", "1"), ("x-user-id", "7")];
    let answer = copies.routed.get("/shop/a?b=c", &sent).await.expect(200);
    assert_eq!(name(&answer), "stable");
    copies.copied(1).await;
    let copy = copies.shadow.heard().remove(0).to_ascii_lowercase();
    assert!(copy.starts_with("get /v2/a?b=c http/1.1\r\n"), "{copy}");
    assert!(copy.contains("x-mirrored: 1\r\n") && copy.contains("x-kept: 1\r\n"), "{copy}");
    for secret in ["authorization", "cookie", "x-user-id", "x-api-key"] {
        assert!(!copy.contains(secret), "{secret}: {copy}");
    }
}

#[tokio::test]
async fn whatever_the_other_one_does_nobody_notices() {
    for fault in [
        Fault::Refuses,
        Fault::Resets,
        Fault::Closes,
        Fault::Silent,
        Fault::Half,
        Fault::Stalls,
        Fault::Nonsense,
        Fault::Says(500, ""),
    ] {
        let copies = copies(fault.clone(), ", concurrency = 3, timeout_ms = 60000").await;
        let began = Instant::now();
        for _ in 0..20 {
            assert_eq!(name(&copies.routed.get("/shop/a", &[]).await.expect(200)), "stable", "{fault:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{fault:?}: {:?}", began.elapsed());
        assert_eq!(copies.stable.requests(), 20);
    }
}

/// Waits until so many copies have come to this.
async fn came(recorder: &PrometheusRecorder, outcome: &str, count: usize) {
    let line = format!("gateway_mirror_requests_total{{route=\"shop\",outcome=\"{outcome}\"}} {count}\n");
    eventually(async || {
        let page = recorder.handle().render();
        if page.contains(&line) { Ok(()) } else { Err(page) }
    })
    .await;
}

#[tokio::test]
async fn only_so_many_copies_are_under_way() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let copies = copies(Fault::Silent, ", concurrency = 2").await;
    for _ in 0..6 {
        copies.routed.get("/shop/a", &[]).await.expect(200);
    }
    copies.copied(2).await;
    came(&recorder, "too_many", 4).await;
    copies.shadow.turn(Fault::None).await;
    assert_eq!(copies.shadow.requests(), 2);
}

#[tokio::test]
async fn what_may_change_something_is_copied_where_the_file_says_so_and_is_not_large() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let safe = copies(Fault::None, "").await;
    safe.post("hello").await.expect(200);
    safe.routed.get("/shop/a", &[]).await.expect(200);
    safe.copied(1).await;
    assert!(safe.shadow.heard()[0].starts_with("GET "));

    let copies = copies(Fault::None, ", unsafe = true, max_body = 1000").await;
    copies.post("hello").await.expect(200);
    copies.copied(1).await;
    assert!(copies.shadow.heard()[0].ends_with("\r\n\r\nhello"), "{}", copies.shadow.heard()[0]);
    copies.post("x".repeat(1_001)).await.expect(200);
    copies.post("y".repeat(1_000)).await.expect(200);
    copies.copied(2).await;
    came(&recorder, "too_large", 1).await;
    came(&recorder, "answered", 3).await;
    assert!(copies.shadow.heard()[1].ends_with('y'));
    assert!(copies.stable.heard()[1].ends_with(&"x".repeat(1_001)), "the real one is whole");
}

#[tokio::test]
async fn a_part_of_them_is_copied() {
    let copies = copies(Fault::None, ", percent = 10").await;
    for _ in 0..50 {
        copies.routed.get("/shop/a", &[]).await.expect(200);
    }
    eventually(async || {
        let seen = copies.shadow.requests();
        if (4..=6).contains(&seen) { Ok(()) } else { Err(seen) }
    })
    .await;
}
