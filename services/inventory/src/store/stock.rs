//! The stock of products, for who changes it.

use super::{by_engine, corrupt, hex, hexes};
use crate::domain::stock::Stock;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, DbError, Engine, Tx, q};
use contract::ids::{ProductId, UserId};
use serde::Serialize;
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whose stock somebody may see and count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// One vendor's.
    Vendor(UserId),
}

impl Scope {
    /// The vendor, as it is bound; not looked at when it is everybody's.
    pub(super) const fn vendor(self) -> Option<Uuid> {
        match self {
            Self::All => None,
            Self::Vendor(vendor) => Some(vendor.uuid()),
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    product_id: Uuid,
    vendor_id: Uuid,
    on_hand: i64,
    reserved: i64,
    reorder_level: i64,
    low_told: bool,
    seq: i64,
    removed_at: Option<Ts>,
}

impl From<Row> for Stock {
    fn from(row: Row) -> Self {
        Self {
            product: ProductId(row.product_id),
            vendor: UserId(row.vendor_id),
            on_hand: row.on_hand,
            reserved: row.reserved,
            reorder_level: row.reorder_level,
            low_told: row.low_told,
            sequence: row.seq,
            removed: row.removed_at.is_some(),
        }
    }
}

macro_rules! columns {
    () => {
        "product_id, vendor_id, on_hand, reserved, reorder_level, low_told, seq, removed_at"
    };
}

/// What a new product begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStock {
    /// The product.
    pub product: ProductId,
    /// Who sells it.
    pub vendor: UserId,
    /// Its number in the warehouse.
    pub sku: String,
    /// Its reorder level.
    pub reorder_level: u32,
    /// Its reorder quantity.
    pub reorder_quantity: u32,
}

/// Begins to count a product, of which there is nothing. That there is nothing of what is new is not told. Tells whether it
/// was new.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &NewStock, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO stock (product_id, vendor_id, sku, on_hand, reserved, reorder_level, \
        reorder_quantity, low_told, seq, created_at, updated_at) \
        VALUES ($1, $2, $3, 0, 0, $4, $5, TRUE, 0, $6, $6) ON CONFLICT (product_id) DO NOTHING";
    let NewStock { product, vendor, sku, reorder_level, reorder_quantity } = new;
    let (product, vendor) = (product.uuid(), vendor.uuid());
    let (level, quantity) = (i64::from(*reorder_level), i64::from(*reorder_quantity));
    Ok(q!(t.tx, execute, INSERT, product, vendor, sku, level, quantity, now)? == 1)
}

/// Notes that the catalog no longer has a product. Its numbers and its reservations stay.
///
/// # Errors
/// When the database fails.
pub async fn mark_removed(t: &mut Tx, product: ProductId, now: Ts) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE stock SET removed_at = $2, updated_at = $2 WHERE product_id = $1 AND removed_at IS NULL";
    q!(t.tx, execute, UPDATE, product.uuid(), now).map(|_| ())
}

/// Reads these products and keeps everybody else from changing them until the end of the transaction. One that is not known is
/// left out.
///
/// # Errors
/// When the database fails.
pub async fn hold(t: &mut Tx, products: &[ProductId]) -> Result<BTreeMap<ProductId, Stock>, DbError> {
    const SQLITE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM stock WHERE product_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY product_id"
    );
    const POSTGRES: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM stock WHERE product_id = ANY (ARRAY(SELECT CAST(id AS UUID) FROM jsonb_array_elements_text($1) AS id)) ",
        "ORDER BY product_id FOR UPDATE"
    );
    let sql = by_engine(t, SQLITE, POSTGRES);
    let ids = hexes(products);
    let rows: Vec<Row> = q!(t.tx, fetch_all, sql, Json(&ids))?;
    Ok(rows.into_iter().map(|row| (ProductId(row.product_id), row.into())).collect())
}

/// The same of one product that somebody may count and that the catalog has.
///
/// # Errors
/// When the database fails.
pub async fn hold_in_scope(t: &mut Tx, product: ProductId, scope: Scope) -> Result<Option<Stock>, DbError> {
    let lock = if t.engine() == Engine::Postgres { " FOR UPDATE" } else { "" };
    let own = if scope == Scope::All { "" } else { " AND vendor_id = $2" };
    let select = format!(
        concat!("SELECT ", columns!(), " FROM stock WHERE product_id = $1 AND removed_at IS NULL{}{}"),
        own, lock
    );
    let row: Option<Row> =
        q!(t.tx, fetch_optional, AssertSqlSafe(select.as_str()), product.uuid(), scope.vendor())?;
    Ok(row.map(Stock::from))
}

/// Sets when and how much is bought in. A level that is looked at anew is told of anew. Tells whether there is such a product.
///
/// # Errors
/// When the database fails.
pub async fn set_reorder(
    t: &mut Tx,
    product: ProductId,
    (level, quantity): (u32, u32),
    low_told: bool,
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE stock SET reorder_level = $2, reorder_quantity = $3, low_told = $4, updated_at = $5 \
        WHERE product_id = $1";
    let (level, quantity) = (i64::from(level), i64::from(quantity));
    Ok(q!(t.tx, execute, UPDATE, product.uuid(), level, quantity, low_told, now)? == 1)
}

/// The numbers of a product as they travel to the database; `b` is the number of the line that they were read with.
#[derive(Serialize)]
struct Written {
    p: String,
    o: i64,
    r: i64,
    l: i64,
    s: i64,
    b: i64,
}

/// Writes numbers in place of those that were read: of each product with the number of the last line of the ledger at that
/// time. Tells whether all of them were still the same; if not, the transaction must be undone.
///
/// # Errors
/// When the database fails.
pub async fn replace(t: &mut Tx, stocks: &[(&Stock, i64)], now: Ts) -> Result<bool, DbError> {
    const SQLITE: &str = "UPDATE stock SET on_hand = d.o, reserved = d.r, low_told = d.l, seq = d.s, updated_at = $2 \
        FROM (SELECT unhex(value ->> 'p') AS p, value ->> 'o' AS o, value ->> 'r' AS r, value ->> 'l' AS l, \
            value ->> 's' AS s, value ->> 'b' AS b FROM json_each($1)) AS d \
        WHERE stock.product_id = d.p AND stock.seq = d.b";
    // The planner takes a JSON array for a hundred rows and an array for ten: the second line lets it use the index.
    const POSTGRES: &str = "UPDATE stock SET on_hand = d.o, reserved = d.r, low_told = d.l <> 0, seq = d.s, updated_at = $2 \
        FROM jsonb_to_recordset($1) AS d(p UUID, o BIGINT, r BIGINT, l BIGINT, s BIGINT, b BIGINT) \
        WHERE stock.product_id = ANY (ARRAY(SELECT CAST(e ->> 'p' AS UUID) FROM jsonb_array_elements($1) AS e)) \
        AND stock.product_id = d.p AND stock.seq = d.b";
    let rows: Vec<Written> = stocks
        .iter()
        .map(|(stock, before)| Written {
            p: hex(stock.product.uuid()),
            o: stock.on_hand,
            r: stock.reserved,
            l: i64::from(stock.low_told),
            s: stock.sequence,
            b: *before,
        })
        .collect();
    let sql = by_engine(t, SQLITE, POSTGRES);
    let written = q!(t.tx, execute, sql, Json(&rows), now)?;
    let wanted = u64::try_from(stocks.len()).map_err(|_| corrupt("the number"))?;
    Ok(written == wanted)
}
