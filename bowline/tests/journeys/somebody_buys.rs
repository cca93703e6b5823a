//! From the first page to a review, and every way that a payment may go on the way.

use crate::support::{Person, Shop, address, however_a_checkout_is_led, in_every_shop, in_time, order_of};
use contract::ErrorCode;
use serde_json::{Value, json};

however_a_checkout_is_led!(
    from_the_first_page_to_a_review,
    a_declined_card_is_tried_again_with_another,
    two_lines_of_one_scarce_thing_are_added_up,
    a_buyer_is_asked_for_a_proof,
    a_provider_that_answers_late_is_processing_and_not_failure,
);
in_every_shop!(what_is_placed_twice_is_bought_once, a_price_that_has_changed_is_not_paid);

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn from_the_first_page_to_a_review(shop: Shop) {
    let (lamp, shade) = (shop.product("Desk lamp", 1999, 5).await, shop.product("Lamp shade", 500, 5).await);
    let client = shop.sandbox.client();

    // Looking around, as nobody in particular.
    let found: Vec<Value> = client.get("/api/v1/products?search=desk").await.expect(200).data();
    assert_eq!(found.iter().map(|one| text(&one["id"])).collect::<Vec<_>>(), [&lamp]);
    in_time(|| async {
        let home: Value = client.get("/api/v1/bff/home").await.expect(200).data();
        let newest = home["newest"].as_array().map_or(0, Vec::len);
        if newest == 2 && home["missing"] == json!([]) { Ok(()) } else { Err(home) }
    })
    .await;
    let page: Value = client.get(&format!("/api/v1/bff/products/{lamp}")).await.expect(200).data();
    assert_eq!((&page["product"]["price"]["amount"], &page["missing"]), (&json!(1999), &json!([])));
    assert_eq!((&page["availability"]["inStock"], &page["rating"]["count"]), (&json!(true), &json!(0)));

    // A cart of a guest becomes that of somebody who has registered.
    let guest: Value = client.post("/api/v1/cart", json!({})).await.expect(201).data();
    let secret = text(&guest["cartToken"]);
    let ask = client.request(http::Method::POST, "/api/v1/cart/items").header("x-cart-token", secret);
    ask.json(json!({"productId": lamp, "quantity": 1})).send().await.expect(200);
    let buyer = shop.buyer().await;
    let add = json!({"productId": shade, "quantity": 3});
    buyer.client.post("/api/v1/cart/items", add).await.expect(200);
    let merged = buyer.client.post("/api/v1/cart/merge", json!({"cartToken": secret})).await.expect(200);
    assert_eq!(merged.data::<Value>()["quantity"], 4);
    let path = format!("/api/v1/cart/items/{shade}");
    let cart: Value = buyer.client.put(&path, json!({"quantity": 2})).await.expect(200).data();
    assert_eq!((&cart["quantity"], &cart["subtotal"]["amount"]), (&json!(3), &json!(2999)));

    // Buying it: 29.99 of goods, 4.99 to bring them, 20 % tax on both.
    let total = 2999 + 499 + 700;
    let body = json!({
        "shippingAddress": address(), "shippingMethod": "standard", "paymentMethod": "pm_card_visa",
        "expectedTotal": {"amount": total, "currency": "EUR"},
    });
    let placed: Value = buyer.client.post("/api/v1/orders", body).await.expect(201).data();
    let id = text(&placed["id"]);
    let order = shop.settled(&buyer, id).await;
    assert_eq!((&order["status"], &order["totals"]["total"]["amount"]), (&json!("CONFIRMED"), &json!(total)));
    assert_eq!(order["number"], placed["number"]);
    let cart: Value = buyer.client.get("/api/v1/cart").await.expect(200).data();
    assert_eq!(cart["quantity"], 0, "what was bought is not in the cart any more");
    shop.payments_come_to(&buyer, id, &[("CAPTURED", total, 0)]).await;
    shop.stock_comes_to(&lamp, (4, 0)).await;
    shop.stock_comes_to(&shade, (3, 0)).await;

    // It comes, and only then may it be reviewed.
    let review =
        json!({"product": lamp, "rating": 4, "title": "Bright", "text": "It does what a lamp does."});
    buyer.client.post("/api/v1/reviews", &review).await.refused(ErrorCode::NotABuyer);
    let order = shop.deliver(id).await;
    assert_eq!((&order["status"], &order["trackingNumber"]), (&json!("DELIVERED"), &json!("PP-7")));
    in_time(|| async {
        let written = buyer.client.post("/api/v1/reviews", &review).await;
        if written.status == 201 { Ok(()) } else { Err(written.text().into_owned()) }
    })
    .await;
    buyer.client.post("/api/v1/reviews", &review).await.refused(ErrorCode::AlreadyExists);
    in_time(|| async {
        let page: Value = client.get(&format!("/api/v1/bff/products/{lamp}")).await.expect(200).data();
        if page["rating"]["average"] == "4.00" { Ok(()) } else { Err(page) }
    })
    .await;

    what_the_buyer_is_told(&buyer, id, &order).await;
    shop.balance().await;
}

