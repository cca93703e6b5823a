//! Two processes of the auth service on one PostgreSQL: what one decides holds at the other within a second.

use crate::support::{PASSWORD, Person, Process};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{Client, Databases, Folder, engines, eventually};

#[tokio::test]
async fn a_logout_at_one_replica_holds_at_the_other_within_a_second() {
    let Some(databases) = Databases::on_postgres() else { return };
    logout_at_one_replica(&[("DATABASE_URL", &databases.url())]).await;
}

#[tokio::test]
async fn replicas_wake_each_other_through_redis() {
    let (Some(databases), Some(redis)) = (Databases::on_postgres(), engines::redis_url()) else { return };
    logout_at_one_replica(&[("DATABASE_URL", &databases.url()), ("REDIS_URL", &redis)]).await;
}

#[tokio::test]
async fn replicas_wake_each_other_through_a_redis_cluster() {
    let (Some(databases), Some(redis)) = (Databases::on_postgres(), engines::redis_cluster_url()) else {
        return;
    };
    logout_at_one_replica(&[("DATABASE_URL", &databases.url()), ("REDIS_URL", &redis)]).await;
}

async fn logout_at_one_replica(settings: &[(&str, &str)]) {
    let folder = Folder::new("replicas").unwrap();
    let data = folder.path().join("data");
    let own = [("BOWLINE_TARGET", "auth"), ("DATA_DIR", data.to_str().unwrap())];
    let settings = [&own[..], settings].concat();
    let processes = [Process::start(&settings), Process::start(&settings)];
    let [one, other] = processes.each_ref().map(|process| Client::http(process.url()));
    for _ in 0..5 {
        let person = Person::register(&one).await;
        let elsewhere = other.bearer(&person.access);
        elsewhere.get("/api/v1/users/me").await.expect(200);
        person.client.post("/api/v1/auth/logout", json!({})).await.expect(204);
        let ended = Instant::now();
        eventually(|| async {
            let refused = elsewhere.get("/api/v1/users/me").await;
            (refused.status == 401).then_some(()).ok_or_else(|| refused.text().into_owned())
        })
        .await;
        assert!(ended.elapsed() < Duration::from_secs(1), "it took {:?}", ended.elapsed());
        Person::log_in(&other, &person.email, PASSWORD).await;
    }
}
