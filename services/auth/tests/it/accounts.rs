//! Making an account, logging in, and one's own profile.

use crate::support::{PASSWORD, audited, claims, count, login, register, start, try_login};
use chassis::db::q;
use contract::ErrorCode;
use contract::auth::{Grant, User};
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

async fn registration_logs_in_and_me_tells_who(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let body =
        json!({"email": " Ada@Example.org ", "password": PASSWORD, "displayName": "Ada", "device": "laptop"});
    let answer = service.client().post("/api/v1/auth/register", body).await.expect(201);
    assert_eq!(answer.location(), Some("/api/v1/users/me"));
    let json = answer.json();
    assert_eq!(json["data"]["tokenType"], "Bearer");
    assert_eq!(json["data"]["expiresIn"], 900);
    let grant: Grant = answer.data();
    let me = service.client().bearer(grant.tokens.access_token.expose());
    let user: User = me.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(user, grant.user);
    assert_eq!((user.email.as_str(), user.email_verified), ("ada@example.org", false));
    assert_eq!(user.display_name.as_deref(), Some("Ada"));
    assert_eq!(audited(service.db("auth"), user.id.uuid()).await, ["user.registered"]);
}

async fn of_many_who_register_one_address_at_once_one_gets_it(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    let attempts = (0..12).map(|n| {
        let email = if n % 2 == 0 { "ada@example.org" } else { "ADA@example.org" };
        client.post("/api/v1/auth/register", json!({"email": email, "password": PASSWORD}))
    });
    let answers = futures_util::future::join_all(attempts).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for refused in answers.into_iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.status, 409);
        refused.refused(ErrorCode::EmailTaken);
    }
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM users").await, 1);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM sessions").await, 1);
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM mail_outbox").await, 1);
}

async fn a_password_that_is_easily_guessed_is_refused(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    for password in ["password123", "zorblatt.quimby"] {
        let body = json!({"email": "zorblatt.quimby@example.org", "password": password});
        let answer = service.client().post("/api/v1/auth/register", body).await.expect(400);
        assert!(!answer.text().contains(password));
        let error = answer.refused(ErrorCode::WeakPassword);
        assert_eq!(error.error.details[0].field, "password");
    }
    assert_eq!(count(service.db("auth"), "SELECT COUNT(*) FROM users").await, 0);
}

async fn a_role_cannot_be_asked_for(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    for (field, value) in [("role", json!("admin")), ("roles", json!(["admin"])), ("status", json!("active"))]
    {
        let mut body = json!({"email": "ada@example.org", "password": PASSWORD});
        body[field] = value;
        let error = service.client().post("/api/v1/auth/register", body).await.expect(400);
        assert_eq!(error.refused(ErrorCode::Validation).error.details[0].field, field);
    }
    let ada = register(&service, "ada@example.org").await;
    assert_eq!(claims(ada.grant.tokens.access_token.expose())["roles"], json!(["user"]));
}

async fn every_wrong_field_is_named(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let body = json!({"email": "nobody", "password": "short", "displayName": " "});
    let error = service.client().post("/api/v1/auth/register", body).await.expect(400);
    let mut fields: Vec<String> =
        error.refused(ErrorCode::Validation).error.details.into_iter().map(|wrong| wrong.field).collect();
    fields.sort();
    assert_eq!(fields, ["displayName", "email", "password"]);
}

async fn a_wrong_password_and_an_unknown_address_are_answered_the_same(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let error = |answer: Value| {
        let mut error = answer["error"].clone();
        for varies in ["requestId", "correlationId", "timestamp"] {
            error.as_object_mut().unwrap().remove(varies);
        }
        error
    };
    let wrong = try_login(&service, "ada@example.org", "not the password").await.expect(401);
    let unknown = try_login(&service, "eve@example.org", "not the password").await.expect(401);
    assert_eq!(error(wrong.json()), error(unknown.json()));
    wrong.refused(ErrorCode::InvalidCredentials);
    let log = audited(service.db("auth"), ada.id()).await;
    assert_eq!(log, ["user.registered", "login.failed"]);
    let all = "SELECT COUNT(*) FROM audit_log WHERE action = 'login.failed'";
    assert_eq!(count(service.db("auth"), all).await, 2);
}

async fn a_login_is_another_session_of_the_same_person(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let first = register(&service, "ada@example.org").await;
    let second = login(&service, "Ada@example.ORG").await;
    assert_eq!(first.id(), second.id());
    let (one, two) = (&first.grant.tokens.access_token, &second.grant.tokens.access_token);
    assert_ne!(claims(one.expose())["sid"], claims(two.expose())["sid"]);
    assert_eq!(audited(service.db("auth"), first.id()).await, ["user.registered", "login.succeeded"]);
}

