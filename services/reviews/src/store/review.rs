//! Reviews, one by one.

use super::corrupt;
use crate::domain::review::Review;
use crate::domain::standing::Standing;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{ProductId, ReviewId, UserId};
use contract::reviews::ReviewStatus;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    product_id: Uuid,
    user_id: Uuid,
    rating: i64,
    title: String,
    text: String,
    status: String,
    reason: Option<String>,
    version: i64,
    created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for Review {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let rating = u8::try_from(row.rating).map_err(|_| corrupt("the rating"))?;
        let status = ReviewStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?;
        Ok(Self {
            id: ReviewId(row.id),
            product: ProductId(row.product_id),
            user: UserId(row.user_id),
            standing: Standing { rating, status },
            title: row.title,
            text: row.text,
            reason: row.reason,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

macro_rules! columns {
    () => {
        "id, product_id, user_id, rating, title, text, status, reason, version, created_at, updated_at"
    };
}
pub(super) use columns;

/// Adds a review. `false` when there is one of this person and product already.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, review: &Review) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO review (id, product_id, user_id, rating, title, text, status, version, created_at, \
        updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (user_id, product_id) DO NOTHING";
    let inserted = q!(
        tx.tx,
        execute,
        INSERT,
        review.id.uuid(),
        review.product.uuid(),
        review.user.uuid(),
        i64::from(review.standing.rating),
        &review.title,
        &review.text,
        review.standing.status.as_str(),
        review.version,
        review.created_at,
        review.updated_at
    )?;
    Ok(inserted == 1)
}

/// A review.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: ReviewId) -> Result<Option<Review>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM review WHERE id = $1");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    row.map(Review::try_from).transpose()
}

/// A review, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold(tx: &mut Tx, id: ReviewId) -> Result<Option<Review>, DbError> {
    const HOLD: &str = concat!("UPDATE review SET version = version WHERE id = $1 RETURNING ", columns!());
    let row: Option<Row> = q!(tx.tx, fetch_optional, HOLD, id.uuid())?;
    row.map(Review::try_from).transpose()
}

/// A person's own review, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold_of_author(tx: &mut Tx, author: UserId, id: ReviewId) -> Result<Option<Review>, DbError> {
    const HOLD: &str =
        concat!("UPDATE review SET version = version WHERE id = $1 AND user_id = $2 RETURNING ", columns!());
    let row: Option<Row> = q!(tx.tx, fetch_optional, HOLD, id.uuid(), author.uuid())?;
    row.map(Review::try_from).transpose()
}

/// Keeps a review as it is now, if it is still at the version before. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn replace(tx: &mut Tx, review: &Review) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE review SET rating = $3, title = $4, text = $5, status = $6, reason = $7, version = $2, \
        updated_at = $8 WHERE id = $1 AND version = $2 - 1";
    let replaced = q!(
        tx.tx,
        execute,
        UPDATE,
        review.id.uuid(),
        review.version,
        i64::from(review.standing.rating),
        &review.title,
        &review.text,
        review.standing.status.as_str(),
        &review.reason,
        review.updated_at
    )?;
    Ok(replaced == 1)
}

/// Removes a review, if it is still at this version. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &mut Tx, review: &Review) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM review WHERE id = $1 AND version = $2";
    Ok(q!(tx.tx, execute, DELETE, review.id.uuid(), review.version)? == 1)
}
