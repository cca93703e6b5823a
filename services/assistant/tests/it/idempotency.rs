//! Requests that are sent again with their `Idempotency-Key`.

use crate::bench::{Bench, CONVERSATIONS};
use assistant::Assistant;
use chassis::service::Service as _;
use http::Method;
use serde_json::json;
use std::collections::BTreeSet;
use testkit::{Engine, on_both_engines};

/// Routes that change something and take no key. The reasons stand in the table of the page.
const WITHOUT: [(&str, &str); 1] = [("post", "/api/v1/assistant/conversations/{id}/messages")];

const PAGE: &str = include_str!("../../../../docs/idempotency.md");

#[test]
fn every_route_that_changes_something_takes_a_key_or_has_a_reason() {
    let document = serde_json::to_value((Assistant::SPEC.openapi)()).unwrap();
    let mut without = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let changing = ["post", "put", "patch", "delete"];
        for (method, route) in
            item.as_object().unwrap().iter().filter(|(name, _)| changing.contains(&name.as_str()))
        {
            let parameters = route["parameters"].as_array().into_iter().flatten();
            if parameters.into_iter().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header") {
                for status in ["409", "422"] {
                    assert!(route["responses"][status].is_object(), "{method} {path} does not say {status}");
                }
            } else {
                without.insert((method.clone(), path.clone()));
            }
        }
    }
    assert_eq!(without, WITHOUT.map(|(method, path)| (method.to_owned(), path.to_owned())).into());
    for (method, path) in WITHOUT {
        let line = format!("| `{} {path}` | ", method.to_uppercase());
        assert!(PAGE.contains(&line), "docs/idempotency.md gives no reason for {method} {path}");
    }
}

async fn a_request_that_is_sent_twice_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, admin) = (bench.person(), bench.admin());
    let id = ada.converse().await;
    let path = format!("{CONVERSATIONS}/{id}");
    let budget = format!("/api/v1/assistant/budgets/users/{}", ada.id);
    let requests = [
        (&ada, Method::POST, CONVERSATIONS.to_owned(), json!({"title": "One"}), 201),
        (&ada, Method::PATCH, path.clone(), json!({"title": "Two"}), 200),
        (&admin, Method::PUT, budget, json!({"dayTokens": 5}), 200),
        (&ada, Method::DELETE, path, json!({}), 204),
    ];
    for (who, method, path, body, status) in requests {
        let send = || {
            let ask = who.client.request(method.clone(), &path).header("idempotency-key", "the-same");
            ask.json(&body).send()
        };
        let (first, again) = (send().await.expect(status), send().await.expect(status));
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(again.body, first.body, "{path}");
    }
}

on_both_engines!(a_request_that_is_sent_twice_takes_effect_once);
