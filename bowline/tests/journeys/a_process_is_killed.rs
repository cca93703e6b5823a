//! SIGKILL loses nothing that was answered, and an absent service is a clear 503.

use crate::support::{PASSWORD, Person, Sandbox, Shape, in_both_shapes};
use contract::ErrorCode;
use serde_json::json;
use testkit::eventually;

in_both_shapes!(what_was_answered_survives_a_kill);

async fn what_was_answered_survives_a_kill(mut sandbox: Sandbox) {
    let person = Person::register(&sandbox.client()).await;
    sandbox.kill_and_restart_auth();
    let client = sandbox.client();
    let body = json!({"refreshToken": person.refresh});
    client.post("/api/v1/auth/refresh", body).await.expect(200);
    Person::log_in(&client, &person.email, PASSWORD).await;
    let bearer = client.bearer(&person.access);
    eventually(|| async {
        let me = bearer.get("/api/v1/users/me").await;
        (me.status == 200).then_some(()).ok_or_else(|| me.text().into_owned())
    })
    .await;
}

#[tokio::test]
async fn an_absent_service_is_a_503_and_comes_back() {
    let mut sandbox = Sandbox::start(Shape::Split);
    let client = sandbox.client();
    let person = Person::register(&client).await;
    sandbox.auth().freeze();
    let asked =
        client.request(http::Method::GET, "/.well-known/jwks.json").header("x-request-timeout-ms", "300");
    asked.send().await.refused(ErrorCode::DeadlineExceeded);
    sandbox.auth().signal("CONT");
    sandbox.kill_auth();
    let refused =
        client.post("/api/v1/auth/login", json!({"email": person.email, "password": PASSWORD})).await;
    assert!(refused.header("retry-after").is_some());
    refused.refused(ErrorCode::Unavailable);
    sandbox.kill_and_restart_auth();
    Person::log_in(&sandbox.client(), &person.email, PASSWORD).await;
}
