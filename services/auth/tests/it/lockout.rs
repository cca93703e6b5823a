//! Failed logins cost time, for the account and for the network address.

use crate::support::{PASSWORD, audited, login, pass, register, start, try_login};
use contract::ErrorCode;
use serde_json::json;
use std::net::IpAddr;
use testkit::{Engine, TestService, on_both_engines};

async fn fail(service: &TestService, email: &str, times: usize) {
    for _ in 0..times {
        try_login(service, email, "not the password")
            .await
            .expect(401)
            .refused(ErrorCode::InvalidCredentials);
    }
}

async fn from_the_fifth_failure_the_next_login_has_to_wait(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let ada = register(&service, "ada@example.org").await;
    fail(&service, "ada@example.org", 5).await;
    let locked = try_login(&service, "ada@example.org", PASSWORD).await.expect(429);
    assert_eq!(locked.header("retry-after"), Some("1"));
    locked.refused(ErrorCode::LoginLocked);
    pass(&service, 1);
    fail(&service, "ada@example.org", 1).await;
    let locked = try_login(&service, "ada@example.org", PASSWORD).await.expect(429);
    assert_eq!(locked.header("retry-after"), Some("2"));
    pass(&service, 2);
    login(&service, "ada@example.org").await;
    // The right password has cleared the account's counter.
    fail(&service, "ada@example.org", 4).await;
    login(&service, "ada@example.org").await;
    let log = audited(service.db("auth"), ada.id()).await;
    assert_eq!(log.iter().filter(|action| *action == "login.locked").count(), 1);
}

async fn an_address_without_an_account_is_locked_the_same(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    fail(&service, "nobody@example.org", 5).await;
    let locked = try_login(&service, "nobody@example.org", "not the password").await.expect(429);
    assert_eq!(locked.header("retry-after"), Some("1"));
}

async fn of_many_guesses_at_once_one_is_let_through(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    for wait in [0, 0, 0, 0, 0, 1, 2] {
        pass(&service, wait);
        fail(&service, "ada@example.org", 1).await;
    }
    pass(&service, 4);
    let guesses =
        (0..10).map(|n| {
            let service = &service;
            async move {
                try_login(service, "ada@example.org", &format!("guess number {n}")).await.status.as_u16()
            }
        });
    let mut answers = futures_util::future::join_all(guesses).await;
    answers.sort_unstable();
    assert_eq!(answers, [401, 429, 429, 429, 429, 429, 429, 429, 429, 429]);
}

async fn many_accounts_from_one_network_address_are_noticed(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    for n in 0..31 {
        fail(&service, &format!("nobody{n}@example.org"), 1).await;
    }
    try_login(&service, "ada@example.org", PASSWORD).await.expect(429).refused(ErrorCode::LoginLocked);
    let elsewhere = service.client().from_address("198.51.100.7".parse::<IpAddr>().unwrap());
    let body = json!({"email": "ada@example.org", "password": PASSWORD});
    elsewhere.post("/api/v1/auth/login", body).await.expect(200);
    pass(&service, 60);
    login(&service, "ada@example.org").await;
}

async fn a_quiet_day_forgives(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    register(&service, "ada@example.org").await;
    fail(&service, "ada@example.org", 5).await;
    pass(&service, 86_400);
    fail(&service, "ada@example.org", 4).await;
    login(&service, "ada@example.org").await;
}

on_both_engines!(
    from_the_fifth_failure_the_next_login_has_to_wait,
    an_address_without_an_account_is_locked_the_same,
    of_many_guesses_at_once_one_is_let_through,
    many_accounts_from_one_network_address_are_noticed,
    a_quiet_day_forgives,
);
