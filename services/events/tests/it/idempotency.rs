//! Requests that are sent again with their `Idempotency-Key`.

use crate::bench::{Bench, EVENTS, at, fair, why};
use contract::ErrorCode;
use contract::events::Event;
use events::Events;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Engine, on_both_engines, routes_with_a_key};

/// Routes that change something and take no key. The reason stands in the table of the page.
const WITHOUT: [(&str, &str); 1] = [("post", "/api/v1/events/calendar-links")];

#[test]
fn every_route_that_changes_something_takes_a_key_or_has_a_reason() {
    assert_eq!(routes_with_a_key::<Events>(&WITHOUT), 9);
}

async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let key = format!("{method}:{path}");
    client.request(method, path).header("idempotency-key", &key).json(body).send().await
}

async fn a_request_that_is_sent_twice_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let event: Event = send(&acme.ada.client, Method::POST, EVENTS, &fair(acme.id)).await.expect(201).data();
    let path = at(&event, "");
    let rules = format!("{EVENTS}/organizations/{}/rules", acme.id);
    let link =
        acme.ada.client.post(&format!("{EVENTS}/calendar-links"), json!({"organizationId": acme.id})).await;
    let requests = [
        (&acme.ada, Method::POST, EVENTS.to_owned(), fair(acme.id), 201),
        (&acme.ada, Method::POST, format!("{path}/submit"), json!({}), 200),
        (&acme.moderator, Method::POST, format!("{path}/reject"), why(), 200),
        (&acme.ada, Method::POST, format!("{path}/reopen"), json!({}), 200),
        (&acme.ada, Method::PATCH, path.clone(), json!({"title": "Winter fair"}), 200),
        (&acme.owner, Method::PUT, rules, json!({"ownDecisions": true}), 200),
        (&acme.ada, Method::DELETE, link.location().unwrap().to_owned(), json!({}), 204),
        (&acme.ada, Method::DELETE, path, json!({}), 204),
    ];
    for (who, method, path, body, status) in requests {
        let first = send(&who.client, method.clone(), &path, &body).await.expect(status);
        let again = send(&who.client, method, &path, &body).await.expect(status);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(again.body, first.body, "{path}");
    }
    let waiting = acme.event("SUBMITTED").await;
    let approve = at(&waiting, "/approve");
    let first = send(&acme.moderator.client, Method::POST, &approve, &json!({})).await.expect(200);
    let again = send(&acme.moderator.client, Method::POST, &approve, &json!({})).await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    // Without the key the second one is told that it is decided.
    acme.moderator.try_step(&waiting, "approve").await.expect(409).refused(ErrorCode::InvalidTransition);
    assert_eq!(acme.ada.history(&waiting).await.len(), 3);
    bench.holds().await;
}

async fn of_many_tries_at_once_one_event_is_made(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let body = fair(acme.id);
    let tries = (0..20).map(|_| send(&acme.ada.client, Method::POST, EVENTS, &body));
    for answer in join_all(tries).await {
        assert!([201, 409].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    assert_eq!(acme.ada.titles("").await.len(), 1);
}

async fn a_key_belongs_to_one_request_of_one_person(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let (one, two) = (acme.event("SUBMITTED").await, acme.event("SUBMITTED").await);
    let key = "the-same-key";
    let ask = |client: &Client, path: String, body: Value| {
        let client = client.clone();
        async move { client.request(Method::POST, &path).header("idempotency-key", key).json(body).send().await }
    };
    ask(&acme.moderator.client, at(&one, "/approve"), json!({})).await.expect(200);
    // On another action, for another event, or of another person it is another key or another request, and no answer is given
    // that is not its own.
    let other = ask(&acme.moderator.client, at(&two, "/approve"), json!({})).await.expect(422);
    other.refused(ErrorCode::IdempotencyKeyReused);
    let rejected: Event = ask(&acme.moderator.client, at(&two, "/reject"), why()).await.expect(200).data();
    assert_eq!(rejected.id, two.id);
    let late = ask(&acme.second.client, at(&one, "/approve"), json!({})).await.expect(409);
    late.refused(ErrorCode::InvalidTransition);
}

on_both_engines!(
    a_request_that_is_sent_twice_takes_effect_once,
    of_many_tries_at_once_one_event_is_made,
    a_key_belongs_to_one_request_of_one_person,
);
