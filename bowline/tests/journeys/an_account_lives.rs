//! Register, log in, be somebody, refresh, log out.

use crate::support::{PASSWORD, Person, Sandbox, in_both_shapes};
use contract::ErrorCode;
use serde_json::{Value, json};
use std::collections::HashSet;
use testkit::{Answer, eventually};
use tokio::task::JoinSet;

in_both_shapes!(
    from_registration_to_logout,
    two_tabs_refresh_at_once_and_a_thief_ends_the_family,
    one_session_ends_another,
    nothing_secret_is_logged
);

async fn from_registration_to_logout(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    let body = json!({"email": person.email, "password": PASSWORD});
    client.post("/api/auth/register", &body).await.refused(ErrorCode::EmailTaken);

    let person = Person::log_in(&client, &person.email, PASSWORD).await;
    let me: Value = person.client.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(me["email"], person.email.as_str());
    client.get("/api/v1/users/me").await.refused(ErrorCode::Unauthenticated);

    let grant: Value =
        client.post("/api/v1/auth/refresh", json!({"refreshToken": person.refresh})).await.expect(200).data();
    let again = client.bearer(grant["accessToken"].as_str().unwrap());
    again.post("/api/v1/auth/logout", json!({})).await.expect(204);
    eventually(|| async {
        let refused = again.get("/api/v1/users/me").await;
        (refused.status == 401).then_some(()).ok_or_else(|| refused.text().into_owned())
    })
    .await;
    client
        .post("/api/v1/auth/refresh", json!({"refreshToken": grant["refreshToken"]}))
        .await
        .refused(ErrorCode::InvalidRefreshToken);
}

async fn two_tabs_refresh_at_once_and_a_thief_ends_the_family(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    let refresh = |token: String| {
        let client = client.clone();
        async move { client.post("/api/v1/auth/refresh", json!({"refreshToken": token})).await }
    };
    let mut tabs: JoinSet<Answer> = (0..10).map(|_| refresh(person.refresh.clone())).collect();
    let mut successors = HashSet::new();
    while let Some(tab) = tabs.join_next().await {
        let grant: Value = tab.unwrap().expect(200).data();
        successors.insert(grant["refreshToken"].as_str().unwrap().to_owned());
    }
    assert_eq!(successors.len(), 1, "all tabs get the same successor");

    let second: Value = refresh(successors.into_iter().next().unwrap()).await.expect(200).data();
    let newest = second["refreshToken"].as_str().unwrap().to_owned();
    // Within the grace a tab may still come late; after it, the same token is a stolen one.
    eventually(|| async {
        let late = refresh(person.refresh.clone()).await;
        (late.status == 401).then_some(()).ok_or(late.status)
    })
    .await;
    refresh(newest).await.refused(ErrorCode::InvalidRefreshToken);
}

async fn one_session_ends_another(sandbox: Sandbox) {
    let client = sandbox.client();
    let phone = Person::register(&client).await;
    let laptop = Person::log_in(&client, &phone.email, PASSWORD).await;
    let sessions: Vec<Value> = laptop.client.get("/api/v1/auth/sessions").await.expect(200).data();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/v1/auth/sessions/{}", other["id"].as_str().unwrap());

    let stranger = Person::register(&client).await;
    stranger.client.delete(&path).await.refused(ErrorCode::NotFound);
    laptop.client.delete(&path).await.expect(204);
    eventually(|| async {
        let refused = phone.client.get("/api/v1/users/me").await;
        (refused.status == 401).then_some(()).ok_or_else(|| refused.text().into_owned())
    })
    .await;
    laptop.client.get("/api/v1/users/me").await.expect(200);
}

async fn nothing_secret_is_logged(sandbox: Sandbox) {
    let client = sandbox.client();
    let person = Person::register(&client).await;
    person.client.get("/api/v1/users/me").await.expect(200);
    client.post("/api/v1/auth/refresh", json!({"refreshToken": person.refresh})).await.expect(200);
    let wrong = json!({"email": person.email, "password": "wrong-horse-9-paperclip"});
    client.post("/api/v1/auth/login", wrong).await.refused(ErrorCode::InvalidCredentials);
    let logs = sandbox.logs();
    assert!(logs.contains("\"message\":\"answered\""), "there is an access line:\n{logs}");
    for secret in [&person.access, &person.refresh, PASSWORD, "wrong-horse-9-paperclip"] {
        assert!(!logs.contains(secret), "{secret} is in the log:\n{logs}");
    }
}
