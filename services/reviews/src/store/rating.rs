//! What the reviews that are shown come to: the read model, and how it compares with the rows.

use super::corrupt;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, Tx, q};
use chassis::event_store::Generation;
use contract::ids::ProductId;
use contract::reviews::{Rating, Stars};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// Counts a review of a product among others: no longer with `before` stars, from now on with `now`.
///
/// # Errors
/// When the database fails, or fewer would be counted than none.
pub async fn shift(
    tx: &mut Tx,
    generation: Generation,
    product: ProductId,
    before: Option<u8>,
    now: Option<u8>,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO review_rating (generation, product_id) VALUES ($1, $2) \
        ON CONFLICT (generation, product_id) DO NOTHING";
    const UPDATE: &str = "UPDATE review_rating SET one = one + $3, two = two + $4, three = three + $5, four = four + $6, \
        five = five + $7 WHERE generation = $1 AND product_id = $2";
    if before == now {
        return Ok(());
    }
    let change = |stars: u8| i64::from(now == Some(stars)) - i64::from(before == Some(stars));
    q!(tx.tx, execute, INSERT, generation.0, product.uuid())?;
    let (id, generation) = (product.uuid(), generation.0);
    q!(tx.tx, execute, UPDATE, generation, id, change(1), change(2), change(3), change(4), change(5))
        .map(|_| ())
}

/// Removes everything of a generation.
///
/// # Errors
/// When the database fails.
pub async fn delete_generation(tx: &mut Tx, generation: Generation) -> Result<(), DbError> {
    q!(tx.tx, execute, "DELETE FROM review_rating WHERE generation = $1", generation.0).map(|_| ())
}

#[derive(sqlx::FromRow)]
struct Row {
    product_id: Uuid,
    one: i64,
    two: i64,
    three: i64,
    four: i64,
    five: i64,
}

impl TryFrom<Row> for Rating {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let count = |stars: i64| u64::try_from(stars).map_err(|_| corrupt("a number of reviews"));
        let (one, two, three) = (count(row.one)?, count(row.two)?, count(row.three)?);
        let stars = Stars { one, two, three, four: count(row.four)?, five: count(row.five)? };
        Ok(Self::of(ProductId(row.product_id), stars))
    }
}

/// The generation that is read.
macro_rules! live {
    () => {
        "(SELECT generation FROM projection_generation WHERE name = 'review-ratings' AND state = 'live')"
    };
}

/// What the reviews of these products come to, in their order, also of those that have none.
///
/// # Errors
/// When the database fails.
pub async fn of_products(db: &Db, products: &[ProductId]) -> Result<Vec<Rating>, DbError> {
    const SQLITE: &str = concat!(
        "SELECT product_id, one, two, three, four, five FROM review_rating WHERE generation = ",
        live!(),
        " AND product_id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1))"
    );
    const POSTGRES: &str = concat!(
        "SELECT product_id, one, two, three, four, five FROM review_rating WHERE generation = ",
        live!(),
        " AND product_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1))"
    );
    let select = match db.engine() {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
    };
    let rows: Vec<Row> = q!(db.read, fetch_all, select, Json(products))?;
    let found = rows.into_iter().map(|row| Ok((ProductId(row.product_id), Rating::try_from(row)?)));
    let found = found.collect::<Result<HashMap<_, _>, DbError>>()?;
    let or_none =
        |id: &ProductId| found.get(id).cloned().unwrap_or_else(|| Rating::of(*id, Stars::default()));
    Ok(products.iter().map(or_none).collect())
}

/// A product whose read model differs from its rows.
#[derive(Debug, sqlx::FromRow)]
pub struct Difference {
    /// The product.
    pub product_id: Uuid,
    /// How many more reviews the rows have, from one star to five; fewer when negative.
    pub one: i64,
    /// As above.
    pub two: i64,
    /// As above.
    pub three: i64,
    /// As above.
    pub four: i64,
    /// As above.
    pub five: i64,
    /// How many events the read model had not taken in when this was seen.
    pub behind: i64,
}

/// Where the live read model differs from the rows, both of one moment; at most a hundred products.
///
/// # Errors
/// When the database fails.
pub async fn differences(db: &Db) -> Result<Vec<Difference>, DbError> {
    let columns = ["one", "two", "three", "four", "five"];
    let of_row = |(stars, name): (usize, &&str)| {
        format!("CASE WHEN rating = {} THEN 1 ELSE 0 END AS {name}", stars + 1)
    };
    let rows: Vec<String> = columns.iter().enumerate().map(of_row).collect();
    let sums: Vec<String> =
        columns.iter().map(|name| format!("CAST(SUM({name}) AS BIGINT) AS {name}")).collect();
    let negative: Vec<String> = columns.iter().map(|name| format!("-{name} AS {name}")).collect();
    let differ: Vec<String> = columns.iter().map(|name| format!("SUM({name}) <> 0")).collect();
    let sql = format!(
        "SELECT product_id, {}, (SELECT COUNT(*) FROM event_store WHERE position > COALESCE((SELECT position \
         FROM projection_generation WHERE name = 'review-ratings' AND state = 'live'), 0)) AS behind \
         FROM (SELECT product_id, {} FROM review WHERE status = 'APPROVED' \
         UNION ALL SELECT product_id, {} FROM review_rating WHERE generation = {}) AS both_sides \
         GROUP BY product_id HAVING {} LIMIT 100",
        sums.join(", "),
        rows.join(", "),
        negative.join(", "),
        live!(),
        differ.join(" OR ")
    );
    q!(db.read, fetch_all, AssertSqlSafe(sql.as_str()))
}

/// How many products have reviews that are shown.
///
/// # Errors
/// When the database fails.
pub async fn count_products(db: &Db) -> Result<u64, DbError> {
    const COUNT: &str = "SELECT COUNT(DISTINCT product_id) FROM review WHERE status = 'APPROVED'";
    let count: i64 = q!(db.read, scalar, COUNT)?;
    Ok(u64::try_from(count).unwrap_or_default())
}
