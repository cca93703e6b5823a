//! A running reviews service, people, and a stand-in for the orders that says what was delivered.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Db, q};
use chassis::error::{ApiError, ApiResult};
use chassis::events::Outbox;
use chassis::http::{Json, created};
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::identity::Role;
use contract::ids::{OrderId, ProductId, UserId};
use contract::orders::OrderDelivered;
use contract::reviews::{Rating, Review, ReviewsClient};
use reviews::Reviews;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

pub(crate) const REVIEWS: &str = "/api/v1/reviews";

settings! {
    /// None.
    pub(crate) struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// Publishes `order.delivered` as it is told.
struct Orders;

#[derive(Debug, Serialize, Deserialize, garde::Validate)]
#[serde(transparent)]
struct Told(#[garde(skip)] OrderDelivered);

impl Service for Orders {
    const SPEC: Spec = Spec {
        name: "orders",
        about: "A stand-in for the orders",
        owns: &["orders"],
        well_known: &[],
        door: false,
        needs: &[],
        // Some tables; it uses none of them.
        database: Reviews::SPEC.database,
        events: &[EventSpec::of::<OrderDelivered>()],
        openapi: || chassis::openapi::document("Orders", "A stand-in."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, context: Context) -> anyhow::Result<Parts> {
        let state = (context.db()?, context.outbox()?);
        Ok(Parts::new(Router::new().route("/api/v1/orders", post(deliver)).with_state(state)))
    }
}

async fn deliver(
    State((db, outbox)): State<(Db, Outbox)>,
    Json(Told(event)): Json<Told>,
) -> ApiResult<impl IntoResponse> {
    let mut t = db.begin().await?;
    outbox.publish(&mut t, &event).await.map_err(ApiError::from)?;
    t.commit().await?;
    Ok(created("/api/v1/orders", ()))
}

pub(crate) struct Bench {
    pub(crate) service: TestService,
    pub(crate) issuer: Issuer,
}

/// Somebody who is logged in.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, false).await
    }

    pub(crate) async fn start_with(engine: Engine, moderate_first: bool) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Reviews>().and::<FakeAuth>().and::<Orders>().issuer(&issuer);
        let setup = setup
            .set("BOWLINE_DELIVERY__POLL_MS", "10")
            .set("BOWLINE_REVIEWS__MODERATE_FIRST", moderate_first.to_string());
        let service = setup.start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, issuer })
    }

    /// Somebody else each time.
    pub(crate) fn person(&self, roles: &[Role]) -> Person {
        let claims = self.issuer.claims(self.service.clock(), roles);
        let client = self.service.client().bearer(&self.issuer.sign(&claims));
        Person { id: claims.sub, client }
    }

    /// Somebody who was brought these products.
    pub(crate) async fn buyer(&self, products: &[ProductId]) -> Person {
        let person = self.person(&[Role::User]);
        self.deliver(person.id, products).await;
        for product in products {
            eventually(|| async { self.purchases(person.id, *product).await == 1 }).await;
        }
        person
    }

    pub(crate) fn moderator(&self) -> Person {
        self.person(&[Role::User, Role::Moderator])
    }

    /// Says that somebody was brought something.
    pub(crate) async fn deliver(&self, user: UserId, products: &[ProductId]) {
        let (order, number, products) = (OrderId::new(), "B7K3-9QMX-2".to_owned(), products.to_vec());
        let event = OrderDelivered { order, user, number, products };
        self.service.client().post("/api/v1/orders", event).await.expect(201);
    }

    pub(crate) async fn purchases(&self, user: UserId, product: ProductId) -> i64 {
        let db = self.service.db("reviews");
        let sql = "SELECT COUNT(*) FROM purchase WHERE user_id = $1 AND product_id = $2";
        q!(db.read, scalar, sql, user.uuid(), product.uuid()).unwrap()
    }

    /// Waits until a product's rating is this.
    pub(crate) async fn until_rated(&self, product: ProductId, count: u64, average: Option<&str>) {
        eventually(|| async {
            let path = format!("{REVIEWS}/ratings/{product}");
            let rating: Rating = self.service.client().get(&path).await.expect(200).data();
            let is_it = rating.count == count && rating.average.as_deref() == average;
            if is_it { Ok(()) } else { Err(rating) }
        })
        .await;
    }

    /// As another service calls.
    pub(crate) fn as_service(&self) -> ReviewsClient {
        ReviewsClient::new(self.service.assembled().shared().peer("reviews").unwrap().caller())
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }
}

impl Person {
    pub(crate) async fn try_review(&self, product: ProductId, rating: u8) -> Answer {
        let body = json!({"product": product, "rating": rating, "title": "As told", "text": "It does what it says."});
        self.client.post(REVIEWS, body).await
    }

    pub(crate) async fn review(&self, product: ProductId, rating: u8) -> Review {
        self.try_review(product, rating).await.expect(201).data()
    }
}

pub(crate) fn at(review: &Review) -> String {
    format!("{REVIEWS}/{}", review.id)
}
