//! Somebody who buys, and does not give up while nobody knows whether a request took effect.

use super::plan::{Intent, Purchase};
use super::shop::Shop;
use crate::client::{Answer, Client};
use crate::shopping::Choices;
use anyhow::{Result, bail};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long the platform may be unable to say what became of a request.
const GIVE_UP: Duration = Duration::from_secs(90);
/// The pause before a request is sent again.
const AGAIN: Duration = Duration::from_millis(150);
/// The longest pause, whatever the platform asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often is looked whether an order has come to rest.
const LOOK: Duration = Duration::from_millis(250);

/// What all buyers share.
pub(super) struct Market {
    pub(super) shop: Shop,
    /// Nobody begins another purchase.
    pub(super) closing: AtomicBool,
    pub(super) requests: AtomicU64,
    pub(super) sent_again: AtomicU64,
    /// What should never happen, as it was seen.
    pub(super) faults: Mutex<Vec<String>>,
}

impl Market {
    pub(super) fn new(shop: Shop) -> Self {
        Self {
            shop,
            closing: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            sent_again: AtomicU64::new(0),
            faults: Mutex::default(),
        }
    }

    pub(super) fn fault(&self, fault: String) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Sends a request until it is known what became of it. What it changes has a key, or the same effect twice is one.
    pub(super) async fn settle(
        &self,
        who: &Client,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Result<Answer> {
        let until = Instant::now() + GIVE_UP;
        loop {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let answer = who.ask(method.clone(), path, body, key).await;
            let (why, pause) = match answer {
                Ok(answer) if !is_unsettled(&answer) => return Ok(answer),
                Ok(answer) => {
                    let pause = answer.retry_after().unwrap_or(AGAIN).min(LONGEST_PAUSE);
                    (format!("{} {}", answer.status, answer.body["error"]), pause)
                }
                Err(error) => (format!("{error:#}"), AGAIN),
            };
            if Instant::now() > until {
                bail!("{method} {path}: nobody knows what became of it after {GIVE_UP:?}: {why}");
            }
            self.sent_again.fetch_add(1, Ordering::Relaxed);
            sleep(pause).await;
        }
    }
}

/// Whether it is open what became of a request, or the platform asks to send it again.
fn is_unsettled(answer: &Answer) -> bool {
    let again = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
    answer.status.is_server_error()
        || again.contains(&answer.status)
        || answer.code() == "REQUEST_IN_PROGRESS"
}

/// An order that was acknowledged, and what its buyer knows of it.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) id: String,
    pub(super) purchase: Purchase,
}

/// One buyer's whole story.
pub(super) struct Buyer {
    pub(super) email: String,
    pub(super) client: Client,
    pub(super) placed: Vec<Placed>,
}

impl Buyer {
    /// Buys again and again until the market closes, at least once.
    pub(super) async fn buy(mut self, market: Arc<Market>, mut choices: Choices) -> Result<Self> {
        loop {
            let purchase = Purchase::choose(&mut choices, market.shop.products.len());
            self.purchase(&market, purchase).await?;
            if market.closing.load(Ordering::Relaxed) {
                return Ok(self);
            }
            sleep(choices.pause(Duration::from_millis(50), Duration::from_millis(700))).await;
        }
    }

    async fn purchase(&mut self, market: &Market, purchase: Purchase) -> Result<()> {
        let item = |(place, quantity): &(usize, usize)| json!({"productId": market.shop.products[*place].id, "quantity": quantity});
        let body = json!({
            "items": purchase.lines.iter().map(item).collect::<Vec<_>>(),
            "shippingAddress": {
                "fullName": "Ada Lovelace", "address": "12 St James's Square", "city": "London", "postalCode": "SW1Y 4LB",
                "country": "GB",
            },
            "shippingMethod": "standard",
            "paymentMethod": purchase.card(),
        });
        let key = purchase.key.to_string();
        let answer =
            market.settle(&self.client, Method::POST, "/api/v1/orders", Some(&body), Some(&key)).await?;
        if !answer.status.is_success() {
            market.fault(format!("an order was refused: {} {}", answer.status, answer.body["error"]));
            return Ok(());
        }
        let Some(id) = answer.data()["id"].as_str().map(str::to_owned) else {
            bail!("an order has no id: {}", answer.body);
        };
        let expected: i64 =
            purchase.lines.iter().map(|(place, n)| market.shop.products[*place].price * *n as i64).sum();
        let subtotal = answer.data()["totals"]["subtotal"]["amount"].as_i64();
        if subtotal != Some(expected) {
            market.fault(format!("order {id} has the subtotal {subtotal:?}, and its lines cost {expected}"));
        }
        self.placed.push(Placed { id: id.clone(), purchase: purchase.clone() });
        self.go_on(market, &id, &purchase).await
    }

