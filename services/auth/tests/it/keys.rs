//! Signing keys: publication, rotation, and what the master key is for.

use crate::support::{header, login, pass, refresh, register, setup, start};
use auth::app::{KeyRing, RotatedKey, Rotation};
use auth::domain::signing_key::MasterKey;
use contract::ErrorCode;
use contract::auth::Jwks;
use secrecy::SecretString;
use std::time::Duration;
use testkit::{Engine, TestService, eventually, eventually_within, on_both_engines};

const MASTER: &str = "a master key of these tests and of nothing else";

async fn start_with_master(engine: Engine) -> Option<TestService> {
    crate::support::start_with(setup().set("BOWLINE_AUTH__MASTER_KEY", MASTER), engine).await
}

/// As another process would: into the store, with nobody here told.
async fn rotate(service: &TestService, rotation: Rotation) -> RotatedKey {
    let master = MasterKey::new(&SecretString::from(MASTER)).unwrap();
    let lifetime = Duration::from_secs(900);
    KeyRing::rotate(service.db("auth"), &master, rotation, lifetime, service.clock().now()).await.unwrap()
}

async fn jwks(service: &TestService) -> Jwks {
    let answer = service.client().get("/.well-known/jwks.json").await.expect(200);
    serde_json::from_slice(&answer.body).unwrap()
}

fn kid(access_token: &str) -> String {
    header(access_token)["kid"].as_str().unwrap().to_owned()
}

async fn the_key_set_is_what_rfc_7517_says(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let answer = service.client().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=30"));
    let key = &answer.json()["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into()));
    assert_eq!(key["use"], "sig");
    assert!(key.get("d").is_none());
    let ada = register(&service, "ada@example.org").await;
    let header = header(ada.grant.tokens.access_token.expose());
    assert_eq!((&header["kid"], &header["alg"]), (&key["kid"], &"EdDSA".into()));
}

async fn a_planned_rotation_interrupts_nobody(engine: Engine) {
    let Some(service) = start_with_master(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let old = kid(ada.grant.tokens.access_token.expose());
    let made = rotate(&service, Rotation::Planned { activation: Duration::from_secs(60) }).await;
    eventually_within(Duration::from_secs(2), || async { jwks(&service).await.keys.len() == 2 }).await;

    // Published, and not signing yet.
    let before = login(&service, "ada@example.org").await;
    assert_eq!(kid(before.grant.tokens.access_token.expose()), old);
    pass(&service, 60);
    let after = login(&service, "ada@example.org").await;
    assert_eq!(kid(after.grant.tokens.access_token.expose()), made.kid);
    for person in [&ada, &before, &after] {
        person.client.get("/api/v1/users/me").await.expect(200);
    }
    pass(&service, 961);
    eventually(|| async { jwks(&service).await.keys.len() == 1 }).await;
    assert_eq!(jwks(&service).await.keys[0].kid, made.kid);
    let fresh = refresh(&service, after.refresh_token()).await;
    let client = service.client().bearer(fresh.access_token.expose());
    client.get("/api/v1/users/me").await.expect(200);
}

async fn an_immediate_rotation_voids_what_the_old_key_signed(engine: Engine) {
    let Some(service) = start_with_master(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    ada.client.get("/api/v1/users/me").await.expect(200);
    let made = rotate(&service, Rotation::Immediate).await;
    eventually_within(Duration::from_secs(2), || async {
        ada.client.get("/api/v1/users/me").await.status == 401
    })
    .await;
    ada.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::Unauthenticated);
    let fresh = refresh(&service, ada.refresh_token()).await;
    assert_eq!(kid(fresh.access_token.expose()), made.kid);
    let client = service.client().bearer(fresh.access_token.expose());
    eventually(|| async { client.get("/api/v1/users/me").await.status == 200 }).await;
    assert_eq!(jwks(&service).await.keys.len(), 1);
}

async fn processes_that_start_at_once_make_one_key(engine: Engine) {
    let Some(service) = start_with_master(engine).await else { return };
    let (db, now) = (service.db("auth"), service.clock().now());
    let mut tx = db.begin().await.unwrap();
    chassis::db::q!(tx.tx, execute, "DELETE FROM signing_keys").unwrap();
    tx.commit().await.unwrap();
    // Their clocks differ by a few seconds.
    let open = |n: u64| async move {
        let now = now - Duration::from_secs(n);
        let master = MasterKey::new(&SecretString::from(MASTER)).unwrap();
        KeyRing::open(db, master, now).await.unwrap().published(now).1
    };
    let versions = futures_util::future::join_all((0..6).map(open)).await;
    assert!(versions.iter().all(|version| *version == versions[0]));
    assert_eq!(crate::support::count(db, "SELECT COUNT(*) FROM signing_keys").await, 1);
}

async fn another_master_key_signs_nothing_and_says_what_to_do(engine: Engine) {
    let Some(service) = start_with_master(engine).await else { return };
    let (db, now) = (service.db("auth"), service.clock().now());
    let other = || MasterKey::new(&SecretString::from("another master key")).unwrap();
    let refusal = KeyRing::open(db, other(), now).await.unwrap_err().to_string();
    assert!(refusal.contains("bowline keys rotate --now"), "{refusal}");
    let lifetime = Duration::from_secs(900);
    let made = KeyRing::rotate(db, &other(), Rotation::Immediate, lifetime, now).await.unwrap();
    assert_eq!(KeyRing::open(db, other(), now).await.unwrap().signing(now).unwrap().kid(), made.kid);
}

on_both_engines!(
    the_key_set_is_what_rfc_7517_says,
    a_planned_rotation_interrupts_nobody,
    an_immediate_rotation_voids_what_the_old_key_signed,
    processes_that_start_at_once_make_one_key,
    another_master_key_signs_nothing_and_says_what_to_do,
);
