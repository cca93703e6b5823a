//! Requests that are sent again with their `Idempotency-Key`.

use crate::support::{Bench, Person, product};
use catalog::Catalog;
use chassis::service::Service as _;
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Engine, on_both_engines};

#[test]
fn every_route_that_changes_something_takes_a_key() {
    let document = serde_json::to_value((Catalog::SPEC.openapi)()).unwrap();
    let mut changing = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if !matches!(method.as_str(), "post" | "put" | "patch" | "delete") {
                continue;
            }
            changing += 1;
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            assert!(parameters.any(|one| one["name"] == "Idempotency-Key"), "{method} {path} takes no key");
            for status in ["409", "422"] {
                assert!(operation["responses"][status].is_object(), "{method} {path} does not say {status}");
            }
        }
    }
    assert_eq!(changing, 9);
}

async fn send(who: &Person, method: &str, path: &str, key: &str, body: &Value) -> Answer {
    let method: Method = method.parse().unwrap();
    who.client.request(method, path).header("idempotency-key", key).json(body).send().await
}

async fn what_is_sent_again_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let root = bench.admin();
    let twice = async |method: &str, path: &str, body: Value, status: u16| {
        let key = format!("{method}-{path}");
        let first = send(&root, method, path, &key, &body).await.expect(status);
        let again = send(&root, method, path, &key, &body).await.expect(status);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{key}");
        assert_eq!(
            (first.body.clone(), first.header("etag")),
            (again.body.clone(), again.header("etag")),
            "{key}"
        );
        first
    };
    for (path, body, change) in [
        ("/api/v1/products", product("A", "A", 1), json!({"price": {"amount": 2, "currency": "EUR"}})),
        ("/api/v1/categories", json!({"name": "A"}), json!({"name": "B"})),
        ("/api/v1/brands", json!({"name": "A"}), json!({"name": "B"})),
    ] {
        let made = twice("POST", path, body, 201).await;
        let place = made.location().unwrap().to_owned();
        twice("PATCH", &place, change, 200).await;
        twice("DELETE", &place, json!(null), 204).await;
    }
    let changed = json!({"name": "Other", "sku": "A", "price": {"amount": 1, "currency": "EUR"}});
    let other = send(&root, "POST", "/api/v1/products", "POST-/api/v1/products", &changed).await.expect(422);
    other.refused(ErrorCode::IdempotencyKeyReused);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product").await, 0);
}

on_both_engines!(what_is_sent_again_takes_effect_once);