    /// What the buyer does after the order was placed.
    async fn go_on(&self, market: &Market, id: &str, purchase: &Purchase) -> Result<()> {
        match purchase.intent {
            Intent::Buy(_) => Ok(()),
            Intent::CallOff => self.call_off(market, id, purchase).await,
            Intent::TryAgain(_) => {
                let order = self.rests(market, id).await?;
                if order["status"] != "FAILED" {
                    market.fault(format!("order {id} with a declined card is {}", order["status"]));
                }
                let body = json!({"paymentMethod": "pm_card_visa"});
                let key = format!("{}-again", purchase.key);
                let path = format!("/api/v1/orders/{id}/retry");
                market.settle(&self.client, Method::POST, &path, Some(&body), Some(&key)).await.map(drop)
            }
            Intent::Prove => {
                let Some(payment) = self.asked_for_proof(market, id).await? else { return Ok(()) };
                let path = format!("/api/v1/payments/{payment}/confirm");
                let key = format!("{}-proof", purchase.key);
                market.settle(&self.client, Method::POST, &path, Some(&json!({})), Some(&key)).await.map(drop)
            }
            Intent::Abandon => {
                if self.asked_for_proof(market, id).await?.is_none() {
                    return Ok(());
                }
                self.call_off(market, id, purchase).await
            }
        }
    }

    async fn call_off(&self, market: &Market, id: &str, purchase: &Purchase) -> Result<()> {
        let path = format!("/api/v1/orders/{id}/cancel");
        let key = format!("{}-off", purchase.key);
        let body = json!({"reason": "changed my mind"});
        let answer = market.settle(&self.client, Method::POST, &path, Some(&body), Some(&key)).await?;
        if !answer.status.is_success() && answer.code() != "INVALID_TRANSITION" {
            market.fault(format!(
                "order {id} could not be called off: {} {}",
                answer.status, answer.body["error"]
            ));
        }
        Ok(())
    }

    /// The order, once nothing goes on with it any more.
    pub(super) async fn rests(&self, market: &Market, id: &str) -> Result<Value> {
        let until = Instant::now() + GIVE_UP;
        loop {
            let path = format!("/api/v1/orders/{id}");
            let mut answer = market.settle(&self.client, Method::GET, &path, None, None).await?;
            if !answer.status.is_success() {
                bail!("order {id} cannot be seen by its buyer: {} {}", answer.status, answer.body);
            }
            if answer.data()["processing"] == false {
                return Ok(answer.body["data"].take());
            }
            if Instant::now() > until {
                bail!("order {id} has no end after {GIVE_UP:?}: {}", answer.body);
            }
            sleep(LOOK).await;
        }
    }

    /// The payment that waits for the buyer's proof; `None` when the order ended before, as for want of stock.
    async fn asked_for_proof(&self, market: &Market, id: &str) -> Result<Option<String>> {
        let until = Instant::now() + GIVE_UP;
        loop {
            let path = format!("/api/v1/payments?order={id}");
            let answer = market.settle(&self.client, Method::GET, &path, None, None).await?;
            let waits = |payment: &&Value| payment["state"] == "REQUIRES_ACTION";
            let found = answer.data().as_array().and_then(|all| all.iter().find(waits));
            if let Some(payment) = found.and_then(|payment| payment["id"].as_str()) {
                return Ok(Some(payment.to_owned()));
            }
            let order =
                market.settle(&self.client, Method::GET, &format!("/api/v1/orders/{id}"), None, None).await?;
            if order.data()["processing"] == false {
                return Ok(None);
            }
            if Instant::now() > until {
                bail!("nobody asks for a proof for order {id} after {GIVE_UP:?}: {}", order.body);
            }
            sleep(LOOK).await;
        }
    }
}
