//! Somebody who comes to the shop, looks around, buys, and what becomes of it. Who runs the shop does their part of it.

use super::people::Somebody;
use super::plan::Plan;
use super::shop::{Product, Shop, change, eventually};
use super::tally::Tally;
use crate::client::Client;
use crate::shopping::accounts::register;
use crate::shopping::{Choices, id};
use anyhow::{Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const REVIEWS: [(u8, &str, &str); 6] = [
    (5, "Exactly right", "I have bought a second one."),
    (5, "A present that was kept", "My sister will not give it back."),
    (4, "Good, a little heavy", "You notice that it is well made when you carry it upstairs."),
    (4, "As described", "It came quickly and is what the picture shows."),
    (3, "Nice colour", "Smaller than I thought, and that is my own fault."),
    (2, "Not for me", "It is well made, and I do not like it."),
];
const METHODS: [&str; 3] = ["standard", "express", "overnight"];

/// How often a shopper buys.
pub(super) fn purchases(seed: u64, number: usize) -> usize {
    Choices::new(seed, &format!("purchases {number}")).number(1..=3)
}

/// One shopper's visit.
pub(super) struct Shopper {
    who: Somebody,
    client: Client,
    choices: Choices,
    shop: Arc<Shop>,
    tally: Arc<Tally>,
}

impl Shopper {
    /// Comes in, buys as often as the seed says, and goes.
    pub(super) async fn visit(shop: Arc<Shop>, tally: Arc<Tally>, seed: u64, number: usize) -> Result<()> {
        let who = Somebody::new(seed, number);
        let client = register(&shop.door, &who.email, &who.name).await?;
        let choices = Choices::new(seed, &format!("shopper {number}"));
        let mut shopper = Self { who, client, choices, shop, tally };
        for _ in 0..purchases(seed, number) {
            shopper.purchase().await?;
        }
        shopper.client.get("/api/v1/bff/dashboard").await.map(drop)
    }

    async fn purchase(&mut self) -> Result<()> {
        let plan = Plan::choose(&mut self.choices);
        let basket = self.fill_the_cart(plan).await?;
        let body = json!({
            "shippingAddress": self.who.address(),
            "shippingMethod": self.choices.one(&METHODS),
            "paymentMethod": plan.card(),
        });
        let answer = change(&self.client, "/api/v1/orders", &body).await?;
        ensure!(answer.status.is_success(), "an order of {} is refused: {}", self.who.email, answer.body);
        let order = id(answer.data())?;
        if plan == Plan::Prove {
            self.prove(&order).await?;
        }
        let mut settled = self.settled(&order).await?;
        if plan == Plan::DeclineAndRetry {
            self.expect(&settled, "FAILED", plan);
            self.tally.declined();
            self.act(&self.client, &order, "retry", &json!({"paymentMethod": "pm_card_visa"})).await?;
            settled = self.settled(&order).await?;
        }
        self.expect(&settled, if plan.fails() { "FAILED" } else { "CONFIRMED" }, plan);
        self.tell(plan, &settled);
        self.what_follows(plan, &order, &settled, &basket).await?;
        self.tally.done();
        Ok(())
    }

    /// Looks at the first page and at some products, and puts them into the cart. What is in it then.
    async fn fill_the_cart(&mut self, plan: Plan) -> Result<Vec<(String, usize)>> {
        self.client.get("/api/v1/bff/home").await?;
        let how_many = self.choices.number(1..=3);
        let mut chosen: Vec<&Product> = self.choices.some(&self.shop.products, how_many);
        if plan == Plan::SoldOut {
            chosen.push(&self.shop.rarity);
        }
        let mut basket = Vec::new();
        for product in chosen {
            self.client.get(&format!("/api/v1/bff/products/{}", product.id)).await?;
            let quantity = if self.choices.percent(25) { 2 } else { 1 };
            let body = json!({"productId": product.id, "quantity": quantity});
            let answer = change(&self.client, "/api/v1/cart/items", &body).await?;
            ensure!(
                answer.status.is_success(),
                "{} cannot be put into a cart: {}",
                product.name,
                answer.body
            );
            basket.push((product.id.clone(), quantity));
        }
        Ok(basket)
    }

    /// Waits until the bank asks, and answers it.
    async fn prove(&self, order: &str) -> Result<()> {
        let path = format!("/api/v1/payments?order={order}");
        let payment = eventually(&path, || async {
            let payments = self.client.get(&path).await?;
            let asked =
                payments.as_array().into_iter().flatten().find(|one| one["state"] == "REQUIRES_ACTION");
            asked.map(id).transpose()
        })
        .await?;
        let answer = change(&self.client, &format!("/api/v1/payments/{payment}/confirm"), &json!({})).await?;
        ensure!(answer.status.is_success(), "a payment cannot be confirmed: {}", answer.body);
        Ok(())
    }

    async fn what_follows(
        &mut self,
        plan: Plan,
        order: &str,
        placed: &Value,
        basket: &[(String, usize)],
    ) -> Result<()> {
        let keeper = self.shop.keeper.clone();
        match plan {
            Plan::Buy
            | Plan::DeclineAndRetry
            | Plan::Decline
            | Plan::Prove
            | Plan::Timeout
            | Plan::SoldOut => {
                return Ok(());
            }
            Plan::Cancel => {
                self.act(&self.client, order, "cancel", &json!({"reason": "changed my mind"})).await?;
                let settled = self.settled(order).await?;
                self.expect(&settled, "CANCELLED", plan);
                return Ok(());
            }
            Plan::Ship | Plan::Receive | Plan::Review | Plan::RefundSome | Plan::RefundAll => {}
        }
        self.act(&keeper, order, "process", &json!({})).await?;
        let number = placed["number"].as_str().unwrap_or_default();
        let parcel = json!({"carrier": "Pigeon Post", "trackingNumber": format!("PP-{number}")});
        self.act(&keeper, order, "ship", &parcel).await?;
        if plan == Plan::Ship {
            return Ok(());
        }
        self.act(&keeper, order, "deliver", &json!({})).await?;
        match plan {
            Plan::Review => self.review(basket).await,
            Plan::RefundSome => {
                let total = &placed["totals"]["total"];
                let some = total["amount"].as_i64().unwrap_or_default() / 4;
                let body = json!({
                    "amount": {"amount": some, "currency": total["currency"]}, "reason": "scratched on the way",
                });
                self.refund(&keeper, order, &body, "DELIVERED", plan).await
            }
            Plan::RefundAll => {
                let item = |(product, quantity): &(String, usize)| json!({"productId": product, "quantity": quantity});
                let restock: Vec<_> = basket.iter().map(item).collect();
                let body = json!({"reason": "sent back", "restock": restock});
                self.refund(&keeper, order, &body, "REFUNDED", plan).await
            }
            _ => Ok(()),
        }
    }

    async fn refund(&self, keeper: &Client, order: &str, body: &Value, ends: &str, plan: Plan) -> Result<()> {
        self.act(keeper, order, "refunds", body).await?;
        let settled = self.settled(order).await?;
        self.expect(&settled, ends, plan);
        Ok(())
    }

    /// Says what they think of the first thing. That it has come is known from an event, which may take a moment.
    async fn review(&mut self, basket: &[(String, usize)]) -> Result<()> {
        let Some((product, _)) = basket.first() else { return Ok(()) };
        let (rating, title, text) = *self.choices.one(&REVIEWS);
        let body = json!({"product": product, "rating": rating, "title": title, "text": text});
        let told = eventually("a review", || async {
            let answer = change(&self.client, "/api/v1/reviews", &body).await?;
            match answer.code() {
                "" => Ok(Some(true)),
                "NOT_A_BUYER" => Ok(None),
                // They have bought it before, and have said so.
                "ALREADY_EXISTS" => Ok(Some(false)),
                _ => bail!("a review is refused: {}", answer.body),
            }
        })
        .await?;
        if told {
            self.tally.reviewed();
            self.tally.say(format_args!("{} gives {rating} of 5 stars: {title}", self.who.name));
        }
        Ok(())
    }

    /// Something that is done to an order, and must be possible.
    async fn act(&self, who: &Client, order: &str, deed: &str, body: &Value) -> Result<()> {
        let path = format!("/api/v1/orders/{order}/{deed}");
        let answer = change(who, &path, body).await?;
        ensure!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body["error"]);
        Ok(())
    }

    /// The order, when nothing goes on with it any more.
    async fn settled(&self, order: &str) -> Result<Value> {
        let path = format!("/api/v1/orders/{order}");
        eventually(&path, || async {
            let mut answer = self.client.ask(Method::GET, &path, None, None).await?;
            ensure!(answer.status.is_success(), "{path}: {}", answer.body);
            let rests = answer.data()["processing"] == false;
            Ok(rests.then(|| answer.body["data"].take()))
        })
        .await
    }

    fn expect(&self, order: &Value, status: &str, plan: Plan) {
        if order["status"] != status {
            self.tally.fault(format!("an order that was to be {status} ({plan:?}) is {order}"));
        }
    }

    fn tell(&self, plan: Plan, order: &Value) {
        let (name, number) = (&self.who.name, order["number"].as_str().unwrap_or_default());
        let total = &order["totals"]["total"];
        let total = serde_json::from_value::<contract::money::Money>(total.clone());
        let total = total.map(|total| total.to_string()).unwrap_or_default();
        match plan {
            Plan::Decline => {
                self.tally.say(format_args!("{name} has too little on the card; {number} is not sold"))
            }
            Plan::SoldOut => {
                self.tally.say(format_args!("{name} comes too late for the {}", self.shop.rarity.name))
            }
            Plan::Cancel => {
                self.tally.say(format_args!("{name} buys {number} for {total}, and calls it off"))
            }
            Plan::DeclineAndRetry => {
                self.tally.say(format_args!("{name} pays {number} with a second card: {total}"));
            }
            Plan::Timeout => {
                self.tally
                    .say(format_args!("{name} pays {total} for {number}, once, though the bank fell silent"));
            }
            _ => self.tally.say(format_args!("{name} buys {number} for {total}")),
        }
        if plan == Plan::Decline {
            self.tally.declined();
        }
    }
}
