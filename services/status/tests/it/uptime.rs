//! How the services were, and what nobody knows of it.

use crate::bench::{Bench, EVERY, Orders, STATUS};
use contract::readiness::{self, Ready};
use contract::status::{ServiceState, ServiceStatus};
use testkit::{Engine, Setup, on_both_engines};

async fn orders(bench: &Bench) -> ServiceStatus {
    let page = bench.status().await;
    page.services.into_iter().find(|service| service.name == "orders").unwrap()
}

async fn a_gap_in_which_nobody_looked_is_neither_up_nor_down(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.looked().await;
    for _ in 0..4 {
        bench.look_after(EVERY).await;
    }
    assert_eq!(
        bench.count("SELECT CAST(SUM(up_ms) AS BIGINT) FROM service_hour WHERE service = 'orders'").await,
        60_000
    );
    // Twelve hours in which there was no process at all.
    bench.look_after(12 * 3_600).await;
    let known = "SELECT CAST(SUM(up_ms + degraded_ms + down_ms) AS BIGINT) FROM service_hour WHERE service = 'orders'";
    assert_eq!(bench.count(known).await, 75_000, "as much as one look covers, and no more");
    let day = orders(&bench).await.uptime.day;
    assert_eq!(day.percent, Some(100.0));
    assert!(day.known_percent < 1.0, "{day:?}");
}

async fn time_counts_for_how_the_service_was(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.looked().await;
    for _ in 0..3 {
        bench.look_after(EVERY).await;
    }
    bench.orders_are(Some("away"));
    for _ in 0..2 {
        bench.look_after(EVERY).await;
    }
    bench.orders_are(None);
    bench.look_after(EVERY).await;
    bench.until("orders", ServiceState::Operational).await;
    // Up until the look that found it impaired: four times; impaired for two.
    let found = orders(&bench).await;
    assert_eq!(found.uptime.day.percent, Some(66.66), "{found:?}");
    assert_eq!(found.uptime.quarter.percent, Some(66.66));
    assert!(!found.days.is_empty() && found.days.len() <= 2);
}

async fn a_state_that_nobody_followed_begins_anew(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.looked().await;
    let began = orders(&bench).await.since;
    bench.look_after(EVERY).await;
    assert_eq!(orders(&bench).await.since, began);
    bench.look_after(3_600).await;
    assert!(orders(&bench).await.since > began);
}

/// The route that is asked, in one process and over a socket.
#[tokio::test]
async fn every_service_says_whether_it_is_ready_to_services_only() {
    let bench = Bench::start(Engine::Sqlite).await.unwrap();
    bench.orders_are(Some("away"));
    let shared = bench.service.assembled().shared();
    let ask = |name: &'static str| {
        let peer = shared.peer(name).unwrap();
        async move { peer.caller().get::<Ready>(&readiness::path(name)).await.unwrap() }
    };
    assert!(ask("status").await.ready && ask("auth").await.ready);
    let orders = ask("orders").await;
    assert_eq!((orders.ready, orders.failing), (false, vec!["orders.warehouse-at-10.0.0.7".to_owned()]));
    for name in ["status", "auth", "orders"] {
        bench.service.client().get(&readiness::path(name)).await.expect(404);
        bench.admin().get(&readiness::path(name)).await.expect(404);
    }
    // From another process.
    let key = "a-key-that-both-processes-have-0123456789";
    let there = Setup::of::<Orders>().set("BOWLINE_IDENTITY__SERVICE_KEY", key).build().await;
    let listening = there.listen();
    let here = Setup::of::<Orders>().and::<testkit::FakeAuth>().targets("auth");
    let issuer = testkit::Issuer::new();
    let here = here
        .set("BOWLINE_IDENTITY__SERVICE_KEY", key)
        .peer("orders", listening.url())
        .issuer(&issuer)
        .build()
        .await;
    let peer = here.assembled().shared().peer("orders").unwrap();
    let ready: Ready = peer.caller().get(&readiness::path("orders")).await.unwrap();
    assert!(ready.ready, "{ready:?}");
    listening.client().get(&readiness::path("orders")).await.expect(404);
    bench.service.client().get(STATUS).await.expect(200);
}

on_both_engines!(
    a_gap_in_which_nobody_looked_is_neither_up_nor_down,
    time_counts_for_how_the_service_was,
    a_state_that_nobody_followed_begins_anew,
);
