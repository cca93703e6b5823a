//! Orders that are called off, and money that is given back.

use crate::support::{Shop, however_a_checkout_is_led};
use contract::ErrorCode;
use serde_json::{Value, json};

however_a_checkout_is_led!(
    a_buyer_changes_their_mind,
    an_order_is_called_off_while_its_payment_waits,
    some_is_given_back_and_then_the_rest,
);

async fn a_buyer_changes_their_mind(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let order = shop.buy(&buyer, &[(&lamp, 2)], "pm_card_visa").await;
    let (id, total) = (order["id"].as_str().unwrap(), order["totals"]["total"]["amount"].as_i64().unwrap());
    let cancel = format!("/api/v1/orders/{id}/cancel");
    let reason = json!({"reason": "found one in the attic"});
    buyer.client.post(&cancel, &reason).await.expect(200);
    let order = shop.settled(&buyer, id).await;
    assert_eq!(order["status"], "CANCELLED", "{order}");
    shop.payments_come_to(&buyer, id, &[("REFUNDED", total, total)]).await;
    shop.stock_comes_to(&lamp, (3, 0)).await;
    buyer.client.post(&cancel, &reason).await.refused(ErrorCode::InvalidTransition);
    shop.deed_is_refused(id, "process").await;

    // What is being packed is not called off by its buyer.
    let order = shop.buy(&buyer, &[(&lamp, 1)], "pm_card_visa").await;
    let id = order["id"].as_str().unwrap();
    shop.staff(id, "process", json!({})).await;
    let cancel = format!("/api/v1/orders/{id}/cancel");
    buyer.client.post(&cancel, &reason).await.refused(ErrorCode::InvalidTransition);
    shop.admin.client.post(&cancel, &reason).await.expect(200);
    assert_eq!(shop.settled(&buyer, id).await["status"], "CANCELLED");
    shop.stock_comes_to(&lamp, (3, 0)).await;
    shop.balance().await;
}

async fn an_order_is_called_off_while_its_payment_waits(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let body = crate::support::order_of(&[(&lamp, 2)], "pm_card_authentication_required");
    let placed: Value = buyer.client.post("/api/v1/orders", body).await.expect(201).data();
    let id = placed["id"].as_str().unwrap();
    shop.stock_comes_to(&lamp, (3, 2)).await;
    let reason = json!({"reason": "cannot find my telephone"});
    buyer.client.post(&format!("/api/v1/orders/{id}/cancel"), reason).await.expect(200);
    let order = shop.settled(&buyer, id).await;
    assert_eq!(order["status"], "CANCELLED", "{order}");
    shop.stock_comes_to(&lamp, (3, 0)).await;
    shop.nothing_is_kept(&buyer, id).await;
    shop.balance().await;
}

async fn some_is_given_back_and_then_the_rest(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 3).await;
    let buyer = shop.buyer().await;
    let order = shop.buy(&buyer, &[(&lamp, 2)], "pm_card_visa").await;
    let (id, total) = (order["id"].as_str().unwrap(), order["totals"]["total"]["amount"].as_i64().unwrap());
    let refunds = format!("/api/v1/orders/{id}/refunds");
    let some = json!({
        "amount": {"amount": 1000, "currency": "EUR"}, "reason": "one was scratched",
        "restock": [{"productId": lamp, "quantity": 1}],
    });
    buyer.client.post(&refunds, &some).await.refused(ErrorCode::Forbidden);
    shop.deliver(id).await;
    let order = shop.staff(id, "refunds", some).await;
    assert_eq!(
        (&order["status"], &order["refunded"]["amount"]),
        (&json!("DELIVERED"), &json!(1000)),
        "{order}"
    );
    shop.payments_come_to(&buyer, id, &[("PARTIALLY_REFUNDED", total, 1000)]).await;
    shop.stock_comes_to(&lamp, (2, 0)).await;

    let much = json!({"amount": {"amount": total, "currency": "EUR"}, "reason": "more than is left"});
    shop.admin.client.post(&refunds, much).await.refused(ErrorCode::RefundTooLarge);
    let order = shop.staff(id, "refunds", json!({"reason": "the rest of it"})).await;
    assert_eq!(
        (&order["status"], &order["refunded"]["amount"]),
        (&json!("REFUNDED"), &json!(total)),
        "{order}"
    );
    shop.payments_come_to(&buyer, id, &[("REFUNDED", total, total)]).await;
    shop.balance().await;
}
