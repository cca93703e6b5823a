//! Reviews as lists: filtered, sorted, a page at a time.

use super::review::{Row, columns};
use crate::domain::review::Review;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Page, SortKey};
use contract::ids::{ProductId, UserId};
use contract::reviews::ReviewStatus;

/// What reviews can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// When they were written.
    CreatedAt,
    /// Their stars.
    Rating,
}

impl SortKey for SortBy {
    const KEYS: &'static [(&'static str, Self)] = &[("createdAt", Self::CreatedAt), ("rating", Self::Rating)];
}

impl SortBy {
    /// The order, with the identifier to tell equal ones apart. Of the same stars the newest is first.
    const fn order(self, descending: bool) -> &'static str {
        match (self, descending) {
            (Self::CreatedAt, false) => "created_at, id",
            (Self::CreatedAt, true) => "created_at DESC, id DESC",
            (Self::Rating, false) => "rating, created_at DESC, id DESC",
            (Self::Rating, true) => "rating DESC, created_at DESC, id DESC",
        }
    }
}

/// Which reviews.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those that stand there.
    pub status: Option<ReviewStatus>,
    /// Only those of this product.
    pub product: Option<ProductId>,
    /// Only those with so many stars.
    pub rating: Option<u8>,
    /// Only those of this person.
    pub author: Option<UserId>,
}

impl Filter {
    /// The condition of the filters that are set; a parameter that none of them uses is bound and left alone.
    fn condition(&self) -> String {
        let mut all = vec!["1 = 1"];
        if self.status.is_some() {
            all.push("status = $1");
        }
        if self.product.is_some() {
            all.push("product_id = $2");
        }
        if self.rating.is_some() {
            all.push("rating = $3");
        }
        if self.author.is_some() {
            all.push("user_id = $4");
        }
        all.join(" AND ")
    }
}

/// A page of the reviews that the filter lets through, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: Filter,
    (by, descending): (SortBy, bool),
    page: Page,
) -> Result<(Vec<Review>, u64), DbError> {
    let (condition, order) = (filter.condition(), by.order(descending));
    let select = format!(
        concat!("SELECT ", columns!(), " FROM review WHERE {} ORDER BY {} LIMIT $5 OFFSET $6"),
        condition, order
    );
    let count = format!("SELECT COUNT(*) FROM review WHERE {condition}");
    let status = filter.status.map(ReviewStatus::as_str);
    let (product, author) = (filter.product.map(ProductId::uuid), filter.author.map(UserId::uuid));
    let rating = filter.rating.map(i64::from);
    let (limit, offset) = (i64::from(page.limit), page.offset());
    let rows: Vec<Row> = q!(
        db.read,
        fetch_all,
        AssertSqlSafe(select.as_str()),
        status,
        product,
        rating,
        author,
        limit,
        offset
    )?;
    let total: i64 = q!(db.read, scalar, AssertSqlSafe(count.as_str()), status, product, rating, author)?;
    let reviews = rows.into_iter().map(Review::try_from).collect::<Result<_, _>>()?;
    Ok((reviews, u64::try_from(total).unwrap_or_default()))
}
