//! The feed of verifiers.

use crate::support::{login, register, start};
use contract::ErrorCode;
use contract::auth::{AuthClient, FeedQuery, Revoked};
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, TestService, on_both_engines};
use tokio::time::{Instant, timeout};

fn verifier(service: &TestService) -> AuthClient {
    AuthClient::new(service.assembled().shared().peer("auth").unwrap().caller())
}

async fn the_feed_is_for_services_only(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    for client in [&service.client(), &ada.client] {
        client.get("/internal/v1/auth/feed").await.expect(404).refused(ErrorCode::NotFound);
    }
}

async fn whoever_asks_first_gets_the_keys_and_what_still_holds(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let elsewhere = login(&service, "ada@example.org").await;
    elsewhere.client.post("/api/v1/auth/logout", json!({})).await.expect(204);
    ada.client.post("/api/v1/auth/logout-all", json!({})).await.expect(204);

    let feed = verifier(&service).feed(&FeedQuery::default()).await.unwrap();
    assert_eq!(feed.keys.as_ref().map(|keys| keys.keys.len()), Some(1));
    let kinds: Vec<&str> = feed
        .revocations
        .iter()
        .map(|revocation| match revocation.revoked {
            Revoked::Session { .. } => "session",
            Revoked::User { user, version } => {
                assert_eq!((user.uuid(), version), (ada.id(), 2));
                "user"
            }
        })
        .collect();
    assert_eq!(kinds, ["session", "user"]);
    let expires = service.clock().now().secs() + 900;
    assert!(feed.revocations.iter().all(|revocation| revocation.until > expires));

    let query = FeedQuery { after: feed.cursor, keys: feed.keys_version.clone(), wait: 0 };
    let nothing = verifier(&service).feed(&query).await.unwrap();
    assert_eq!((nothing.revocations.len(), nothing.keys, nothing.cursor), (0, None, feed.cursor));
}

async fn who_waits_is_told_at_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let first = verifier(&service).feed(&FeedQuery::default()).await.unwrap();
    let query = FeedQuery { after: first.cursor, keys: first.keys_version, wait: 20 };
    let client = verifier(&service);
    let waiting = async {
        let feed = timeout(Duration::from_secs(10), client.feed(&query)).await.unwrap().unwrap();
        (feed, Instant::now())
    };
    let logout = async {
        ada.client.post("/api/v1/auth/logout", json!({})).await.expect(204);
        Instant::now()
    };
    let ((feed, told), ended) = tokio::join!(waiting, logout);
    assert_eq!(feed.revocations.len(), 1);
    assert!(told.saturating_duration_since(ended) < Duration::from_secs(1));
}

async fn a_revocation_of_another_process_is_seen_within_a_second(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    ada.client.get("/api/v1/users/me").await.expect(200);
    // As another process would: into the store, with nobody here told.
    let mut tx = service.db("auth").begin().await.unwrap();
    let revoked = [Revoked::User { user: ada.grant.user.id, version: 2 }];
    let until = service.clock().now() + Duration::from_secs(1_000);
    auth::store::revocation::insert(&mut tx, &revoked, until).await.unwrap();
    tx.commit().await.unwrap();
    testkit::eventually_within(Duration::from_secs(1), || async {
        ada.client.get("/api/v1/users/me").await.status == 401
    })
    .await;
}

async fn revocations_are_numbered_in_the_order_of_their_commits(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let db = service.db("auth");
    let until = service.clock().now() + Duration::from_secs(1_000);
    let seen = tokio::sync::Mutex::new((0_i64, 0_usize));
    let look = || async {
        let mut seen = seen.lock().await;
        let now = service.clock().now();
        let news = auth::store::revocation::list_after(db, seen.0, now, 1_000).await.unwrap();
        seen.0 = news.last().map_or(seen.0, |last| last.seq);
        seen.1 += news.len();
    };
    let writers = (0..40).map(|_| async {
        let mut tx = db.begin().await.unwrap();
        let revoked = [Revoked::Session { session: contract::ids::SessionId::new() }];
        auth::store::revocation::insert(&mut tx, &revoked, until).await.unwrap();
        tokio::task::yield_now().await;
        tx.commit().await.unwrap();
        look().await;
    });
    futures_util::future::join_all(writers).await;
    look().await;
    // A number that became visible after a greater one would have been passed over.
    assert_eq!(seen.lock().await.1, 40);
}

on_both_engines!(
    the_feed_is_for_services_only,
    whoever_asks_first_gets_the_keys_and_what_still_holds,
    who_waits_is_told_at_once,
    a_revocation_of_another_process_is_seen_within_a_second,
    revocations_are_numbered_in_the_order_of_their_commits,
);
