//! The published document against what the pages say.

use chassis::service::Service;
use payments::Payments;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/idempotency.md");
/// Changing routes that take no key, each with a reason on the page.
const WITHOUT: [(&str, &str); 1] = [("post", "/api/v1/payments/webhooks/{provider}")];

#[test]
fn every_route_that_changes_something_takes_a_key_or_has_a_reason() {
    let document = serde_json::to_value((Payments::SPEC.openapi)()).unwrap();
    let mut without = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let takes = parameters.into_iter().any(|one| one["name"] == "Idempotency-Key");
            if matches!(method.as_str(), "post" | "put" | "patch" | "delete") && !takes {
                without.insert((method.clone(), path.clone()));
            }
        }
    }
    assert_eq!(without, WITHOUT.map(|(method, path)| (method.to_owned(), path.to_owned())).into());
    for (method, path) in WITHOUT {
        let line = format!("| `{} {path}` | ", method.to_uppercase());
        assert!(PAGE.contains(&line), "docs/idempotency.md gives no reason for {method} {path}");
    }
    assert!(document["paths"].as_object().unwrap().keys().all(|path| !path.starts_with("/internal")));
}
