//! A running service over a shelf of products, and people who look at it.

use crate::absent::{NoInventory, NoPayments};
use crate::fake_catalog::{FakeCatalog, Shelf};
use chassis::db::Db;
use contract::auth::Token;
use contract::identity::{Claims, Role};
use contract::ids::{ProductId, UserId};
use contract::orders::{Cart, CartLine, GuestCart};
use http::Method;
use orders::Orders;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};

pub(crate) const CART: &str = "/api/v1/cart";
pub(crate) const ITEMS: &str = "/api/v1/cart/items";

pub(crate) struct Shop {
    pub(crate) service: TestService,
    pub(crate) issuer: Issuer,
    pub(crate) shelf: Shelf,
}

impl Shop {
    pub(crate) async fn open(engine: Engine) -> Option<Self> {
        Self::open_with(engine, |setup| setup).await
    }

    /// Nobody else is there: what is shown of carts and lists needs the catalog only.
    pub(crate) async fn open_with(engine: Engine, change: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let (issuer, shelf) = (Issuer::new(), Shelf::new());
        let setup = Setup::of::<Orders>()
            .and::<FakeAuth>()
            .and::<FakeCatalog>()
            .and::<NoInventory>()
            .and::<NoPayments>()
            .issuer(&issuer)
            .set("BOWLINE_CATALOG__SHELF", shelf.name())
            .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600");
        let service = change(setup).start(engine).await?;
        let verifier = service.assembled().shared().verifier().clone();
        eventually(|| std::future::ready(verifier.check())).await;
        Some(Self { service, issuer, shelf })
    }

    pub(crate) fn db(&self) -> &Db {
        self.service.db("orders")
    }

    /// Somebody who is logged in; somebody else each time.
    pub(crate) fn person(&self) -> Person {
        Person::of(self, self.issuer.claims(self.service.clock(), &[Role::User]))
    }

    pub(crate) fn administrator(&self) -> Person {
        Person::of(self, self.issuer.claims(self.service.clock(), &[Role::User, Role::Admin]))
    }

    /// The same person with a new token.
    pub(crate) fn again(&self, user: UserId) -> Person {
        let claims = self.issuer.claims(self.service.clock(), &[Role::User]);
        Person::of(self, Claims { sub: user, ..claims })
    }

    pub(crate) async fn guest(&self) -> Guest {
        let made = self.service.client().post(CART, json!({})).await.expect(201);
        let made: GuestCart = made.data();
        Guest { client: self.service.client(), token: made.cart_token }
    }

    /// Lets time pass. After days the service has to hear of auth again, which has something to say then.
    pub(crate) async fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
        if secs > 60 {
            self.issuer.rotate();
            let verifier = self.service.assembled().shared().verifier();
            eventually(|| std::future::ready(verifier.check())).await;
        }
    }
}

pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) token: String,
    pub(crate) claims: Claims,
    pub(crate) client: Client,
}

impl Person {
    pub(crate) fn of(shop: &Shop, claims: Claims) -> Self {
        let token = shop.issuer.sign(&claims);
        Self { id: claims.sub, client: shop.service.client().bearer(&token), token, claims }
    }

    pub(crate) async fn add(&self, product: ProductId, quantity: u32) -> Cart {
        let body = json!({"productId": product, "quantity": quantity});
        self.client.post(ITEMS, body).await.expect(200).data()
    }

    pub(crate) async fn cart(&self) -> Cart {
        self.client.get(CART).await.expect(200).data()
    }
}

pub(crate) struct Guest {
    pub(crate) client: Client,
    pub(crate) token: Token,
}

impl Guest {
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        with_cart(&self.client, method, path, self.token.expose(), body).await
    }

    pub(crate) async fn add(&self, product: ProductId, quantity: u32) -> Cart {
        let body = json!({"productId": product, "quantity": quantity});
        self.ask(Method::POST, ITEMS, body).await.expect(200).data()
    }

    pub(crate) async fn cart(&self) -> Cart {
        self.ask(Method::GET, CART, Value::Null).await.expect(200).data()
    }
}

/// A request with a cart's token.
pub(crate) async fn with_cart(
    client: &Client,
    method: Method,
    path: &str,
    token: &str,
    body: Value,
) -> Answer {
    let ask = client.request(method, path).header("x-cart-token", token);
    let ask = if body.is_null() { ask } else { ask.json(body) };
    ask.send().await
}

/// What there is in a cart, product by product.
pub(crate) fn held(cart: &Cart) -> Vec<(ProductId, u32)> {
    cart.items.iter().map(|item| (item.product_id, item.quantity)).collect()
}

pub(crate) fn only(cart: &Cart) -> &CartLine {
    assert_eq!(cart.items.len(), 1, "{cart:?}");
    cart.items.first().unwrap()
}
