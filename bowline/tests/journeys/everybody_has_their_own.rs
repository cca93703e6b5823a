//! Nobody reaches what is another's, and nobody is more than their token says.

use crate::support::{Books, Shape, Shop, in_every_shop, in_time, order_of};
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};

in_every_shop!(nobody_reaches_anothers_cart_order_payment_or_review, nobody_becomes_more_by_what_they_send,);

async fn nobody_reaches_anothers_cart_order_payment_or_review(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let (ada, eve) = (shop.buyer().await, shop.buyer().await);
    ada.client.post("/api/v1/cart/items", json!({"productId": lamp, "quantity": 1})).await.expect(200);
    let order = shop.buy(&ada, &[(&lamp, 1)], "pm_card_visa").await;
    let id = order["id"].as_str().unwrap();
    shop.deliver(id).await;
    let review = json!({"product": lamp, "rating": 5, "title": "Mine", "text": "All mine."});
    let review = in_time(|| async {
        let written = ada.client.post("/api/v1/reviews", &review).await;
        if written.status == 201 { Ok(written.data::<Value>()) } else { Err(written.text().into_owned()) }
    })
    .await;
    let review = review["id"].as_str().unwrap().to_owned();
    let payments: Vec<Value> =
        ada.client.get(&format!("/api/v1/payments?order={id}")).await.expect(200).data();
    let payment = payments[0]["id"].as_str().unwrap().to_owned();
    let notices: Vec<Value> = in_time(|| async {
        let sent: Vec<Value> = ada.client.get("/api/v1/notifications").await.expect(200).data();
        if sent.is_empty() { Err("no message") } else { Ok(sent) }
    })
    .await;
    let notice = notices[0]["id"].as_str().unwrap().to_owned();

    // What is another's is not there, whatever is tried with it.
    let reason = json!({"reason": "because"});
    for (method, path, body) in [
        (Method::GET, format!("/api/v1/orders/{id}"), Value::Null),
        (Method::GET, format!("/api/v1/orders/{id}/history"), Value::Null),
        (Method::GET, format!("/api/v1/orders/{id}/events"), Value::Null),
        (Method::POST, format!("/api/v1/orders/{id}/cancel"), reason.clone()),
        (Method::POST, format!("/api/v1/orders/{id}/retry"), json!({"paymentMethod": "pm_card_visa"})),
        (Method::GET, format!("/api/v1/payments/{payment}"), Value::Null),
        (Method::POST, format!("/api/v1/payments/{payment}/confirm"), json!({})),
        (Method::PATCH, format!("/api/v1/reviews/{review}"), json!({"rating": 1})),
        (Method::DELETE, format!("/api/v1/reviews/{review}"), Value::Null),
        (Method::GET, format!("/api/v1/notifications/{notice}"), Value::Null),
    ] {
        let ask = eve.client.request(method, &path);
        let ask = if body.is_null() { ask } else { ask.json(&body) };
        ask.send().await.expect(404).refused(ErrorCode::NotFound);
    }
    // Lists are of one's own.
    eve.client.get(&format!("/api/v1/orders?user={}", ada.id)).await.refused(ErrorCode::Forbidden);
    eve.client.get(&format!("/api/v1/notifications?user={}", ada.id)).await.refused(ErrorCode::Forbidden);
    for path in [
        "/api/v1/orders".to_owned(),
        format!("/api/v1/payments?order={id}"),
        "/api/v1/reviews/mine".to_owned(),
    ] {
        let rows: Vec<Value> = eve.client.get(&path).await.expect(200).data();
        assert!(rows.is_empty(), "{path}: {rows:?}");
    }
    let cart: Value = eve.client.get("/api/v1/cart").await.expect(200).data();
    assert_eq!(cart["quantity"], 0);
    // A cart is merged with its secret and with nothing else.
    for guess in [ada.id.clone(), "A".repeat(43)] {
        let refused = eve.client.post("/api/v1/cart/merge", json!({"cartToken": guess})).await;
        assert!([400, 404].contains(&refused.status.as_u16()), "{}", refused.text());
    }
    let dashboard: Value = eve.client.get("/api/v1/bff/dashboard").await.expect(200).data();
    assert_eq!((&dashboard["orders"], &dashboard["recommendations"]), (&json!([]), &json!([])));
    // Nothing has happened to any of it.
    assert_eq!(shop.settled(&ada, id).await["status"], "DELIVERED");
    shop.balance().await;
}

