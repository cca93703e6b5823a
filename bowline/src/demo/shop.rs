//! The shop: who runs it and who sells in it, what it sells, and how much there is of it.

use super::goods::{self, Thing};
use crate::client::{Answer, Client};
use crate::shopping::accounts::{PASSWORD, log_in};
use crate::shopping::{bring, id};
use anyhow::{Context as _, Result, bail, ensure};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

pub(super) const ADMIN: &str = "keeper@shop.example";
const VENDOR: &str = "vendor@shop.example";
/// More than everybody together wants: what becomes of a purchase is for the seed to say, not for who is faster.
const STOCK: u32 = 5_000;
/// How long is waited for something that comes by itself, such as the stock of a product that was just made.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Something that is sold.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) name: String,
}

/// The shop.
pub(super) struct Shop {
    pub(super) door: Client,
    /// Who runs it.
    pub(super) keeper: Client,
    pub(super) products: Vec<Product>,
    /// What everybody wants and nobody gets.
    pub(super) rarity: Product,
}

impl Shop {
    /// Opens a shop with these things. Tells of each that stands on its shelf.
    pub(super) async fn open(door: &Client, things: &[Thing], told: impl Fn(&Thing)) -> Result<Self> {
        let keeper = log_in(door, ADMIN).await.context("who runs the shop cannot log in")?;
        let vendor = vendor(door, &keeper).await.context("nobody can be made a vendor")?;
        let categories = categories(&keeper).await?;
        let mut brands = BTreeMap::new();
        for maker in goods::makers() {
            let made = keeper.post("/api/v1/brands", &json!({"name": maker})).await?;
            brands.insert(*maker, id(&made)?);
        }
        let place = |thing: &Thing| {
            let of = |map: &BTreeMap<&str, String>, name: &str| map.get(name).cloned().unwrap_or_default();
            thing.body(&of(&categories, thing.category), &of(&brands, thing.maker))
        };
        let mut products = Vec::new();
        for thing in things {
            // What is put forward is for who runs the shop to say.
            let who = if thing.featured { &keeper } else { &vendor };
            products.push(Product {
                id: id(&who.post("/api/v1/products", &place(thing)).await?)?,
                name: thing.name.clone(),
            });
            told(thing);
        }
        let rarity = goods::rarity();
        let made = keeper.post("/api/v1/products", &place(&rarity)).await?;
        let rarity = Product { id: id(&made)?, name: rarity.name };
        for product in &products {
            deliver(&keeper, &product.id).await?;
        }
        Ok(Self { door: door.clone(), keeper, products, rarity })
    }
}

/// Categories by name.
async fn categories(keeper: &Client) -> Result<BTreeMap<&'static str, String>> {
    let mut made = BTreeMap::new();
    for (department, below) in goods::departments() {
        let parent = id(&keeper.post("/api/v1/categories", &json!({"name": department})).await?)?;
        for name in below {
            let body = json!({"name": name, "parent": parent});
            made.insert(name, id(&keeper.post("/api/v1/categories", &body).await?)?);
        }
    }
    Ok(made)
}

/// Somebody who sells.
async fn vendor(door: &Client, keeper: &Client) -> Result<Client> {
    let grant = door.post("/api/v1/auth/register", &json!({"email": VENDOR, "password": PASSWORD})).await?;
    let path = format!("/api/v1/users/{}", id(&grant["user"])?);
    let body = json!({"roles": ["user", "vendor"]});
    let answer = keeper.ask(Method::PATCH, &path, Some(&body), None).await?;
    ensure!(answer.status.is_success(), "{path}: {}", answer.body);
    // Rights travel in the token, so they take a new one.
    log_in(door, VENDOR).await
}

/// Goods come. Stock is counted from the event of the catalog on, which may take a moment.
async fn deliver(keeper: &Client, product: &str) -> Result<()> {
    let key = Uuid::new_v4().to_string();
    eventually("a delivery", || async {
        let answer = bring(keeper, product, STOCK, &key).await?;
        match answer.status {
            status if status.is_success() => Ok(Some(())),
            StatusCode::NOT_FOUND => Ok(None),
            _ => bail!("a delivery of {product}: {} {}", answer.status, answer.body["error"]),
        }
    })
    .await
}

/// Asks until there is an answer.
pub(super) async fn eventually<T, F>(what: &str, ask: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(there) = ask().await? {
            return Ok(there);
        }
        ensure!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        sleep(LOOK).await;
    }
}

/// A change that takes effect once, also when the platform asks to send it again.
pub(super) async fn change(who: &Client, path: &str, body: &Value) -> Result<Answer> {
    let key = Uuid::new_v4().to_string();
    eventually(path, || async {
        let answer = who.ask(Method::POST, path, Some(body), Some(&key)).await?;
        let again =
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
        let under_way = answer.code() == "REQUEST_IN_PROGRESS";
        Ok((!again.contains(&answer.status) && !under_way).then_some(answer))
    })
    .await
}
