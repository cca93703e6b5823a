//! A running catalog, and people who use it.

use catalog::Catalog;
use chassis::service::Service;
use contract::catalog::{CatalogClient, Product};
use contract::identity::Role;
use contract::ids::UserId;
use serde_json::{Value, json};
use testkit::{Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

pub(crate) const PRODUCTS: &str = "/api/v1/products";

pub(crate) struct Bench {
    pub(crate) service: TestService,
    issuer: Issuer,
}

/// Somebody with an access token.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) client: Client,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(Setup::of::<Catalog>(), engine).await
    }

    pub(crate) async fn start_with(setup: Setup, engine: Engine) -> Option<Self> {
        let issuer = Issuer::new();
        let service = setup.and::<FakeAuth>().issuer(&issuer).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, issuer })
    }

    /// Somebody who has this role; somebody else each time.
    pub(crate) fn person(&self, role: Role) -> Person {
        let claims = self.issuer.claims(self.service.clock(), &[Role::User, role]);
        Person { id: claims.sub, client: self.service.client().bearer(&self.issuer.sign(&claims)) }
    }

    pub(crate) fn vendor(&self) -> Person {
        self.person(Role::Vendor)
    }

    pub(crate) fn admin(&self) -> Person {
        self.person(Role::Admin)
    }

    pub(crate) fn nobody(&self) -> Client {
        self.service.client()
    }

    /// How many rows there are.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let db = self.service.db(Catalog::SPEC.name);
        chassis::db::q!(db.read, scalar, sql).unwrap()
    }

    /// The catalog as another service speaks to it.
    pub(crate) fn peer(&self) -> CatalogClient {
        CatalogClient::new(self.service.assembled().shared().peer(Catalog::SPEC.name).unwrap().caller())
    }
}

/// A product that costs so many cents.
pub(crate) fn product(sku: &str, name: &str, cents: i64) -> Value {
    json!({"sku": sku, "name": name, "price": {"amount": cents, "currency": "EUR"}})
}

/// The same with further fields.
pub(crate) fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

impl Person {
    pub(crate) async fn make(&self, body: Value) -> Product {
        self.client.post(PRODUCTS, body).await.expect(201).data()
    }
}

pub(crate) fn at(product: &Product) -> String {
    format!("{PRODUCTS}/{}", product.id)
}
