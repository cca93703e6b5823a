//! The orders in a town, and people who buy there.

use crate::stand_ins::{StandInCatalog, StandInInventory, StandInPayments};
use crate::town::Town;
use chassis::db::q;
use contract::audit::Finding;
use contract::identity::Role;
use contract::ids::{CheckoutId, ProductId};
use contract::orders::{Order, OrderHappening, OrderStatus};
use contract::payments::PaymentState;
use orders::Orders;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

/// Both ways to lead a checkout.
pub(crate) const FLOWS: [&str; 2] = ["orchestration", "choreography"];

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) issuer: Issuer,
    pub(crate) town: Town,
}

impl Bench {
    pub(crate) async fn start(engine: Engine, flow: &str) -> Option<Self> {
        let (issuer, town) = (Issuer::new(), Town::new());
        let service = Setup::of::<Orders>()
            .and::<FakeAuth>()
            .and::<StandInCatalog>()
            .and::<StandInInventory>()
            .and::<StandInPayments>()
            .issuer(&issuer)
            .set("BOWLINE_CATALOG__TOWN", town.name())
            .set("BOWLINE_INVENTORY__TOWN", town.name())
            .set("BOWLINE_PAYMENTS__TOWN", town.name())
            .set("BOWLINE_ORDERS__SAGA", flow)
            .set("BOWLINE_ORDERS__CHECKOUT_WAIT_MS", "25000")
            .set("BOWLINE_LIMITS__ORDERS", "1000000 per 1m by user")
            .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
            .set("BOWLINE_SAGA__POLL_MS", "20")
            .set("BOWLINE_DELIVERY__POLL_MS", "20")
            .start(engine)
            .await?;
        let verifier = service.assembled().shared().verifier().clone();
        eventually(|| std::future::ready(verifier.check())).await;
        Some(Self { service, issuer, town })
    }

    /// Somebody who is logged in; somebody else each time.
    pub(crate) fn person(&self) -> Person {
        Person(self.service.client().bearer(&self.issuer.token(self.service.clock(), &[Role::User])))
    }

    /// Somebody who manages orders.
    pub(crate) fn staff(&self) -> Person {
        let roles = [Role::User, Role::Admin];
        Person(self.service.client().bearer(&self.issuer.token(self.service.clock(), &roles)))
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }

    /// What an audit finds once everything is at rest: the rules that do not hold.
    pub(crate) async fn audit(&self) -> Vec<Finding> {
        self.pass(11);
        let findings = self.service.assembled().books().audit().await;
        assert!(findings.len() >= 3, "{findings:?}");
        findings.into_iter().filter(|finding| !finding.holds()).collect()
    }

    /// The books agree, perhaps in a moment: events are on their way.
    pub(crate) async fn books_agree(&self) {
        eventually(async || {
            let wrong = self.audit().await;
            if wrong.is_empty() { Ok(()) } else { Err(wrong) }
        })
        .await;
    }

    /// The provider says how a payment stands.
    pub(crate) async fn provider_says(&self, payment: CheckoutId, state: PaymentState) {
        let path = format!("/api/v1/payments/{payment}/settles/{state}");
        self.service.client().put(&path, json!({})).await.expect(200);
    }

    /// Waits until a handler of the orders has had an event.
    pub(crate) async fn orders_heard(&self, handler: &str) {
        let db = self.service.db("orders");
        let sql = "SELECT COUNT(*) FROM inbox WHERE handler = $1 AND status = 'done'";
        eventually(async || {
            let had: i64 = q!(db.read, scalar, sql, handler).unwrap();
            had > 0
        })
        .await;
    }
}

pub(crate) struct Person(pub(crate) Client);

/// A wish to buy.
pub(crate) fn wish(items: &[(ProductId, u32)], method: &str) -> Value {
    let items: Vec<Value> =
        items.iter().map(|(product, quantity)| json!({"productId": product, "quantity": quantity})).collect();
    json!({
        "items": items,
        "shippingAddress": {
            "fullName": "Ada Lovelace", "address": "12 St James's Square", "city": "London",
            "postalCode": "SW1Y 4LB", "country": "GB",
        },
        "shippingMethod": "express",
        "paymentMethod": method,
    })
}

impl Person {
    pub(crate) async fn try_to_buy(&self, items: &[(ProductId, u32)], method: &str) -> Answer {
        self.0.post("/api/v1/orders", wish(items, method)).await
    }

    pub(crate) async fn buy(&self, items: &[(ProductId, u32)], method: &str) -> Order {
        self.try_to_buy(items, method).await.expect(201).data()
    }

    /// Buys without waiting for how it goes.
    pub(crate) async fn order(&self, items: &[(ProductId, u32)], method: &str) -> Order {
        let ask = self.0.request(http::Method::POST, "/api/v1/orders").header("prefer", "respond-async");
        ask.json(wish(items, method)).send().await.expect(201).data()
    }

    pub(crate) async fn see(&self, order: &Order) -> Order {
        self.0.get(&format!("/api/v1/orders/{}", order.id)).await.expect(200).data()
    }

    /// The order once it is at rest, while time goes on.
    pub(crate) async fn rest(&self, bench: &Bench, order: &Order) -> Order {
        eventually(async || {
            bench.service.clock().advance(Duration::from_millis(50));
            let seen = self.see(order).await;
            if seen.processing { Err(seen) } else { Ok(seen) }
        })
        .await
    }

    pub(crate) async fn until(&self, order: &Order, status: OrderStatus) -> Order {
        eventually(async || {
            let seen = self.see(order).await;
            if seen.status == status { Ok(seen) } else { Err(seen) }
        })
        .await
    }

    pub(crate) async fn history(&self, order: &Order) -> Vec<String> {
        let path = format!("/api/v1/orders/{}/history", order.id);
        let happenings: Vec<OrderHappening> = self.0.get(&path).await.expect(200).data();
        happenings.into_iter().map(|happening| happening.what).collect()
    }

    pub(crate) async fn tell(&self, order: &Order, verb: &str, body: Value) -> Answer {
        self.0.post(&format!("/api/v1/orders/{}/{verb}", order.id), body).await
    }

    pub(crate) async fn cancel(&self, order: &Order) -> Answer {
        self.tell(order, "cancel", json!({"reason": "changed my mind"})).await
    }

    pub(crate) async fn retry(&self, order: &Order, method: &str) -> Answer {
        self.tell(order, "retry", json!({"paymentMethod": method})).await
    }
}
