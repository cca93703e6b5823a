//! Without the catalog people see what was there last, marked as such, and nothing is sold from it.

use crate::support::{Books, Shape, Shop, in_time, order_of};
use contract::ErrorCode;
use serde_json::{Value, json};

async fn what_was_there_last_is_shown_and_not_sold(books: Books) {
    let Some(mut shop) = Shop::open(Shape::Split, books, &[]).await else { return };
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let page = format!("/api/v1/bff/products/{lamp}");
    let client = shop.sandbox.client();
    client.get(&page).await.expect(200);
    client.get("/api/v1/bff/home").await.expect(200);
    buyer.client.post("/api/v1/cart/items", json!({"productId": lamp, "quantity": 2})).await.expect(200);
    buyer.client.get("/api/v1/cart").await.expect(200);

    shop.sandbox.kill("catalog");
    let shown = in_time(|| async {
        let shown: Value = client.get(&page).await.expect(200).data();
        let stale = shown["stale"].as_array().is_some_and(|stale| stale.contains(&json!("product")));
        if stale { Ok(shown) } else { Err(shown) }
    })
    .await;
    assert_eq!(shown["product"]["price"]["amount"], 1999, "the last price that is known, never nothing");
    assert_eq!(shown["availability"]["inStock"], true, "the others answer as ever");
    let cart: Value = buyer.client.get("/api/v1/cart").await.expect(200).data();
    assert_eq!((&cart["stale"], &cart["items"][0]["stale"]), (&json!(true), &json!(true)), "{cart}");
    assert_eq!(cart["items"][0]["unitPrice"]["amount"], 1999);
    let refused = buyer.client.post("/api/v1/orders", order_of(&[(&lamp, 1)], "pm_card_visa")).await;
    assert!(refused.header("retry-after").is_some());
    refused.refused(ErrorCode::Unavailable);
    assert_eq!(shop.stock(&lamp).await, (3, 0), "nothing is sold from a copy");
    let dashboard: Value = buyer.client.get("/api/v1/bff/dashboard").await.expect(200).data();
    assert_eq!(dashboard["orders"], json!([]));

    shop.sandbox.restart("catalog");
    in_time(|| async {
        let placed = buyer.client.post("/api/v1/orders", order_of(&[(&lamp, 1)], "pm_card_visa")).await;
        if placed.status == 201 { Ok(()) } else { Err(placed.text().into_owned()) }
    })
    .await;
    in_time(|| async {
        let shown: Value = client.get(&page).await.expect(200).data();
        if shown["stale"] == json!([]) { Ok(()) } else { Err(shown) }
    })
    .await;
    shop.stock_comes_to(&lamp, (2, 0)).await;
    shop.balance().await;
}

#[tokio::test]
async fn what_was_there_last_is_shown_and_not_sold_on_sqlite() {
    what_was_there_last_is_shown_and_not_sold(Books::Sqlite).await;
}

#[tokio::test]
async fn what_was_there_last_is_shown_and_not_sold_on_postgresql() {
    what_was_there_last_is_shown_and_not_sold(Books::Postgres).await;
}
