//! New passwords: by who knows the old one, and by who can read the mail.

use crate::support::{
    OTHER_PASSWORD, PASSWORD, audited, count, login, mailed, pass, register, start, try_login, try_refresh,
};
use contract::ErrorCode;
use serde_json::json;
use testkit::{Engine, TestService, eventually, on_both_engines};

/// Requests for a link that are not answered yet.
const WAITING: &str = "SELECT COUNT(*) FROM job WHERE name = 'answer-reset-request' AND status <> 'done'";

async fn forgot(service: &TestService, email: &str) -> testkit::Answer {
    service.client().post("/api/v1/auth/password/forgot", json!({"email": email})).await
}

async fn reset(service: &TestService, token: &str, password: &str) -> testkit::Answer {
    let body = json!({"token": token, "newPassword": password});
    service.client().post("/api/v1/auth/password/reset", body).await
}

/// Asks for a link and waits for its mail.
async fn link(service: &TestService, email: &str) -> String {
    let before = mailed(service.db("auth"), email, "reset_password").await.len();
    forgot(service, &email.to_uppercase()).await.expect(202);
    let mails = eventually(|| async {
        let mails = mailed(service.db("auth"), email, "reset_password").await;
        (mails.len() > before).then_some(mails)
    });
    mails.await.pop().unwrap()
}

async fn a_changed_password_ends_the_other_sessions_and_not_this_one(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let elsewhere = login(&service, "ada@example.org").await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD});
    ada.client.post("/api/v1/auth/password/change", body).await.expect(204);

    ada.client.get("/api/v1/users/me").await.expect(200);
    elsewhere.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
    try_refresh(&service, elsewhere.refresh_token()).await.expect(401);
    crate::support::refresh(&service, ada.refresh_token()).await;
    try_login(&service, "ada@example.org", PASSWORD).await.expect(401);
    try_login(&service, "ada@example.org", OTHER_PASSWORD).await.expect(200);
    assert_eq!(mailed(service.db("auth"), &ada.email, "password_changed").await.len(), 1);
    assert!(audited(service.db("auth"), ada.id()).await.contains(&"password.changed".to_owned()));
}

async fn the_old_password_is_guessed_only_a_few_times(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let change = |old: &str| {
        let body = json!({"currentPassword": old, "newPassword": OTHER_PASSWORD});
        let client = ada.client.clone();
        async move { client.post("/api/v1/auth/password/change", body).await }
    };
    for _ in 0..5 {
        change("not the password").await.expect(401).refused(ErrorCode::InvalidCredentials);
    }
    let locked = change(PASSWORD).await.expect(429);
    assert_eq!(locked.header("retry-after"), Some("1"));
    locked.refused(ErrorCode::LoginLocked);
    // The owner can still log in: the two are counted apart.
    login(&service, "ada@example.org").await;
    pass(&service, 1);
    change(PASSWORD).await.expect(204);
    let log = audited(service.db("auth"), ada.id()).await;
    assert_eq!(log.iter().filter(|action| *action == "password.change_failed").count(), 5);
}

async fn a_new_password_is_a_good_one_and_another_one(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let change = |new: &str| {
        let body = json!({"currentPassword": PASSWORD, "newPassword": new});
        let client = ada.client.clone();
        async move { client.post("/api/v1/auth/password/change", body).await.expect(400) }
    };
    let same = change(PASSWORD).await.refused(ErrorCode::Validation);
    assert_eq!(same.error.details[0].field, "newPassword");
    let weak = change("password1").await.refused(ErrorCode::WeakPassword);
    assert_eq!(weak.error.details[0].field, "newPassword");
    login(&service, "ada@example.org").await;
}

async fn a_mailed_link_sets_a_new_password_once_and_ends_every_session(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let token = link(&service, "ada@example.org").await;
    let weak = reset(&service, &token, "password1").await.expect(400);
    weak.refused(ErrorCode::WeakPassword);
    reset(&service, &token, OTHER_PASSWORD).await.expect(204);
    reset(&service, &token, PASSWORD).await.expect(400).refused(ErrorCode::InvalidLink);

    ada.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
    try_refresh(&service, ada.refresh_token()).await.expect(401);
    try_login(&service, "ada@example.org", PASSWORD).await.expect(401);
    let again = try_login(&service, "ada@example.org", OTHER_PASSWORD).await.expect(200);
    assert_eq!(again.json()["data"]["user"]["emailVerified"], true);
    let log = audited(service.db("auth"), ada.id()).await;
    assert!(
        log.contains(&"password.reset_requested".to_owned()) && log.contains(&"password.reset".to_owned())
    );
}