/// The whole history, the dashboard, and the messages, each once.
async fn what_the_buyer_is_told(buyer: &Person, id: &str, order: &Value) {
    let history: Vec<Value> =
        buyer.client.get(&format!("/api/v1/orders/{id}/history")).await.expect(200).data();
    let statuses: Vec<_> = history.iter().map(|happening| text(&happening["status"])).collect();
    let mut course = statuses.clone();
    course.dedup();
    assert_eq!(course, ["PENDING", "CONFIRMED", "PROCESSING", "SHIPPED", "DELIVERED"], "{history:?}");
    let before = &history[0]["at"];
    let then: Value =
        buyer.client.get(&format!("/api/v1/orders/{id}?asOf={}", text(before))).await.expect(200).data();
    assert_eq!(then["status"], "PENDING", "as it was at {before}");

    let dashboard = in_time(|| async {
        let dashboard: Value = buyer.client.get("/api/v1/bff/dashboard").await.expect(200).data();
        let order = dashboard["orders"][0]["status"] == "DELIVERED";
        let sent = dashboard["notifications"].as_array().map_or(0, Vec::len);
        if order && sent >= 3 { Ok(dashboard) } else { Err(dashboard) }
    })
    .await;
    assert_eq!(dashboard["missing"], json!([]));
    assert_eq!(dashboard["orders"][0]["number"], order["number"]);
    let sent: Vec<Value> = buyer.client.get("/api/v1/notifications?limit=100").await.expect(200).data();
    let mut kinds: Vec<_> = sent.iter().map(|one| one["kind"].to_string()).collect();
    let all = kinds.len();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), all, "each of them once: {sent:?}");
}

async fn a_declined_card_is_tried_again_with_another(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let order = shop.buy(&buyer, &[(&lamp, 2)], "pm_card_declined").await;
    assert_eq!(order["status"], "FAILED", "{order}");
    assert!(!text(&order["failure"]).is_empty());
    shop.stock_comes_to(&lamp, (3, 0)).await;
    let id = text(&order["id"]);
    shop.deed_is_refused(id, "process").await;

    let again = json!({"paymentMethod": "pm_card_visa"});
    buyer.client.post(&format!("/api/v1/orders/{id}/retry"), &again).await.expect(200);
    let order = shop.settled(&buyer, id).await;
    assert_eq!(order["status"], "CONFIRMED", "{order}");
    buyer
        .client
        .post(&format!("/api/v1/orders/{id}/retry"), &again)
        .await
        .refused(ErrorCode::InvalidTransition);
    let total = order["totals"]["total"]["amount"].as_i64().unwrap();
    shop.payments_come_to(&buyer, id, &[("CAPTURED", total, 0), ("FAILED", total, 0)]).await;
    shop.stock_comes_to(&lamp, (1, 0)).await;
    shop.balance().await;
}

