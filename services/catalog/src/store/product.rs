//! Products, one at a time or those of a list of identifiers.

use super::{in_list, list, money};
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, Tx, q};
use contract::catalog::{Attribute, Image, Product, Quoted};
use contract::ids::{BrandId, CategoryId, ProductId, UserId};
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    slug: String,
    sku: String,
    vendor_id: Uuid,
    category_id: Option<Uuid>,
    brand_id: Option<Uuid>,
    name: String,
    description: String,
    pub(super) price_amount: i64,
    price_currency: String,
    price_version: i64,
    active: bool,
    featured: bool,
    images: Json<Vec<Image>>,
    attributes: Json<Vec<Attribute>>,
    version: i64,
    pub(super) created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for Product {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: ProductId(row.id),
            slug: row.slug,
            sku: row.sku,
            name: row.name,
            description: row.description,
            price: money(row.price_amount, &row.price_currency)?,
            price_version: row.price_version,
            active: row.active,
            featured: row.featured,
            vendor: UserId(row.vendor_id),
            category: row.category_id.map(CategoryId),
            brand: row.brand_id.map(BrandId),
            images: row.images.0,
            attributes: row.attributes.0,
            version: row.version,
            created_at: row.created_at.to_datetime(),
            updated_at: row.updated_at.to_datetime(),
        })
    }
}

macro_rules! columns {
    () => {
        "p.id, p.slug, p.sku, p.vendor_id, p.category_id, p.brand_id, p.name, p.description, p.price_amount, \
         p.price_currency, p.price_version, p.active, p.featured, p.images, p.attributes, p.version, p.created_at, \
         p.updated_at"
    };
}

pub(super) use columns;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", columns!(), " FROM product p ", $rest)
    };
}

/// Adds a product. `false` when its slug or its number is taken.
///
/// # Errors
/// When the database fails; see [`is_reference`](super::is_reference).
pub async fn insert(tx: &mut Tx, product: &Product, words: &(String, String)) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO product (id, slug, sku, vendor_id, category_id, brand_id, name, description, \
        name_words, rest_words, price_amount, price_currency, price_version, active, featured, images, attributes, version, \
        created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
        ON CONFLICT DO NOTHING";
    let (images, attributes) = (Json(&product.images), Json(&product.attributes));
    let inserted = q!(
        tx.tx,
        execute,
        INSERT,
        product.id.uuid(),
        &product.slug,
        &product.sku,
        product.vendor.uuid(),
        product.category.map(CategoryId::uuid),
        product.brand.map(BrandId::uuid),
        &product.name,
        &product.description,
        &words.0,
        &words.1,
        product.price.amount,
        product.price.currency.code(),
        product.price_version,
        product.active,
        product.featured,
        &images,
        &attributes,
        product.version,
        Ts::from_datetime(product.created_at),
        Ts::from_datetime(product.updated_at)
    )?;
    Ok(inserted == 1)
}

/// Writes what a product has become, if it is still of the version before that. `false` when it is not.
///
/// # Errors
/// When the database fails; see [`is_reference`](super::is_reference).
pub async fn update(tx: &mut Tx, product: &Product, words: &(String, String)) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE product SET slug = $2, sku = $3, category_id = $4, brand_id = $5, name = $6, \
        description = $7, name_words = $8, rest_words = $9, price_amount = $10, price_currency = $11, price_version = $12, \
        active = $13, featured = $14, images = $15, attributes = $16, version = $17, updated_at = $18 \
        WHERE id = $1 AND version = $17 - 1";
    let (images, attributes) = (Json(&product.images), Json(&product.attributes));
    let updated = q!(
        tx.tx,
        execute,
        UPDATE,
        product.id.uuid(),
        &product.slug,
        &product.sku,
        product.category.map(CategoryId::uuid),
        product.brand.map(BrandId::uuid),
        &product.name,
        &product.description,
        &words.0,
        &words.1,
        product.price.amount,
        product.price.currency.code(),
        product.price_version,
        product.active,
        product.featured,
        &images,
        &attributes,
        product.version,
        Ts::from_datetime(product.updated_at)
    )?;
    Ok(updated == 1)
}

/// Which of a product's names another product has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The number in the warehouse.
    Sku,
    /// The slug.
    Slug,
}

/// Which name of this product another one has, as this transaction sees it; the number first.
///
/// # Errors
/// When the database fails.
pub async fn taken(tx: &mut Tx, product: &Product) -> Result<Option<Taken>, DbError> {
    const SELECT: &str = "SELECT CAST(COUNT(CASE WHEN sku = $2 THEN 1 END) AS BIGINT), \
        CAST(COUNT(CASE WHEN slug = $3 THEN 1 END) AS BIGINT) \
        FROM product WHERE id <> $1 AND (sku = $2 OR slug = $3)";
    let (sku, slug): (i64, i64) =
        q!(tx.tx, fetch_one, SELECT, product.id.uuid(), &product.sku, &product.slug)?;
    Ok(match (sku, slug) {
        (0, 0) => None,
        (0, _) => Some(Taken::Slug),
        _ => Some(Taken::Sku),
    })
}

