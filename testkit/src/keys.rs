//! Which routes take an `Idempotency-Key`.

use chassis::service::Service;
use std::collections::BTreeSet;

/// Where the reasons stand for the routes that take none.
const PAGE: &str = include_str!("../../docs/idempotency.md");

/// Sees to it that every route of a service that changes something takes a key and tells what comes of it, but for these
/// (`("post", "/api/v1/...")`), each with a reason on the page. Says how many take one.
///
/// # Panics
/// When another one takes none, and when a reason is missing.
#[must_use]
pub fn routes_with_a_key<S: Service>(without: &[(&str, &str)]) -> usize {
    let document = serde_json::to_value((S::SPEC.openapi)()).expect("a document");
    let (mut with, mut found) = (0, BTreeSet::new());
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, route) in item.as_object().into_iter().flatten() {
            if !["post", "put", "patch", "delete"].contains(&method.as_str()) {
                continue;
            }
            let parameters = route["parameters"].as_array().into_iter().flatten();
            let keys =
                parameters.filter(|one| one["name"] == "Idempotency-Key" && one["in"] == "header").count();
            if keys == 0 {
                found.insert((method.clone(), path.clone()));
                continue;
            }
            assert_eq!(keys, 1, "{method} {path}");
            for status in ["409", "422"] {
                assert!(route["responses"][status].is_object(), "{method} {path} does not say {status}");
            }
            with += 1;
        }
    }
    let named: BTreeSet<(String, String)> =
        without.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(found, named);
    for (method, path) in without {
        let line = format!("| `{} {path}` | ", method.to_uppercase());
        assert!(PAGE.contains(&line), "docs/idempotency.md gives no reason for {method} {path}");
    }
    with
}