async fn nobody_becomes_more_by_what_they_send(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let client = shop.sandbox.client();
    let body = json!({"email": "eve@example.org", "password": crate::support::PASSWORD, "roles": ["admin"]});
    client.post("/api/v1/auth/register", body).await.refused(ErrorCode::Validation);
    let eve = shop.buyer().await;
    eve.client.patch("/api/v1/users/me", json!({"roles": ["admin"]})).await.refused(ErrorCode::Validation);

    // The price, the owner, the status and the amount are the shop's to say.
    let order = order_of(&[(&lamp, 1)], "pm_card_visa");
    for (field, value) in [
        ("user", json!(shop.admin.id)),
        ("status", json!("DELIVERED")),
        ("total", json!({"amount": 1, "currency": "EUR"})),
        ("shippingCost", json!(0)),
        ("role", json!("admin")),
    ] {
        let mut body = order.clone();
        body[field] = value;
        eve.client.post("/api/v1/orders", body).await.refused(ErrorCode::Validation);
    }
    let mut body = order.clone();
    body["items"][0]["unitPrice"] = json!({"amount": 1, "currency": "EUR"});
    eve.client.post("/api/v1/orders", body).await.refused(ErrorCode::Validation);

    let order = shop.buy(&eve, &[(&lamp, 1)], "pm_card_visa").await;
    let id = order["id"].as_str().unwrap();
    let claims =
        [("x-user-role", "admin"), ("x-user-id", shop.admin.id.as_str()), ("x-internal-service", "orders")];
    let as_claimed = |method: Method, path: &str, body: Value| {
        let ask = eve.client.request(method, path).json(body);
        claims.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send()
    };
    let price = json!({"price": {"amount": 1, "currency": "EUR"}});
    let product = format!("/api/v1/products/{lamp}");
    let counted = json!({"quantity": 9, "kind": "PURCHASE", "reason": "because I can"});
    for (method, path, body) in [
        (Method::POST, format!("/api/v1/orders/{id}/process"), json!({})),
        (Method::POST, format!("/api/v1/orders/{id}/ship"), json!({"carrier": "me", "trackingNumber": "1"})),
        (Method::POST, format!("/api/v1/orders/{id}/deliver"), json!({})),
        (Method::POST, format!("/api/v1/orders/{id}/refunds"), json!({"reason": "mine"})),
        (Method::PATCH, product, price),
        (Method::POST, "/api/v1/categories".to_owned(), json!({"name": "Eve's"})),
        (Method::POST, format!("/api/v1/inventory/{lamp}/adjustments"), counted),
    ] {
        let refused = as_claimed(method, &path, body).await;
        assert!([403, 404].contains(&refused.status.as_u16()), "{path}: {}", refused.text());
    }
    // Nor is the inside reached through the door.
    for path in [
        format!("/internal/v1/payments/{id}/refunds/{id}"),
        "/internal/v1/inventory/reservations".to_owned(),
        format!("/internal/v1/orders/recent?user={}", shop.admin.id),
    ] {
        as_claimed(Method::GET, &path, json!({})).await.expect(404);
    }
    shop.stock_comes_to(&lamp, (2, 0)).await;
    shop.balance().await;
}

/// Who is stopped from ordering can go on looking, and others can go on ordering.
#[tokio::test]
async fn orders_are_counted_by_buyer() {
    let limits = [("BOWLINE_LIMITS__ORDERS", "2 per 1h by user")];
    for shape in [Shape::All, Shape::Split] {
        let shop = Shop::open(shape, Books::Sqlite, &limits).await.unwrap();
        let lamp = shop.product("Desk lamp", 1999, 9).await;
        let (ada, bob) = (shop.buyer().await, shop.buyer().await);
        let body = order_of(&[(&lamp, 1)], "pm_card_visa");
        for left in ["1", "0"] {
            let placed = ada.client.post("/api/v1/orders", &body).await.expect(201);
            assert_eq!(placed.header("x-ratelimit-remaining"), Some(left));
        }
        let refused = ada.client.post("/api/v1/orders", &body).await;
        assert!(refused.header("retry-after").is_some());
        refused.refused(ErrorCode::RateLimited);
        ada.client.get("/api/v1/orders").await.expect(200);
        bob.client.post("/api/v1/orders", &body).await.expect(201);
    }
}
