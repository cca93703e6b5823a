//! Which routes take an `Idempotency-Key`: all that change something, but for those that the page gives a reason for.

use chassis::service::Service as _;
use orders::Orders;
use std::collections::BTreeSet;

/// Routes that change something and take no key. The reasons stand in the table of the page.
const WITHOUT: [(&str, &str); 5] = [
    ("delete", "/api/v1/cart"),
    ("delete", "/api/v1/cart/items/{productId}"),
    ("post", "/api/v1/cart"),
    ("post", "/api/v1/cart/items"),
    ("put", "/api/v1/cart/items/{productId}"),
];

const PAGE: &str = include_str!("../../../../docs/idempotency.md");

#[test]
fn every_route_that_changes_something_takes_a_key_or_has_a_reason() {
    let document = serde_json::to_value((Orders::SPEC.openapi)()).unwrap();
    let (mut takes, mut without) = (0, BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        let changing = ["post", "put", "patch", "delete"];
        for (method, route) in
            item.as_object().unwrap().iter().filter(|(name, _)| changing.contains(&name.as_str()))
        {
            let parameters = route["parameters"].as_array().into_iter().flatten();
            if parameters.into_iter().any(|one| one["name"] == "Idempotency-Key" && one["in"] == "header") {
                takes += 1;
                for status in ["409", "422"] {
                    assert!(route["responses"][status].is_object(), "{method} {path} does not say {status}");
                }
            } else {
                without.insert((method.clone(), path.clone()));
            }
        }
    }
    assert!(takes >= 2, "{takes}");
    assert_eq!(without, WITHOUT.map(|(method, path)| (method.to_owned(), path.to_owned())).into());
    for (method, path) in WITHOUT {
        let line = format!("| `{} {path}` | ", method.to_uppercase());
        assert!(PAGE.contains(&line), "docs/idempotency.md gives no reason for {method} {path}");
    }
}
