//! What no longer means anything is removed, and nothing else.

use crate::support::{count, login, pass, refresh, register, setup, start_with, try_login};
use auth::store::{key, login_failure, one_time_token, revocation, session};
use serde_json::json;
use testkit::{Engine, TestService, eventually, on_both_engines};

/// Without jobs, which would sweep too.
async fn start(engine: Engine) -> Option<TestService> {
    start_with(setup().set("BOWLINE_JOBS__ENABLED", "false"), engine).await
}

async fn what_is_over_is_removed_and_what_is_not_stays(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let db = service.db("auth");
    let old = register(&service, "ada@example.org").await;
    refresh(&service, old.refresh_token()).await;
    old.client.post("/api/v1/auth/logout", json!({})).await.expect(204);
    try_login(&service, "nobody@example.org", "not the password").await.expect(401);
    let began = service.clock().now();
    pass(&service, 8 * 86_400);
    register(&service, "eve@example.org").await;
    try_login(&service, "eve@example.org", "not the password").await.expect(401);
    let now = service.clock().now();

    // The subject of the network address has failed again just now.
    assert_eq!(
        login_failure::delete_over(db, now - std::time::Duration::from_secs(86_400), 10).await.unwrap(),
        1
    );
    assert_eq!(session::delete_over(db, began, 10).await.unwrap(), 0);
    assert_eq!(session::delete_over(db, now, 10).await.unwrap(), 1);
    assert_eq!(one_time_token::delete_over(db, now, 10).await.unwrap(), 1);
    assert_eq!(revocation::delete_over(db, now, 10).await.unwrap(), 1);
    assert_eq!(key::delete_over(db, now).await.unwrap(), 0);
    assert_eq!(count(db, "SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!(count(db, "SELECT COUNT(*) FROM refresh_tokens").await, 1);
    assert_eq!(count(db, "SELECT COUNT(*) FROM one_time_tokens").await, 1);
    login(&service, "eve@example.org").await;
}

async fn a_batch_is_no_larger_than_asked_for(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    for _ in 0..4 {
        login(&service, "ada@example.org").await;
    }
    pass(&service, 31 * 86_400);
    let now = service.clock().now();
    let db = service.db("auth");
    let mut removed = Vec::new();
    for _ in 0..3 {
        removed.push(session::delete_over(db, now, 2).await.unwrap());
    }
    assert_eq!(removed, [2, 2, 1]);
}

async fn the_job_removes_it_when_its_time_has_come(engine: Engine) {
    let Some(service) = start_with(setup().set("BOWLINE_JOBS__POLL_MS", "20"), engine).await else { return };
    let db = service.db("auth");
    register(&service, "ada@example.org").await;
    assert_eq!(count(db, "SELECT COUNT(*) FROM sessions").await, 1);
    pass(&service, 40 * 86_400);
    eventually(|| async { count(db, "SELECT COUNT(*) FROM sessions").await == 0 }).await;
    let ran = "SELECT COUNT(*) FROM job WHERE name = 'sweep' AND last_outcome = 'done'";
    eventually(|| async { count(db, ran).await == 1 }).await;
}

on_both_engines!(
    what_is_over_is_removed_and_what_is_not_stays,
    a_batch_is_no_larger_than_asked_for,
    the_job_removes_it_when_its_time_has_come
);
