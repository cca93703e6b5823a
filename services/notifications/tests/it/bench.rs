//! A running notifications service, stand-ins for auth and the catalog, and a bus on which the test publishes.

use axum::Router;
use axum::routing::get;
use chassis::bus::{Bus, BusConfig, Record};
use chassis::clock::Clock;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Synchronous, q};
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use chassis::service::{Context, Parts, Service, Spec};
use contract::auth::Contact;
use contract::catalog::{CardsQuery, ProductCard, ProductCards};
use contract::event::{CloudEvent, Event, topic_of};
use contract::identity::Role;
use contract::ids::{CheckoutId, OrderId, ProductId, UserId};
use contract::money::{Currency, Money};
use contract::orders::{CheckoutFlow, OrderConfirmed, OrderCreated, OrderLine};
use contract::payments::PaymentCaptured;
use notifications::Notifications;
use std::time::Duration;
use testkit::{Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};
use uuid::Uuid;

pub(crate) const NOTIFICATIONS: &str = "/api/v1/notifications";

settings! {
    /// None.
    pub(crate) struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// A catalog in which every product but those made of zeros is a lamp, and belongs to the vendor of the same id.
struct Catalog;

impl Service for Catalog {
    const SPEC: Spec = Spec {
        name: "catalog",
        about: "A stand-in for the catalog",
        owns: &["products"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("Catalog", "A stand-in."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(Router::new().route("/internal/v1/catalog/products", get(cards))))
    }
}

async fn cards(_: ServiceCaller, Query(query): Query<CardsQuery>) -> ApiResult<Reply<ProductCards>> {
    let ids = query.ids.into_iter();
    let products = ids.filter(|id| !id.uuid().is_nil()).map(|id| ProductCard {
        id,
        name: "Lamp".to_owned(),
        slug: "lamp".to_owned(),
        price: eur(1999),
        image: None,
        featured: false,
        active: true,
        vendor: UserId(id.uuid()),
    });
    Ok(reply(ProductCards { products: products.collect(), stale: false }))
}

pub(crate) fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) issuer: Issuer,
    bus: Bus,
}

/// Somebody who is logged in.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) client: Client,
}

/// A mail of the outbox.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Sent {
    pub(crate) recipient: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) body_text: String,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |setup| setup).await
    }

    pub(crate) async fn start_with(engine: Engine, more: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Notifications>().and::<FakeAuth>().and::<Catalog>().issuer(&issuer);
        let setup = setup
            .set("BOWLINE_DELIVERY__POLL_MS", "10")
            .set("BOWLINE_JOBS__POLL_MS", "20")
            .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600");
        let service = more(setup).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        let folder = service.folder().join("data");
        let bus =
            Bus::open(&BusConfig::default(), &folder, Synchronous::Normal, Clock::system()).await.unwrap();
        Some(Self { service, issuer, bus })
    }

    /// Somebody whom auth knows.
    pub(crate) fn person(&self, name: &str, roles: &[Role]) -> Person {
        let claims = self.issuer.claims(self.service.clock(), roles);
        let client = self.service.client().bearer(&self.issuer.sign(&claims));
        let (id, email) = (claims.sub, format!("{name}@example.org"));
        self.introduce(id, name, true);
        Person { id, email, client }
    }

    pub(crate) fn introduce(&self, user: UserId, name: &str, active: bool) {
        let (email, display_name) = (format!("{name}@example.org"), Some(name.to_owned()));
        self.issuer.introduce(user, Contact { email, verified: true, display_name, active });
    }

    /// Publishes an event as its service would.
    pub(crate) async fn publish<E: Event>(&self, event: &E) -> Uuid {
        let id = Uuid::now_v7();
        self.publish_as(id, event).await;
        id
    }

    /// Delivers an event of this id, also for the second time.
    pub(crate) async fn publish_as<E: Event>(&self, id: Uuid, event: &E) {
        let time = self.service.clock().now().to_datetime();
        let event_of = CloudEvent::of(event, id, "/shop", time).unwrap();
        let body = event_of.to_json().unwrap().into();
        let record = Record { topic: topic_of(E::TYPE).into(), key: event.key().into(), id, body };
        assert!(self.bus.publish(&[record]).await.iter().all(Result::is_ok));
    }

    /// The mail of the outbox to an address, oldest first.
    pub(crate) async fn mail_to(&self, address: &str) -> Vec<Sent> {
        let db = self.service.db("notifications");
        let sql =
            "SELECT recipient, kind, subject, body_text FROM mail_outbox WHERE recipient = $1 ORDER BY id";
        q!(db.read, fetch_all, sql, address).unwrap()
    }

    /// Waits until there are so many mails to an address, and gives them.
    pub(crate) async fn until_mailed(&self, address: &str, count: usize) -> Vec<Sent> {
        eventually(|| async {
            let mail = self.mail_to(address).await;
            if mail.len() == count { Ok(mail) } else { Err(mail) }
        })
        .await
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let db = self.service.db("notifications");
        q!(db.read, scalar, sql).unwrap()
    }

    /// Waits until this counts so many.
    pub(crate) async fn until_counted(&self, sql: &'static str, wanted: i64) {
        eventually(|| async {
            let count = self.count(sql).await;
            if count == wanted { Ok(()) } else { Err(count) }
        })
        .await;
    }

    /// Waits until this many events were handled and every queued job is done.
    pub(crate) async fn until_quiet(&self, handled: i64) {
        self.until_counted("SELECT COUNT(*) FROM inbox WHERE status = 'done'", handled).await;
        let open = "SELECT COUNT(*) FROM job WHERE every_micros IS NULL AND status IN ('waiting', 'running')";
        self.until_counted(open, 0).await;
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }

    pub(crate) async fn holds(&self) {
        for finding in self.service.assembled().books().audit().await {
            assert!(finding.holds(), "{finding:?}");
        }
    }
}

pub(crate) fn created(order: OrderId, user: UserId) -> OrderCreated {
    OrderCreated {
        order,
        user,
        number: Some("B7K3-9QMX-2".to_owned()),
        checkout: Some(CheckoutId::new()),
        flow: CheckoutFlow::Orchestration,
        lines: Vec::new(),
        total: eur(4500),
        method: None,
    }
}

pub(crate) fn captured(order: OrderId) -> PaymentCaptured {
    PaymentCaptured { order, checkout: CheckoutId::new(), amount: eur(4500), answered: false }
}

pub(crate) fn confirmed(user: UserId) -> OrderConfirmed {
    let line = OrderLine {
        product: ProductId::new(),
        sku: "LAMP-1".to_owned(),
        name: "Lamp".to_owned(),
        unit_price: eur(1999),
        price_version: 1,
        quantity: 2,
        subtotal: eur(3998),
        category: None,
        image: None,
    };
    OrderConfirmed {
        order: OrderId::new(),
        user,
        number: "B7K3-9QMX-2".to_owned(),
        checkout: CheckoutId::new(),
        flow: CheckoutFlow::Orchestration,
        lines: vec![line],
        total: eur(4500),
    }
}