async fn only_who_knows_the_password_learns_that_the_account_is_disabled(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let db = service.db("auth");
    q!(db.write, execute, "UPDATE users SET status = 'disabled' WHERE id = $1", ada.id()).unwrap();
    try_login(&service, "ada@example.org", PASSWORD).await.expect(403).refused(ErrorCode::AccountDisabled);
    let wrong = try_login(&service, "ada@example.org", "not the password").await.expect(401);
    wrong.refused(ErrorCode::InvalidCredentials);
    let refresh = json!({"refreshToken": ada.refresh_token()});
    let refused = service.client().post("/api/v1/auth/refresh", refresh).await.expect(401);
    refused.refused(ErrorCode::InvalidRefreshToken);
}

async fn a_bcrypt_hash_of_an_older_system_is_replaced_at_login(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let db = service.db("auth");
    let old = bcrypt::hash(PASSWORD, 4).unwrap();
    q!(db.write, execute, "UPDATE users SET password_hash = $2 WHERE id = $1", ada.id(), &old).unwrap();
    try_login(&service, "ada@example.org", "not the password").await.expect(401);
    login(&service, "ada@example.org").await;
    let hash: String =
        q!(db.read, scalar, "SELECT password_hash FROM users WHERE id = $1", ada.id()).unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    login(&service, "ada@example.org").await;
    let rehashed = audited(db, ada.id()).await.into_iter().filter(|action| action == "password.rehashed");
    assert_eq!(rehashed.count(), 1);
}

async fn a_profile_is_changed_by_who_has_seen_it(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let seen = ada.client.get("/api/v1/users/me").await.expect(200);
    let etag = seen.header("etag").unwrap().to_owned();
    service.clock().advance(std::time::Duration::from_millis(5));

    let change = json!({"displayName": " Ada King "});
    let ask = ada.client.request(http::Method::PATCH, "/api/v1/users/me").header("if-match", &etag);
    let changed = ask.json(&change).send().await.expect(200);
    assert_eq!(changed.data::<User>().display_name.as_deref(), Some("Ada King"));
    let ask = ada.client.request(http::Method::PATCH, "/api/v1/users/me").header("if-match", &etag);
    ask.json(&change).send().await.expect(412).refused(ErrorCode::PreconditionFailed);

    let untouched = ada.client.patch("/api/v1/users/me", json!({})).await.expect(200);
    assert_eq!(untouched.data::<User>().display_name.as_deref(), Some("Ada King"));
    let cleared = ada.client.patch("/api/v1/users/me", json!({"displayName": null})).await.expect(200);
    assert_eq!(cleared.data::<User>().display_name, None);
    let wrong = ada.client.patch("/api/v1/users/me", json!({"email": "eve@example.org"})).await.expect(400);
    assert_eq!(wrong.refused(ErrorCode::Validation).error.details[0].field, "email");
    let log = audited(service.db("auth"), ada.id()).await;
    assert_eq!(log, ["user.registered", "profile.changed", "profile.changed"]);
}

async fn who_has_the_profile_is_not_sent_it_again(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let etag = ada.client.get("/api/v1/users/me").await.header("etag").unwrap().to_owned();
    let ask = ada.client.request(http::Method::GET, "/api/v1/users/me").header("if-none-match", &etag);
    let again = ask.send().await.expect(304);
    assert!(again.body.is_empty());
}

async fn without_a_token_there_is_no_profile(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::Unauthenticated);
    let forged = client.bearer("eyJhbGciOiJub25lIn0.e30.");
    forged.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::Unauthenticated);
}

on_both_engines!(
    registration_logs_in_and_me_tells_who,
    of_many_who_register_one_address_at_once_one_gets_it,
    a_password_that_is_easily_guessed_is_refused,
    a_role_cannot_be_asked_for,
    every_wrong_field_is_named,
    a_wrong_password_and_an_unknown_address_are_answered_the_same,
    a_login_is_another_session_of_the_same_person,
    only_who_knows_the_password_learns_that_the_account_is_disabled,
    a_bcrypt_hash_of_an_older_system_is_replaced_at_login,
    a_profile_is_changed_by_who_has_seen_it,
    who_has_the_profile_is_not_sent_it_again,
    without_a_token_there_is_no_profile,
);