/// Of well-known shops each line passes alone, and more is sold than there is.
async fn two_lines_of_one_scarce_thing_are_added_up(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let order = shop.buy(&buyer, &[(&lamp, 2), (&lamp, 2)], "pm_card_visa").await;
    assert_eq!(order["status"], "FAILED", "{order}");
    shop.stock_comes_to(&lamp, (3, 0)).await;
    shop.nothing_is_kept(&buyer, text(&order["id"])).await;
    let order = shop.buy(&buyer, &[(&lamp, 2), (&lamp, 1)], "pm_card_visa").await;
    assert_eq!(order["status"], "CONFIRMED", "{order}");
    shop.stock_comes_to(&lamp, (0, 0)).await;
    shop.balance().await;
}

async fn a_buyer_is_asked_for_a_proof(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let body = order_of(&[(&lamp, 1)], "pm_card_authentication_required");
    let placed: Value = buyer.client.post("/api/v1/orders", body).await.expect(201).data();
    let id = text(&placed["id"]);
    let payment = in_time(|| async {
        let path = format!("/api/v1/payments?order={id}");
        let payments: Vec<Value> = buyer.client.get(&path).await.expect(200).data();
        let asked = payments.into_iter().find(|payment| payment["state"] == "REQUIRES_ACTION");
        asked.ok_or("nobody asks for a proof")
    })
    .await;
    let order: Value = buyer.client.get(&format!("/api/v1/orders/{id}")).await.expect(200).data();
    assert_eq!((&order["status"], &order["processing"]), (&json!("PENDING"), &json!(true)));
    let confirm = format!("/api/v1/payments/{}/confirm", text(&payment["id"]));
    shop.buyer().await.client.post(&confirm, json!({})).await.refused(ErrorCode::NotFound);
    buyer.client.post(&confirm, json!({})).await.expect(200);
    let order = shop.settled(&buyer, id).await;
    assert_eq!(order["status"], "CONFIRMED", "{order}");
    shop.balance().await;
}

/// Also one that charges and then is not heard of: the money is asked about, never taken again.
async fn a_provider_that_answers_late_is_processing_and_not_failure(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 9).await;
    let buyer = shop.buyer().await;
    for (sold, card) in (1..).zip([
        "pm_card_slow",
        "pm_card_timeout_after_charge",
        "pm_card_capture_timeout",
        "pm_card_error",
    ]) {
        let order = shop.buy(&buyer, &[(&lamp, 1)], card).await;
        assert_eq!(order["status"], "CONFIRMED", "{card}: {order}");
        let total = order["totals"]["total"]["amount"].as_i64().unwrap();
        shop.payments_come_to(&buyer, text(&order["id"]), &[("CAPTURED", total, 0)]).await;
        shop.stock_comes_to(&lamp, (9 - sold, 0)).await;
    }
    shop.balance().await;
}

async fn what_is_placed_twice_is_bought_once(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let place = || async {
        let ask =
            buyer.client.request(http::Method::POST, "/api/v1/orders").header("idempotency-key", "one-lamp");
        ask.json(order_of(&[(&lamp, 1)], "pm_card_visa")).send().await
    };
    let (one, other) = tokio::join!(place(), place());
    let answers = [one, other].into_iter().filter(|answer| answer.status != 409);
    let ids: Vec<Value> = answers.map(|answer| answer.expect(201).data::<Value>()["id"].clone()).collect();
    let again: Value = place().await.expect(201).data();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == again["id"]), "{ids:?}");
    shop.settled(&buyer, text(&again["id"])).await;
    shop.stock_comes_to(&lamp, (2, 0)).await;
    shop.balance().await;
}

async fn a_price_that_has_changed_is_not_paid(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let mut body = order_of(&[(&lamp, 1)], "pm_card_visa");
    body["expectedTotal"] = json!({"amount": 1, "currency": "EUR"});
    buyer.client.post("/api/v1/orders", &body).await.refused(ErrorCode::PriceChanged);
    let path = format!("/api/v1/products/{lamp}");
    shop.vendor.client.patch(&path, json!({"active": false})).await.expect(200);
    body["expectedTotal"] = Value::Null;
    buyer.client.post("/api/v1/orders", &body).await.refused(ErrorCode::NotForSale);
    shop.stock_comes_to(&lamp, (3, 0)).await;
    shop.balance().await;
}
