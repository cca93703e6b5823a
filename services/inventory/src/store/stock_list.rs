//! The stock of products, for who reads it.

use super::count;
use super::stock::Scope;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, Tx, q};
use chassis::http::Page;
use contract::ids::{ProductId, UserId};
use contract::inventory::{ListStock, StockItem};
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    product_id: Uuid,
    vendor_id: Uuid,
    sku: String,
    on_hand: i64,
    reserved: i64,
    reorder_level: i64,
    reorder_quantity: i64,
    updated_at: Ts,
}

impl TryFrom<Row> for StockItem {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let available = count(row.on_hand - row.reserved, "what can be had")?;
        let reorder_level = count(row.reorder_level, "the reorder level")?;
        Ok(Self {
            product: ProductId(row.product_id),
            sku: row.sku,
            vendor: UserId(row.vendor_id),
            on_hand: count(row.on_hand, "the number on hand")?,
            reserved: count(row.reserved, "the number reserved")?,
            available,
            reorder_level,
            reorder_quantity: count(row.reorder_quantity, "the reorder quantity")?,
            low: available < reorder_level,
            updated_at: row.updated_at.to_datetime(),
        })
    }
}

macro_rules! columns {
    () => {
        "product_id, vendor_id, sku, on_hand, reserved, reorder_level, reorder_quantity, updated_at"
    };
}

const SELECT_ONE: &str =
    concat!("SELECT ", columns!(), " FROM stock WHERE product_id = $1 AND removed_at IS NULL");

/// A product that the catalog has.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, product: ProductId) -> Result<Option<StockItem>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT_ONE, product.uuid())?;
    row.map(StockItem::try_from).transpose()
}

/// The same as a transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, product: ProductId) -> Result<Option<StockItem>, DbError> {
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT_ONE, product.uuid())?;
    row.map(StockItem::try_from).transpose()
}

/// Those of these products that the catalog has.
///
/// # Errors
/// When the database fails.
pub async fn find_many(db: &Db, products: &[ProductId]) -> Result<Vec<StockItem>, DbError> {
    const SQLITE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM stock WHERE product_id IN (SELECT unhex(value) FROM json_each($1)) AND removed_at IS NULL ",
        "ORDER BY product_id"
    );
    const POSTGRES: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM stock WHERE product_id = ANY (ARRAY(SELECT CAST(id AS UUID) FROM jsonb_array_elements_text($1) AS id)) ",
        "AND removed_at IS NULL ORDER BY product_id"
    );
    let sql = match db.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    let ids = super::hexes(products);
    let rows: Vec<Row> = q!(db.read, fetch_all, sql, Json(&ids))?;
    rows.into_iter().map(StockItem::try_from).collect()
}

/// The condition of the filters that are set; a parameter that none of them uses is bound and left alone.
fn condition(filter: &ListStock, scope: Scope) -> String {
    let mut all = vec!["removed_at IS NULL"];
    match filter.low_stock {
        Some(true) => all.push("on_hand - reserved < reorder_level"),
        Some(false) => all.push("on_hand - reserved >= reorder_level"),
        None => {}
    }
    if filter.vendor.is_some() {
        all.push("vendor_id = $1");
    }
    if scope != Scope::All {
        all.push("vendor_id = $2");
    }
    all.join(" AND ")
}

/// A page of the products that the filter lets through, by their numbers in the warehouse, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &ListStock,
    scope: Scope,
    page: Page,
) -> Result<(Vec<StockItem>, u64), DbError> {
    let condition = condition(filter, scope);
    let select = format!(
        concat!("SELECT ", columns!(), " FROM stock WHERE {} ORDER BY sku, product_id LIMIT $3 OFFSET $4"),
        condition
    );
    let count = format!("SELECT COUNT(*) FROM stock WHERE {condition}");
    let (vendor, own) = (filter.vendor.map(UserId::uuid), scope.vendor());
    let (limit, offset) = (i64::from(page.limit), page.offset());
    let rows: Vec<Row> = q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), vendor, own, limit, offset)?;
    let total: i64 = q!(db.read, scalar, AssertSqlSafe(count.as_str()), vendor, own)?;
    let items = rows.into_iter().map(StockItem::try_from).collect::<Result<_, _>>()?;
    Ok((items, u64::try_from(total).unwrap_or_default()))
}