/// Removes a product with its prices. `false` when there is none.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, id: ProductId) -> Result<bool, DbError> {
    Ok(q!(tx.tx, execute, "DELETE FROM product WHERE id = $1", id.uuid())? == 1)
}

/// Holds a product until the transaction ends, and reads it; one of this vendor, when one is named.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, id: ProductId, vendor: Option<UserId>) -> Result<Option<Product>, DbError> {
    const LOCK: &str =
        "UPDATE product SET version = version WHERE id = $1 AND ($2 IS NULL OR vendor_id = $2)";
    if q!(tx.tx, execute, LOCK, id.uuid(), vendor.map(UserId::uuid))? == 0 {
        return Ok(None);
    }
    let row: Option<Row> = q!(tx.tx, fetch_optional, select!("WHERE p.id = $1"), id.uuid())?;
    row.map(Product::try_from).transpose()
}

/// A product.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: ProductId) -> Result<Option<Product>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, select!("WHERE p.id = $1"), id.uuid())?;
    row.map(Product::try_from).transpose()
}

/// The product of a slug.
///
/// # Errors
/// When the database fails.
pub async fn find_by_slug(db: &Db, slug: &str) -> Result<Option<ProductId>, DbError> {
    let found: Option<(Uuid,)> = q!(db.read, fetch_optional, "SELECT id FROM product WHERE slug = $1", slug)?;
    Ok(found.map(|(id,)| ProductId(id)))
}

/// Whether this vendor sells this product.
///
/// # Errors
/// When the database fails.
pub async fn is_of_vendor(db: &Db, id: ProductId, vendor: UserId) -> Result<bool, DbError> {
    const COUNT: &str = "SELECT COUNT(*) FROM product WHERE id = $1 AND vendor_id = $2";
    let count: i64 = q!(db.read, scalar, COUNT, id.uuid(), vendor.uuid())?;
    Ok(count == 1)
}

#[derive(sqlx::FromRow)]
struct QuotedRow {
    id: Uuid,
    sku: String,
    name: String,
    price_amount: i64,
    price_currency: String,
    price_version: i64,
    active: bool,
    category_id: Option<Uuid>,
    images: Json<Vec<Image>>,
}

impl TryFrom<QuotedRow> for Quoted {
    type Error = DbError;

    fn try_from(row: QuotedRow) -> Result<Self, DbError> {
        Ok(Self {
            product: ProductId(row.id),
            sku: row.sku,
            name: row.name,
            price: money(row.price_amount, &row.price_currency)?,
            price_version: row.price_version,
            active: row.active,
            category: row.category_id.map(CategoryId),
            image: row.images.0.into_iter().next().map(|image| image.url),
        })
    }
}

/// Those of these products that exist, as they are sold at this moment.
///
/// # Errors
/// When the database fails.
pub async fn quote(db: &Db, ids: &[ProductId]) -> Result<Vec<Quoted>, DbError> {
    let select = format!(
        "SELECT id, sku, name, price_amount, price_currency, price_version, active, category_id, images \
         FROM product WHERE id {}",
        in_list(db.engine())
    );
    let ids = list(ids.iter().map(|id| id.uuid()));
    let rows: Vec<QuotedRow> = q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), &ids)?;
    rows.into_iter().map(Quoted::try_from).collect()
}

/// Holds the products of a brand until the transaction ends, and gives a part of them: those behind `after`, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn lock_of_brand(
    tx: &mut Tx,
    brand: BrandId,
    after: Option<ProductId>,
    limit: u32,
) -> Result<Vec<Product>, DbError> {
    let lock = match tx.engine() {
        Engine::Sqlite => "",
        Engine::Postgres => "FOR UPDATE",
    };
    let select = format!(
        "SELECT {} FROM product p WHERE p.brand_id = $1 AND p.id > $2 ORDER BY p.id LIMIT $3 {lock}",
        columns!()
    );
    let after = after.map_or(Uuid::nil(), ProductId::uuid);
    let rows: Vec<Row> =
        q!(tx.tx, fetch_all, AssertSqlSafe(select.as_str()), brand.uuid(), after, i64::from(limit))?;
    rows.into_iter().map(Product::try_from).collect()
}

/// Writes what a product is found by, besides its name. That is no change of the product.
///
/// # Errors
/// When the database fails.
pub async fn set_rest_words(tx: &mut Tx, id: ProductId, words: &str) -> Result<(), DbError> {
    q!(tx.tx, execute, "UPDATE product SET rest_words = $2 WHERE id = $1", id.uuid(), words)?;
    Ok(())
}

/// The product of a number in the warehouse.
///
/// # Errors
/// When the database fails.
pub async fn find_by_sku(db: &Db, sku: &str) -> Result<Option<Product>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, select!("WHERE p.sku = $1"), sku)?;
    row.map(Product::try_from).transpose()
}
