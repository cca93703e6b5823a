//! The shop that is bought empty: who runs it, what it sells, and how much of it there is.

use super::stage::Stage;
use crate::client::Client;
use crate::shopping::accounts::{PASSWORD, log_in};
use crate::shopping::{bring, id};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

const ADMIN: &str = "keeper@shop.test";
/// How much there is of a product at first: far less than is wanted.
const STOCK: u32 = 40;

/// The shop.
pub(super) struct Shop {
    /// Who runs it.
    pub(super) keeper: Client,
    /// What it sells.
    pub(super) products: Vec<Product>,
    /// How many of each were brought.
    brought: Vec<AtomicU64>,
}

/// Something that is sold.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) price: i64,
}

impl Shop {
    /// Opens a shop with so many products.
    pub(super) async fn open(stage: &Stage, products: usize) -> Result<Self> {
        stage.command("auth", &["admin", "create", "--email", ADMIN], PASSWORD).await?;
        let door = stage.door();
        let keeper = log_in(&door, ADMIN).await.context("the keeper cannot log in")?;
        let mut shop = Self { keeper, products: Vec::new(), brought: Vec::new() };
        for number in 0..products {
            let price = 500 + 137 * i64::try_from(number)?;
            let product = json!({
                "name": format!("Scarce thing {number}"),
                "slug": format!("scarce-thing-{number}"),
                "sku": format!("SCARCE-{number:03}"),
                "price": {"amount": price, "currency": "EUR"},
                "description": "There is never enough of it.",
            });
            let id = id(&shop.keeper.post("/api/v1/products", &product).await?)?;
            shop.products.push(Product { id, price });
            shop.brought.push(AtomicU64::new(0));
        }
        for place in 0..products {
            shop.deliver(place, STOCK).await?;
        }
        Ok(shop)
    }

    /// How many of each product were brought until now.
    pub(super) fn delivered(&self) -> Vec<u64> {
        self.brought.iter().map(|brought| brought.load(Ordering::Relaxed)).collect()
    }

    /// Brings more of a product. The stock of a new product is counted from the catalog's event on, so it may take a moment.
    pub(super) async fn deliver(&self, place: usize, quantity: u32) -> Result<()> {
        let product = &self.products[place].id;
        let key = Uuid::new_v4().to_string();
        super::patience(|| async {
            let answer = bring(&self.keeper, product, quantity, &key).await?;
            let (status, body) = (answer.status, &answer.body["error"]);
            ensure!(status.is_success(), "a delivery of {product}: {status} {body}");
            Ok(())
        })
        .await?;
        self.brought[place].fetch_add(u64::from(quantity), Ordering::Relaxed);
        Ok(())
    }
}
