//! Requests that are sent again with their `Idempotency-Key`.

use crate::bench::{Bench, REVIEWS, at};
use contract::ids::ProductId;
use contract::reviews::Review;
use http::Method;
use reviews::Reviews;
use serde_json::{Value, json};
use testkit::{Answer, Client, Engine, on_both_engines, routes_with_a_key};

#[test]
fn every_route_that_changes_something_takes_a_key() {
    assert_eq!(routes_with_a_key::<Reviews>(&[]), 5);
}

async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let key = format!("{method}:{path}");
    client.request(method, path).header("idempotency-key", &key).json(body).send().await
}

async fn a_request_that_is_sent_twice_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let (ada, moderator) = (bench.buyer(&[product]).await, bench.moderator());
    let body = json!({"product": product, "rating": 4, "title": "Good", "text": "Good."});
    let review: Review = send(&ada.client, Method::POST, REVIEWS, &body).await.expect(201).data();
    let path = at(&review);
    let reject = format!("{path}/reject");
    let requests = [
        (&ada, Method::POST, REVIEWS.to_owned(), body, 201),
        (&ada, Method::PATCH, path.clone(), json!({"rating": 5}), 200),
        (&moderator, Method::POST, reject, json!({"reason": "Too short."}), 200),
        (&moderator, Method::POST, format!("{path}/approve"), json!({}), 200),
        (&ada, Method::DELETE, path, json!({}), 204),
    ];
    for (who, method, path, body, status) in requests {
        let first = send(&who.client, method.clone(), &path, &body).await.expect(status);
        let again = send(&who.client, method, &path, &body).await.expect(status);
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(again.body, first.body, "{path}");
    }
    bench.until_rated(product, 0, None).await;
}

on_both_engines!(a_request_that_is_sent_twice_takes_effect_once);
