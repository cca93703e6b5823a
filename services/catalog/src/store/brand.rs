//! Brands.

use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, Tx, q};
use chassis::http::Page;
use chassis::words::fold;
use contract::catalog::Brand;
use contract::ids::BrandId;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    slug: String,
    name: String,
    version: i64,
    created_at: Ts,
    updated_at: Ts,
}

impl From<Row> for Brand {
    fn from(row: Row) -> Self {
        Self {
            id: BrandId(row.id),
            slug: row.slug,
            name: row.name,
            version: row.version,
            created_at: row.created_at.to_datetime(),
            updated_at: row.updated_at.to_datetime(),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, slug, name, version, created_at, updated_at FROM brand ", $rest)
    };
}

/// Adds a brand. `false` when its slug is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, brand: &Brand) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO brand (id, slug, name, name_words, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING";
    let (id, words) = (brand.id.uuid(), fold(&brand.name));
    let now = Ts::from_datetime(brand.created_at);
    Ok(q!(tx.tx, execute, INSERT, id, &brand.slug, &brand.name, &words, brand.version, now)? == 1)
}

/// Writes what a brand has become. The caller holds it.
///
/// # Errors
/// When the database fails, also for a slug that was taken at the same moment.
pub async fn update(tx: &mut Tx, brand: &Brand) -> Result<(), DbError> {
    const UPDATE: &str =
        "UPDATE brand SET slug = $2, name = $3, name_words = $4, version = $5, updated_at = $6 WHERE id = $1";
    let (id, words) = (brand.id.uuid(), fold(&brand.name));
    let now = Ts::from_datetime(brand.updated_at);
    q!(tx.tx, execute, UPDATE, id, &brand.slug, &brand.name, &words, brand.version, now)?;
    Ok(())
}

/// Whether another brand has this slug.
///
/// # Errors
/// When the database fails.
pub async fn is_taken(tx: &mut Tx, id: BrandId, slug: &str) -> Result<bool, DbError> {
    const COUNT: &str = "SELECT COUNT(*) FROM brand WHERE slug = $2 AND id <> $1";
    let count: i64 = q!(tx.tx, scalar, COUNT, id.uuid(), slug)?;
    Ok(count > 0)
}

/// Removes a brand of which there is no product. `false` when there is one.
///
/// # Errors
/// When the database fails; see [`is_reference`](super::is_reference).
pub async fn delete(tx: &mut Tx, id: BrandId) -> Result<bool, DbError> {
    const DELETE: &str =
        "DELETE FROM brand WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM product WHERE brand_id = $1)";
    Ok(q!(tx.tx, execute, DELETE, id.uuid())? == 1)
}

/// Holds a brand until the transaction ends, and reads it.
///
/// # Errors
/// When the database fails.
pub async fn lock(tx: &mut Tx, id: BrandId) -> Result<Option<Brand>, DbError> {
    if q!(tx.tx, execute, "UPDATE brand SET version = version WHERE id = $1", id.uuid())? == 0 {
        return Ok(None);
    }
    let row: Option<Row> = q!(tx.tx, fetch_optional, select!("WHERE id = $1"), id.uuid())?;
    Ok(row.map(Brand::from))
}

/// A brand.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: BrandId) -> Result<Option<Brand>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, select!("WHERE id = $1"), id.uuid())?;
    Ok(row.map(Brand::from))
}

/// The brand of a slug.
///
/// # Errors
/// When the database fails.
pub async fn find_by_slug(db: &Db, slug: &str) -> Result<Option<BrandId>, DbError> {
    let found: Option<(Uuid,)> = q!(db.read, fetch_optional, "SELECT id FROM brand WHERE slug = $1", slug)?;
    Ok(found.map(|(id,)| BrandId(id)))
}

/// The name of a brand. With `holding` it stays so until the transaction ends, and one that is being changed is waited for.
///
/// # Errors
/// When the database fails.
pub async fn name_of(tx: &mut Tx, id: BrandId, holding: bool) -> Result<Option<String>, DbError> {
    // On SQLite whoever writes is alone.
    let select = match (tx.engine(), holding) {
        (Engine::Postgres, true) => "SELECT name FROM brand WHERE id = $1 FOR SHARE",
        _ => "SELECT name FROM brand WHERE id = $1",
    };
    let name: Option<(String,)> = q!(tx.tx, fetch_optional, select, id.uuid())?;
    Ok(name.map(|(name,)| name))
}

/// A page of the brands by name, of those whose name begins with the words, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, begins: Option<&str>, page: Page) -> Result<(Vec<Brand>, u64), DbError> {
    let condition = match begins {
        Some(_) => "WHERE name_words >= $1 AND name_words < $2",
        None => "",
    };
    let select = format!(
        "SELECT id, slug, name, version, created_at, updated_at FROM brand {condition} \
         ORDER BY name_words, id LIMIT $3 OFFSET $4"
    );
    let count = format!("SELECT COUNT(*) FROM brand {condition}");
    let from = fold(begins.unwrap_or_default());
    // Nothing sorts behind this character, so everything that begins with the words lies between.
    let to = format!("{from}\u{10ffff}");
    let (limit, offset) = (i64::from(page.limit), page.offset());
    let rows: Vec<Row> = q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), &from, &to, limit, offset)?;
    let total: i64 = q!(db.read, scalar, AssertSqlSafe(count.as_str()), &from, &to)?;
    Ok((rows.into_iter().map(Brand::from).collect(), u64::try_from(total).unwrap_or_default()))
}
