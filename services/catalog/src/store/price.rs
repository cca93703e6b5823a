//! Every version of every price.

use super::money;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::catalog::{PriceVersion, Product};
use contract::ids::{ProductId, UserId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    version: i64,
    amount: i64,
    currency: String,
    valid_from: Ts,
    set_by: Uuid,
}

impl TryFrom<Row> for PriceVersion {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            version: row.version,
            price: money(row.amount, &row.currency)?,
            from: row.valid_from.to_datetime(),
            by: UserId(row.set_by),
        })
    }
}

/// Adds the price that a product has now.
///
/// # Errors
/// When the database fails.
pub async fn insert_present(tx: &mut Tx, product: &Product, by: UserId, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO product_price (product_id, version, amount, currency, valid_from, set_by) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let (id, price) = (product.id.uuid(), product.price);
    let version = product.price_version;
    q!(tx.tx, execute, INSERT, id, version, price.amount, price.currency.code(), now, by.uuid())?;
    Ok(())
}

/// The prices that a product had before a version, the newest first, at most `limit`; without a version from the present one
/// on.
///
/// # Errors
/// When the database fails.
pub async fn list_before(
    db: &Db,
    product: ProductId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<PriceVersion>, DbError> {
    const SELECT: &str = "SELECT version, amount, currency, valid_from, set_by FROM product_price \
        WHERE product_id = $1 AND version < $2 ORDER BY version DESC LIMIT $3";
    let before = before.unwrap_or(i64::MAX);
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, product.uuid(), before, i64::from(limit))?;
    rows.into_iter().map(PriceVersion::try_from).collect()
}

/// How many products there are, and those whose price is not the newest of its versions, or whose versions have gaps.
///
/// # Errors
/// When the database fails.
pub async fn differing(db: &Db) -> Result<(u64, Vec<(ProductId, String)>), DbError> {
    const SELECT: &str = "SELECT p.id, p.price_version, \
        (SELECT COUNT(*) FROM product_price v WHERE v.product_id = p.id) AS kept, \
        EXISTS (SELECT 1 FROM product_price v WHERE v.product_id = p.id AND v.version = p.price_version \
        AND v.amount = p.price_amount AND v.currency = p.price_currency) AS newest FROM product p";
    #[derive(sqlx::FromRow)]
    struct Kept {
        id: Uuid,
        price_version: i64,
        kept: i64,
        newest: bool,
    }
    let rows: Vec<Kept> = q!(db.read, fetch_all, SELECT)?;
    let all = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let wrong = rows.into_iter().filter(|row| !row.newest || row.kept != row.price_version);
    let told = |row: Kept| {
        let newest = if row.newest { "it is" } else { "it is not" };
        let found =
            format!("version {} of the price, {} are kept, {newest} the newest", row.price_version, row.kept);
        (ProductId(row.id), found)
    };
    Ok((all, wrong.map(told).collect()))
}
