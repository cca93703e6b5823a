//! What a key belongs to: who asks, the method, the route, and one request.

use super::till::{COINS, DEAF, GUARDED, NOTES};
use super::{House, coin, is_replayed, post, send, take};
use axum::body::Body;
use chassis::http::Caller;
use contract::error::ErrorCode;
use contract::identity::Role;
use http::{Method, Request};
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn the_key_of_one_person_is_nobody_elses(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (ada, bob) = (house.claims(), house.claims());
    let first = take(&house.person(&ada), "key", &coin(1)).await.expect(201);
    for other in [house.person(&bob), house.client()] {
        let theirs = take(&other, "key", &coin(1)).await.expect(201);
        assert!(!is_replayed(&theirs) && theirs.body != first.body);
    }
    // It is the person's, in whatever session and with whatever token.
    let renewed = contract::identity::Claims { jti: uuid::Uuid::now_v7(), exp: ada.exp + 1, ..ada };
    let again = take(&house.person(&renewed), "key", &coin(1)).await.expect(201);
    assert_eq!((is_replayed(&again), again.body), (true, first.body));
    assert_eq!(house.coins().await, 3);
}

async fn the_key_of_one_service_is_no_other_services(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let ask = async |caller: &'static str| {
        let request = Request::post(COINS).header("idempotency-key", "key");
        let request = request.header("content-type", "application/json").body(Body::from(r#"{"amount":1}"#));
        let front = house.service.assembled().front();
        let answer = front.handle(request.unwrap(), Caller::InProcess(caller, None)).await;
        (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed"))
    };
    assert_eq!(ask("orders").await, (201, false));
    assert_eq!(ask("payments").await, (201, false));
    assert_eq!(ask("orders").await, (201, true));
    assert_eq!(house.coins().await, 2);
}

async fn the_same_key_on_another_route_or_with_another_method_is_another_request(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    for (method, path) in [(Method::POST, COINS), (Method::PUT, COINS), (Method::POST, NOTES)] {
        let first = send(&client, method.clone(), path, "key", &coin(1)).await.expect(201);
        assert!(!is_replayed(&first), "{method} {path}");
        let again = send(&client, method, path, "key", &coin(1)).await.expect(201);
        assert_eq!((is_replayed(&again), again.body), (true, first.body));
    }
    assert_eq!(house.coins().await, 3);
}

async fn the_same_key_with_another_request_is_refused(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    let drawer = "/api/v1/till/drawers/1";
    let first = post(&client, drawer, "key", &coin(1)).await.expect(201);
    post(&client, drawer, "key", &coin(2)).await.refused(ErrorCode::IdempotencyKeyReused);
    // Of one template, but another path; and another query.
    let others = ["/api/v1/till/drawers/2", "/api/v1/till/drawers/1?a=b"];
    for other in others {
        let refused = post(&client, other, "key", &coin(1)).await.expect(422);
        refused.refused(ErrorCode::IdempotencyKeyReused);
    }
    let other_type = client.request(Method::POST, drawer).header("idempotency-key", "key");
    let other_type = other_type.body("application/problem+json", coin(1).to_string()).send().await;
    other_type.refused(ErrorCode::IdempotencyKeyReused);
    // A refusal changes nothing: the first answer is still there.
    let again = post(&client, drawer, "key", &coin(1)).await.expect(201);
    assert_eq!((is_replayed(&again), again.body, house.coins().await), (true, first.body, 1));
}

async fn an_answer_is_given_again_only_to_who_may_still_ask(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let user = house.claims();
    let admin = contract::identity::Claims { roles: vec![Role::Admin], ..user.clone() };
    post(&house.person(&admin), GUARDED, "key", &coin(1)).await.expect(201);
    assert!(is_replayed(&post(&house.person(&admin), GUARDED, "key", &coin(1)).await.expect(201)));
    // The same person, without the role; a stranger; and a token that does not hold.
    post(&house.person(&user), GUARDED, "key", &coin(1)).await.refused(ErrorCode::Forbidden);
    post(&house.client(), GUARDED, "key", &coin(1)).await.refused(ErrorCode::Unauthenticated);
    post(&house.client().bearer("nonsense"), COINS, "key", &coin(1)).await.expect(401);
    assert_eq!((house.coins().await, house.records().await), (1, 1));
}

async fn a_key_that_is_none_is_refused_by_name(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    let long = "k".repeat(256);
    for key in ["", "a b", "\"open", long.as_str()] {
        let refused = take(&client, key, &coin(1)).await.refused(ErrorCode::Validation);
        assert_eq!(refused.error.details[0].field, "Idempotency-Key");
    }
    let twice = client.request(Method::POST, COINS).header("idempotency-key", "a");
    let twice = twice.header("idempotency-key", "a").json(coin(1)).send().await;
    twice.refused(ErrorCode::Validation);
    assert_eq!(house.coins().await, 0);
    let quoted = take(&client, "\"key\"", &coin(1)).await.expect(201);
    assert_eq!(take(&client, "key", &coin(1)).await.expect(201).body, quoted.body);
}

async fn a_route_that_takes_no_key_and_a_method_that_changes_nothing_pass_it_over(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    for _ in 0..2 {
        assert!(!is_replayed(&post(&client, DEAF, "key", &coin(1)).await.expect(201)));
        assert!(!is_replayed(&send(&client, Method::GET, COINS, "key", &coin(1)).await.expect(201)));
    }
    assert_eq!((house.coins().await, house.records().await), (4, 0));
    client.post(COINS, json!({"amount": 1})).await.expect(201);
    client.post(COINS, json!({"amount": 1})).await.expect(201);
    assert_eq!((house.coins().await, house.records().await), (6, 0));
}

on_both_engines!(
    the_key_of_one_person_is_nobody_elses,
    the_key_of_one_service_is_no_other_services,
    the_same_key_on_another_route_or_with_another_method_is_another_request,
    the_same_key_with_another_request_is_refused,
    an_answer_is_given_again_only_to_who_may_still_ask,
    a_key_that_is_none_is_refused_by_name,
    a_route_that_takes_no_key_and_a_method_that_changes_nothing_pass_it_over,
);
