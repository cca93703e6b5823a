//! Who runs the shop while it is bought empty: brings more, sends orders out, gives money back.

use super::buyer::Market;
use crate::shopping::Choices;
use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// How much is brought at a time: less than is wanted until the next time.
const DELIVERY: u32 = 15;

/// Works until the market closes.
pub(super) async fn keep(market: Arc<Market>, mut choices: Choices) -> Result<()> {
    while !market.closing.load(Ordering::Relaxed) {
        let place = choices.below(market.shop.products.len());
        market.shop.deliver(place, DELIVERY).await?;
        let listed = market
            .settle(&market.shop.keeper, Method::GET, "/api/v1/orders?status=CONFIRMED&limit=20", None, None)
            .await?;
        for order in listed.data().as_array().into_iter().flatten() {
            let Some(id) = order["id"].as_str() else { continue };
            match choices.below(4) {
                0 => send_out(&market, id).await?,
                1 => give_back(&market, id, order, &mut choices).await?,
                _ => {}
            }
        }
        sleep(choices.pause(Duration::from_millis(200), Duration::from_millis(900))).await;
    }
    Ok(())
}

async fn send_out(market: &Market, id: &str) -> Result<()> {
    let steps = [
        ("process", json!({})),
        ("ship", json!({"carrier": "Pigeon Post", "trackingNumber": format!("PP-{id}")})),
        ("deliver", json!({})),
    ];
    for (step, body) in steps {
        if !act(market, id, step, &body, step).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Some of what was paid, of an order that its buyer has.
async fn give_back(market: &Market, id: &str, order: &Value, choices: &mut Choices) -> Result<()> {
    send_out(market, id).await?;
    let Some(total) = order["total"]["amount"].as_i64() else { return Ok(()) };
    let mut body = json!({"reason": "it was scratched"});
    if choices.below(2) == 0 {
        body["amount"] = json!({"amount": total / 2, "currency": order["total"]["currency"]});
    }
    act(market, id, "refunds", &body, &choices.uuid().to_string()).await.map(drop)
}

/// Whether it was done. That the order has moved on meanwhile, as when its buyer called it off, is no fault.
async fn act(market: &Market, id: &str, what: &str, body: &Value, name: &str) -> Result<bool> {
    let (path, key) = (format!("/api/v1/orders/{id}/{what}"), format!("{id}-{name}"));
    let answer = market.settle(&market.shop.keeper, Method::POST, &path, Some(body), Some(&key)).await?;
    if answer.status.is_success() {
        return Ok(true);
    }
    if !["INVALID_TRANSITION", "REFUND_TOO_LARGE"].contains(&answer.code()) {
        market.fault(format!("{path}: {} {}", answer.status, answer.body["error"]));
    }
    Ok(false)
}
