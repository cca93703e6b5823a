//! Requests that are sent again with their `Idempotency-Key`.

use crate::bench::{BULK, Bench, LISTS, TODOS, at, ids};
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Engine, on_both_engines, routes_with_a_key};
use todos::Todos;

#[test]
fn every_route_that_changes_something_takes_a_key() {
    assert_eq!(routes_with_a_key::<Todos>(&[]), 10);
}

async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let key = format!("{method}:{path}");
    client.request(method, path).header("idempotency-key", &key).json(body).send().await
}

async fn a_request_that_is_sent_twice_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let (one, two, list) = (ada.todo("one").await, ada.todo("two").await, ada.list("List").await);
    let path = at(&one);
    let requests = [
        (Method::POST, TODOS.to_owned(), json!({"title": "three"}), 201),
        (Method::POST, LISTS.to_owned(), json!({"name": "More"}), 201),
        (Method::PATCH, path.clone(), json!({"completed": true}), 200),
        (Method::POST, format!("{path}/move"), json!({"after": two.id}), 200),
        (Method::POST, BULK.to_owned(), json!({"action": "MOVE", "ids": ids(&[&one]), "list": list.id}), 200),
        (Method::PATCH, format!("{LISTS}/{}", list.id), json!({"name": "Renamed"}), 200),
        (Method::DELETE, format!("{LISTS}/{}", list.id), json!({}), 204),
        (Method::DELETE, path.clone(), json!({}), 204),
        (Method::POST, format!("{path}/restore"), json!({}), 200),
        (Method::DELETE, format!("{TODOS}/bin"), json!({}), 204),
    ];
    for (method, path, body, status) in requests {
        let first = send(&ada.client, method.clone(), &path, &body).await.expect(status);
        let again = send(&ada.client, method, &path, &body).await.expect(status);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(again.body, first.body, "{path}");
    }
    assert_eq!(ada.titles("").await, ["two", "one", "three"]);
    // Made, done, moved, put into a list and out of it with the list, deleted, restored.
    assert_eq!(ada.read(&one).await.version, 7);
}

on_both_engines!(a_request_that_is_sent_twice_takes_effect_once);