async fn asking_for_a_link_tells_nobody_who_has_an_account(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    let known = forgot(&service, "ada@example.org").await.expect(202).json();
    let unknown = forgot(&service, "eve@example.org").await.expect(202).json();
    assert_eq!(known, unknown);
    let db = service.db("auth");
    eventually(|| async {
        let waiting = count(db, WAITING).await;
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
    assert_eq!(mailed(db, "ada@example.org", "reset_password").await.len(), 1);
    assert!(mailed(db, "eve@example.org", "reset_password").await.is_empty());
}

async fn links_are_mailed_a_minute_apart_and_five_an_hour(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    let db = service.db("auth");
    let mut mails = Vec::new();
    for _ in 0..16 {
        forgot(&service, "ada@example.org").await.expect(202);
        eventually(|| async { count(db, WAITING).await == 0 }).await;
        mails.push(mailed(db, "ada@example.org", "reset_password").await.len());
        pass(&service, 30);
    }
    assert_eq!(mails[..4], [1, 1, 2, 2]);
    assert_eq!(mails.last(), Some(&5));
}

async fn a_link_works_for_half_an_hour_and_only_for_its_purpose(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    let token = link(&service, "ada@example.org").await;
    let verify = service.client().post("/api/v1/auth/email/verify", json!({"token": token})).await;
    verify.expect(400).refused(ErrorCode::InvalidLink);
    pass(&service, 1_800);
    reset(&service, &token, OTHER_PASSWORD).await.expect(400).refused(ErrorCode::InvalidLink);
    reset(&service, "nonsense", OTHER_PASSWORD).await.expect(400).refused(ErrorCode::InvalidLink);
}

async fn of_many_who_use_a_link_at_once_one_sets_the_password(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    let token = link(&service, "ada@example.org").await;
    let attempts = (0..6).map(|n| {
        let (service, token) = (&service, token.clone());
        async move { reset(service, &token, &format!("{OTHER_PASSWORD} {n}")).await.status.as_u16() }
    });
    let mut answers = futures_util::future::join_all(attempts).await;
    answers.sort_unstable();
    assert_eq!(answers, [204, 400, 400, 400, 400, 400]);
}

async fn a_changed_password_voids_links_that_are_on_their_way(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let token = link(&service, "ada@example.org").await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD});
    ada.client.post("/api/v1/auth/password/change", body).await.expect(204);
    reset(&service, &token, PASSWORD).await.expect(400).refused(ErrorCode::InvalidLink);
}

async fn a_new_password_forgives_failed_logins(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    for _ in 0..5 {
        try_login(&service, "ada@example.org", "not the password").await.expect(401);
    }
    try_login(&service, "ada@example.org", PASSWORD).await.expect(429);
    let token = link(&service, "ada@example.org").await;
    reset(&service, &token, OTHER_PASSWORD).await.expect(204);
    try_login(&service, "ada@example.org", OTHER_PASSWORD).await.expect(200);
}

async fn a_login_that_began_before_the_password_changed_does_not_hold(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let body = json!({"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD});
    let logins = (0..6).map(|_| try_login(&service, "ada@example.org", PASSWORD));
    let change = ada.client.post("/api/v1/auth/password/change", body);
    let (changed, logins) = tokio::join!(change, futures_util::future::join_all(logins));
    changed.expect(204);
    for login in logins.into_iter().filter(|login| login.status == 200) {
        let token = login.json()["data"]["refreshToken"].as_str().unwrap().to_owned();
        try_refresh(&service, &token).await.expect(401);
    }
}

on_both_engines!(
    a_changed_password_ends_the_other_sessions_and_not_this_one,
    the_old_password_is_guessed_only_a_few_times,
    a_new_password_is_a_good_one_and_another_one,
    a_mailed_link_sets_a_new_password_once_and_ends_every_session,
    asking_for_a_link_tells_nobody_who_has_an_account,
    links_are_mailed_a_minute_apart_and_five_an_hour,
    a_link_works_for_half_an_hour_and_only_for_its_purpose,
    of_many_who_use_a_link_at_once_one_sets_the_password,
    a_changed_password_voids_links_that_are_on_their_way,
    a_new_password_forgives_failed_logins,
    a_login_that_began_before_the_password_changed_does_not_hold,
);
