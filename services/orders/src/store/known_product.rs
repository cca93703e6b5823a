//! What the catalog last said of products, for when it gives no answer. Nothing is ever sold from it.

use super::corrupt;
use crate::domain::cart::Known;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{CartId, ProductId};
use contract::money::{Currency, Money};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    product_id: Uuid,
    name: String,
    image: Option<String>,
    price_amount: i64,
    price_currency: String,
    price_version: i64,
}

impl TryFrom<Row> for (ProductId, Known) {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let currency = Currency::parse(&row.price_currency).ok_or_else(|| corrupt("a currency"))?;
        let price = Money::new(row.price_amount, currency);
        let Row { product_id, name, image, price_version, .. } = row;
        Ok((ProductId(product_id), Known { name, image, price, price_version }))
    }
}

const OF_CART: &str = "SELECT k.product_id, k.name, k.image, k.price_amount, k.price_currency, k.price_version \
    FROM cart_line l JOIN known_product k ON k.product_id = l.product_id WHERE l.cart_id = $1";

/// What is known of the products in a cart.
///
/// # Errors
/// When the database fails.
pub async fn list_of_cart(db: &Db, cart: CartId) -> Result<HashMap<ProductId, Known>, DbError> {
    let rows: Vec<Row> = q!(db.read, fetch_all, OF_CART, cart.uuid())?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// What is known of the products in a cart that this transaction has locked.
///
/// # Errors
/// When the database fails.
pub async fn list_of_locked_cart(tx: &mut Tx, cart: CartId) -> Result<HashMap<ProductId, Known>, DbError> {
    let rows: Vec<Row> = q!(tx.tx, fetch_all, OF_CART, cart.uuid())?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

const UPSERT: &str = "INSERT INTO known_product \
    (product_id, name, image, price_amount, price_currency, price_version, seen_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, \
    image = excluded.image, price_amount = excluded.price_amount, price_currency = excluded.price_currency, \
    price_version = excluded.price_version, seen_at = excluded.seen_at \
    WHERE known_product.price_version <= excluded.price_version";

/// Keeps what the catalog has said, unless something newer is known.
///
/// # Errors
/// When the database fails.
pub async fn remember(db: &Db, product: ProductId, known: &Known, now: Ts) -> Result<(), DbError> {
    let Known { name, image, price, price_version } = known;
    let (product, currency) = (product.uuid(), price.currency.code());
    q!(db.write, execute, UPSERT, product, name, image, price.amount, currency, *price_version, now)?;
    Ok(())
}

/// The same in a transaction.
///
/// # Errors
/// When the database fails.
pub async fn remember_in(tx: &mut Tx, product: ProductId, known: &Known, now: Ts) -> Result<(), DbError> {
    let Known { name, image, price, price_version } = known;
    let (product, currency) = (product.uuid(), price.currency.code());
    q!(tx.tx, execute, UPSERT, product, name, image, price.amount, currency, *price_version, now)?;
    Ok(())
}
