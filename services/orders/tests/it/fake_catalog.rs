//! A stand-in for the catalog: it quotes what a test has put on its shelf, and falls silent when it is told to.

use axum::Router;
use axum::routing::post;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Reply, reply};
use chassis::identity::ServiceCaller;
use chassis::service::{Context, Parts, Service, Spec};
use contract::catalog::{Quote, QuoteRequest, Quoted};
use contract::ids::ProductId;
use contract::money::{Currency, Money};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The shelves of this process, by the name under which the service finds its own.
static SHELVES: Mutex<Option<HashMap<String, Shelf>>> = Mutex::new(None);

settings! {
    /// The stand-in for the catalog.
    pub(crate) struct FakeCatalogConfig {
        /// The name of the shelf that it stands on.
        shelf: String = String::new();
    }
}

impl Validate for FakeCatalogConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// Quotes what is on a [`Shelf`], under the name `catalog`.
#[derive(Debug)]
pub(crate) struct FakeCatalog;

impl Service for FakeCatalog {
    const SPEC: Spec = Spec {
        name: "catalog",
        about: "A stand-in for the catalog",
        owns: &["products"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("A stand-in", "Quotes what a test has put on its shelf."),
    };

    type Config = FakeCatalogConfig;

    async fn build(config: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let shelf = lock(&SHELVES).get_or_insert_default().get(&config.shelf).cloned();
        let shelf = shelf.ok_or_else(|| anyhow::anyhow!("no such shelf"))?;
        let quote = move |_: ServiceCaller, Json(request): Json<QuoteRequest>| {
            let answer = shelf.quote(&request);
            std::future::ready(answer)
        };
        Ok(Parts::new(Router::new().route("/internal/v1/catalog/quote", post(quote))))
    }
}

/// What there is to buy. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Shelf(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    products: Mutex<HashMap<ProductId, Quoted>>,
    away: AtomicBool,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        let name = Uuid::now_v7().to_string();
        let (products, away) = (Mutex::default(), AtomicBool::new(false));
        let shelf = Self(Arc::new(Inner { name: name.clone(), products, away }));
        lock(&SHELVES).get_or_insert_default().insert(name, shelf.clone());
        shelf
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Puts a product on the shelf that costs so many cents.
    pub(crate) fn put(&self, name: &str, cents: i64) -> ProductId {
        let product = ProductId::new();
        let quoted = Quoted {
            product,
            sku: format!("SKU-{name}"),
            name: name.to_owned(),
            price: Money::new(cents, Currency::EUR),
            price_version: 1,
            active: true,
            category: None,
            image: Some(format!("/{name}.jpg")),
        };
        lock(&self.0.products).insert(product, quoted);
        product
    }

    /// It costs so many cents from now on.
    pub(crate) fn reprice(&self, product: ProductId, cents: i64) {
        self.change(product, |quoted| {
            quoted.price.amount = cents;
            quoted.price_version += 1;
        });
    }

    /// Changes what is quoted.
    pub(crate) fn change(&self, product: ProductId, change: impl FnOnce(&mut Quoted)) {
        change(lock(&self.0.products).get_mut(&product).unwrap());
    }

    /// It is gone.
    pub(crate) fn take_away(&self, product: ProductId) {
        lock(&self.0.products).remove(&product);
    }

    /// Whether the catalog gives no answer.
    pub(crate) fn is_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    fn quote(&self, request: &QuoteRequest) -> ApiResult<Reply<Quote>> {
        if self.0.away.load(Ordering::SeqCst) {
            let cause = anyhow::anyhow!("told to be away");
            return Err(ApiError::unavailable(cause, Duration::from_secs(1)));
        }
        let products = lock(&self.0.products);
        let found = request.products.iter().filter_map(|product| products.get(product)).cloned();
        Ok(reply(Quote { products: found.collect() }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
