//! A running inventory, people who count stock, and the client by which other services ask.

use crate::others::{Others, path};
use chassis::clock::Ts;
use chassis::db::{DatabaseConfig, Db, q};
use contract::client::CallError;
use contract::error::{ErrorCode, ErrorDetail};
use contract::event::Event;
use contract::identity::{Claims, Role};
use contract::ids::{CheckoutId, OrderId, ProductId, UserId};
use contract::inventory::{
    Adjust, AdjustmentKind, InventoryClient, Reservation, Reserve, ReserveLine, Shortage,
};
use inventory::Inventory;
use inventory::store::stock::{self, NewStock};
use serde_json::Value;
use std::time::Duration;
use testkit::{Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

pub(crate) const INVENTORY: &str = "/api/v1/inventory";

/// Without jobs, so that only a test sweeps.
pub(crate) fn setup() -> Setup {
    Setup::of::<Inventory>()
        .and::<FakeAuth>()
        .and::<Others>()
        .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
        .set("BOWLINE_JOBS__ENABLED", "false")
}

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) inventory: InventoryClient,
    issuer: Issuer,
}

/// A product as a test knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub(crate) id: ProductId,
    pub(crate) vendor: UserId,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(setup(), engine).await
    }

    pub(crate) async fn start_with(setup: Setup, engine: Engine) -> Option<Self> {
        let issuer = Issuer::new();
        let service = setup.issuer(&issuer).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        let inventory =
            InventoryClient::new(service.assembled().shared().peer("inventory").unwrap().caller());
        Some(Self { service, inventory, issuer })
    }

    pub(crate) fn db(&self) -> &Db {
        self.service.db("inventory")
    }

    pub(crate) fn now(&self) -> Ts {
        self.service.clock().now()
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }

    /// Somebody with these roles.
    pub(crate) fn person(&self, roles: &[Role]) -> Client {
        self.service.client().bearer(&self.issuer.token(self.service.clock(), roles))
    }

    /// The one who sells a product.
    pub(crate) fn vendor(&self, item: Item) -> Client {
        let claims = Claims {
            sub: item.vendor,
            ..self.issuer.claims(self.service.clock(), &[Role::User, Role::Vendor])
        };
        self.service.client().bearer(&self.issuer.sign(&claims))
    }

    /// Who counts everybody's stock.
    pub(crate) fn admin(&self) -> Client {
        self.person(&[Role::User, Role::Admin])
    }

    /// A product of which there are so many.
    pub(crate) async fn item(&self, on_hand: i32) -> Item {
        let item = Item { id: ProductId::new(), vendor: UserId::new() };
        let (product, vendor, sku) = (item.id, item.vendor, format!("SKU-{}", item.id));
        let new = NewStock { product, vendor, sku, reorder_level: 10, reorder_quantity: 50 };
        let mut t = self.db().begin().await.unwrap();
        assert!(stock::insert(&mut t, &new, self.now()).await.unwrap());
        t.commit().await.unwrap();
        if on_hand > 0 {
            self.count(item, AdjustmentKind::Purchase, on_hand).await;
        }
        item
    }

    pub(crate) async fn items(&self, on_hand: i32, number: usize) -> Vec<Item> {
        let mut items = Vec::new();
        for _ in 0..number {
            items.push(self.item(on_hand).await);
        }
        items
    }

    pub(crate) async fn count(&self, item: Item, kind: AdjustmentKind, quantity: i32) {
        let body = Adjust { quantity, kind, reason: "counted".to_owned() };
        self.vendor(item).post(&adjustments(item), body).await.expect(201);
    }

    /// How many are there and how many of them are reserved.
    pub(crate) async fn numbers(&self, item: Item) -> (i64, i64) {
        let db = self.db();
        let sql = "SELECT on_hand, reserved FROM stock WHERE product_id = $1";
        q!(db.read, fetch_one, sql, item.id.uuid()).unwrap()
    }

    /// Everything that must hold, holds.
    pub(crate) async fn books_hold(&self) {
        let findings = self.service.assembled().books().audit().await;
        assert_eq!(findings.len(), 5, "{findings:?}");
        for finding in findings {
            assert!(finding.holds(), "{finding:?}");
        }
    }

    /// The types of the events that were published about an order or a product, in their order: what the bus has of them.
    pub(crate) async fn published(&self, key: impl ToString) -> Vec<String> {
        let bodies = self.bodies(key).await;
        bodies.iter().map(|body| body["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Which of them say that a call was answered with it.
    pub(crate) async fn answered(&self, key: impl ToString) -> Vec<bool> {
        self.bodies(key).await.iter().map(|body| body["data"]["answered"] == true).collect()
    }

    /// The same events whole.
    pub(crate) async fn bodies(&self, key: impl ToString) -> Vec<Value> {
        let (db, key) = (self.db(), key.to_string());
        eventually(|| async {
            let waiting: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM outbox").unwrap();
            if waiting == 0 { Ok(()) } else { Err(waiting) }
        })
        .await;
        let folder = self.service.folder().join("data");
        let bus = Db::open(&DatabaseConfig::default(), "bus", &folder).await.unwrap();
        let sql = "SELECT body FROM bus_record WHERE key = $1 AND topic = 'inventory' ORDER BY position";
        let rows: Vec<(Vec<u8>,)> = q!(bus.read, fetch_all, sql, &key).unwrap();
        bus.close().await;
        rows.iter().map(|(body,)| serde_json::from_slice(body).unwrap()).collect()
    }

    /// Publishes an event of another service.
    pub(crate) async fn tell<E: Event>(&self, event: &E) {
        self.service.client().post(&path::<E>(), event).await.expect(204);
    }

    /// Waits until the inventory has handled so many events of others in all.
    pub(crate) async fn handled(&self, number: i64) {
        let db = self.db();
        eventually(|| async {
            let sql = "SELECT COUNT(*) FROM inbox WHERE status = 'done'";
            let done: i64 = q!(db.read, scalar, sql).unwrap();
            if done == number { Ok(()) } else { Err(done) }
        })
        .await;
    }

    pub(crate) async fn rows(&self, sql: &'static str) -> i64 {
        let db = self.db();
        q!(db.read, scalar, sql).unwrap()
    }

    pub(crate) async fn reserve(
        &self,
        checkout: CheckoutId,
        order: OrderId,
        lines: &[(Item, u32)],
    ) -> Result<Reservation, CallError> {
        self.inventory.reserve(checkout, &wanted(order, lines)).await
    }
}

pub(crate) fn adjustments(item: Item) -> String {
    format!("{INVENTORY}/{}/adjustments", item.id)
}

pub(crate) fn lines(wanted: &[(Item, u32)]) -> Vec<ReserveLine> {
    wanted.iter().map(|(item, quantity)| ReserveLine { product: item.id, quantity: *quantity }).collect()
}

pub(crate) fn wanted(order: OrderId, wanted: &[(Item, u32)]) -> Reserve {
    Reserve { order, lines: lines(wanted) }
}

/// The refusal that a call was answered with.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, CallError>) -> Box<ErrorDetail> {
    match answer {
        Err(CallError::Refused(detail)) => detail,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn refused_with<T: std::fmt::Debug>(answer: Result<T, CallError>, code: ErrorCode) {
    assert_eq!(refused(answer).code, code);
}

/// The shortages that a call was answered with.
#[track_caller]
pub(crate) fn short<T: std::fmt::Debug>(answer: Result<T, CallError>) -> Vec<Shortage> {
    let detail = refused(answer);
    assert_eq!(detail.code, ErrorCode::InsufficientStock);
    detail.details.iter().map(|detail| Shortage::of_detail(detail).unwrap()).collect()
}
