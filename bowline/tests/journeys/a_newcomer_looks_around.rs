//! The first minutes: the index, the documents, the operations listener.

use crate::support::{Sandbox, in_both_shapes};
use serde_json::Value;
use testkit::Client;

in_both_shapes!(the_documents_are_there, operations_are_not_on_the_public_listener);

async fn the_documents_are_there(sandbox: Sandbox) {
    let client = sandbox.client();
    let index: Value = client.get("/").await.expect(200).data();
    assert_eq!(index["docs"], "/docs");
    let document = client.get("/openapi.json").await.expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/auth/login"]["post"].is_object(), "{}", document["paths"]);
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let page = client.get("/docs/").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html"));
    client.get("/docs/swagger-ui-bundle.js").await.expect(200);
}

async fn operations_are_not_on_the_public_listener(sandbox: Sandbox) {
    for path in ["/metrics", "/ready", "/health", "/info", "/log-level"] {
        sandbox.client().get(path).await.expect(404);
    }
    let operations = Client::http(sandbox.door.ops_url());
    let ready = operations.get_unchecked("/ready").await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    assert!(operations.get_unchecked("/metrics").await.text().contains("http_requests_total"));
}
