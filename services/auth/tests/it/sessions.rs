//! Sessions: seeing them, ending them, and how many there may be.

use crate::support::{Person, audited, claims, login, pass, register, setup, start, start_with, try_refresh};
use contract::ErrorCode;
use contract::auth::Session;
use serde_json::json;
use testkit::{Engine, TestService, on_both_engines};

async fn is_over(service: &TestService, person: &Person) {
    person.client.get("/api/v1/users/me").await.expect(401).refused(ErrorCode::TokenRevoked);
    let refused = try_refresh(service, person.refresh_token()).await.expect(401);
    refused.refused(ErrorCode::InvalidRefreshToken);
}

async fn list(person: &Person) -> Vec<Session> {
    person.client.get("/api/v1/auth/sessions").await.expect(200).data()
}

async fn a_logout_ends_the_session_at_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let elsewhere = login(&service, "ada@example.org").await;
    ada.client.post("/api/v1/auth/logout", json!({})).await.expect(204);
    is_over(&service, &ada).await;
    elsewhere.client.get("/api/v1/users/me").await.expect(200);
    assert_eq!(audited(service.db("auth"), ada.id()).await.last().unwrap(), "session.ended");
}

async fn a_logout_everywhere_ends_every_session_at_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let elsewhere = login(&service, "ada@example.org").await;
    let eve = register(&service, "eve@example.org").await;
    ada.client.post("/api/v1/auth/logout-all", json!({})).await.expect(204);
    is_over(&service, &ada).await;
    is_over(&service, &elsewhere).await;
    eve.client.get("/api/v1/users/me").await.expect(200);
    let again = login(&service, "ada@example.org").await;
    again.client.get("/api/v1/users/me").await.expect(200);
    let version = |person: &Person| claims(person.grant.tokens.access_token.expose())["ver"].as_i64();
    assert!(version(&again) > version(&ada));
}

async fn the_list_names_devices_and_tells_which_one_asks(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let body =
        json!({"email": "ada@example.org", "password": crate::support::PASSWORD, "device": "Ada's laptop"});
    let answer = service.client().post("/api/v1/auth/register", body.clone()).await.expect(201);
    let laptop = Person::of(&service, "ada@example.org", answer.data());
    pass(&service, 60);
    let body = json!({"email": "ada@example.org", "password": crate::support::PASSWORD});
    let ask = service
        .client()
        .request(http::Method::POST, "/api/v1/auth/login")
        .header("user-agent", "Phone/1.0")
        .json(body)
        .send()
        .await;
    let phone = Person::of(&service, "ada@example.org", ask.expect(200).data());

    let seen = list(&phone).await;
    let told: Vec<(&str, bool, Option<&str>)> =
        seen.iter().map(|s| (s.device.as_str(), s.current, s.ip.as_deref())).collect();
    assert_eq!(told, [("Phone/1.0", true, Some("192.0.2.1")), ("Ada's laptop", false, Some("192.0.2.1"))]);
    assert!(list(&laptop).await.iter().any(|session| session.current && session.device == "Ada's laptop"));
    assert!(seen[0].created_at > seen[1].created_at && seen[0].expires_at > seen[0].created_at);
}

async fn one_session_is_ended_from_another(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let elsewhere = login(&service, "ada@example.org").await;
    let id = list(&elsewhere).await.into_iter().find(|session| session.current).unwrap().id;
    ada.client.delete(&format!("/api/v1/auth/sessions/{id}")).await.expect(204);
    is_over(&service, &elsewhere).await;
    assert_eq!(list(&ada).await.len(), 1);
    let twice = ada.client.delete(&format!("/api/v1/auth/sessions/{id}")).await.expect(404);
    twice.refused(ErrorCode::NotFound);
    ada.client.delete("/api/v1/auth/sessions/nonsense").await.expect(400).refused(ErrorCode::Validation);
}

async fn the_session_of_another_does_not_exist(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let eve = register(&service, "eve@example.org").await;
    let id = list(&ada).await[0].id;
    eve.client.delete(&format!("/api/v1/auth/sessions/{id}")).await.expect(404).refused(ErrorCode::NotFound);
    ada.client.get("/api/v1/users/me").await.expect(200);
    assert!(list(&eve).await.iter().all(|session| session.id != id));
}

async fn all_other_sessions_end_and_this_one_goes_on(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    let (one, two) = (login(&service, "ada@example.org").await, login(&service, "ada@example.org").await);
    one.client.delete("/api/v1/auth/sessions").await.expect(204);
    is_over(&service, &ada).await;
    is_over(&service, &two).await;
    one.client.get("/api/v1/users/me").await.expect(200);
    assert_eq!(list(&one).await.len(), 1);
}

async fn the_session_longest_unused_makes_room_for_one_more(engine: Engine) {
    let setup = setup().set("BOWLINE_AUTH__MAX_SESSIONS", "3");
    let Some(service) = start_with(setup, engine).await else { return };
    let oldest = register(&service, "ada@example.org").await;
    pass(&service, 1);
    let unused = login(&service, "ada@example.org").await;
    pass(&service, 1);
    let third = login(&service, "ada@example.org").await;
    pass(&service, 1);
    crate::support::refresh(&service, oldest.refresh_token()).await;
    pass(&service, 1);
    let fourth = login(&service, "ada@example.org").await;
    is_over(&service, &unused).await;
    for person in [&oldest, &third, &fourth] {
        person.client.get("/api/v1/users/me").await.expect(200);
    }
    assert_eq!(list(&fourth).await.len(), 3);
    assert!(audited(service.db("auth"), oldest.id()).await.contains(&"session.evicted".to_owned()));
}

async fn logins_at_once_never_leave_more_sessions_than_allowed(engine: Engine) {
    let setup = setup().set("BOWLINE_AUTH__MAX_SESSIONS", "3");
    let Some(service) = start_with(setup, engine).await else { return };
    register(&service, "ada@example.org").await;
    let people = futures_util::future::join_all((0..8).map(|_| login(&service, "ada@example.org"))).await;
    let mut live = 0;
    for person in &people {
        live += usize::from(person.client.get("/api/v1/users/me").await.status == 200);
    }
    assert_eq!(live, 3);
}

on_both_engines!(
    a_logout_ends_the_session_at_once,
    a_logout_everywhere_ends_every_session_at_once,
    the_list_names_devices_and_tells_which_one_asks,
    one_session_is_ended_from_another,
    the_session_of_another_does_not_exist,
    all_other_sessions_end_and_this_one_goes_on,
    the_session_longest_unused_makes_room_for_one_more,
    logins_at_once_never_leave_more_sessions_than_allowed,
);
