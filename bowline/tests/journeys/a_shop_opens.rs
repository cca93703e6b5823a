//! All services at once, wherever they run.

use crate::support::{Process, Shop, in_every_shop};
use serde_json::Value;
use testkit::Client;

in_every_shop!(everybody_is_there_and_the_books_are_right);

async fn everybody_is_there_and_the_books_are_right(shop: Shop) {
    for process in shop.sandbox.processes() {
        let ready = Client::http(process.ops_url()).get_unchecked("/ready").await;
        assert_eq!(ready.status, 200, "{}", ready.text());
    }
    let document = shop.sandbox.client().get("/openapi.json").await.expect(200).json();
    let about = document["info"]["description"].as_str().unwrap();
    assert!(!about.contains("Not reachable"), "{about}");
    shop.admin.client.get("/api/v1/users").await.expect(200);
    let me: Value = shop.vendor.client.get("/api/v1/users/me").await.expect(200).data();
    assert_eq!(me["roles"], serde_json::json!(["user", "vendor"]));
    shop.balance().await;
    assert!(shop.sandbox.processes().all(|process: &Process| !process.log().contains("\"level\":\"ERROR\"")));
}
