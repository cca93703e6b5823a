//! Orders as they are listed.

use super::{live, order, status};
use crate::store::corrupt;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Cursor, cut_page};
use contract::ids::{ProductId, UserId};
use contract::money::{Currency, Money};
use contract::orders::{ListOrders, OrderStatus, OrderSummary};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    order_id: Uuid,
    user_id: Uuid,
    number: String,
    status: String,
    processing: bool,
    total_amount: i64,
    total_currency: String,
    quantity: i64,
    title: String,
    version: i64,
    placed_at: Ts,
    changed_at: Ts,
}

impl Row {
    const fn cursor(&self) -> Cursor {
        Cursor { at: self.placed_at, id: self.order_id }
    }
}

impl TryFrom<Row> for OrderSummary {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let currency = Currency::parse(&row.total_currency).ok_or_else(|| corrupt("a currency"))?;
        Ok(Self {
            id: order(row.order_id),
            number: row.number,
            user: UserId(row.user_id),
            status: status(&row.status)?,
            processing: row.processing,
            total: Money::new(row.total_amount, currency),
            quantity: u32::try_from(row.quantity).unwrap_or(u32::MAX),
            title: row.title,
            version: row.version,
            placed_at: row.placed_at.to_datetime(),
            changed_at: row.changed_at.to_datetime(),
        })
    }
}

/// The condition of the filters that are set; a parameter that none of them uses is bound and left alone.
fn condition(user: Option<UserId>, filter: &ListOrders, after: Option<Cursor>) -> String {
    let mut all = vec![live!()];
    if user.is_some() {
        all.push("user_id = $1");
    }
    if filter.status.is_some() {
        all.push("status = $2");
    }
    if filter.from.is_some() {
        all.push("placed_at >= $3");
    }
    if filter.to.is_some() {
        all.push("placed_at < $4");
    }
    if filter.number.is_some() {
        all.push("number = $5");
    }
    if after.is_some() {
        all.push("(placed_at, order_id) < ($6, $7)");
    }
    all.join(" AND ")
}

/// The orders of a person, or of everybody, that the filter lets through, the youngest first, from behind `after`, at most as
/// many as it says; and where the page after them begins, if there is one. The filter's own `user` is left alone.
///
/// # Errors
/// When the database fails.
pub async fn list_before(
    db: &Db,
    user: Option<UserId>,
    filter: &ListOrders,
    after: Option<Cursor>,
) -> Result<(Vec<OrderSummary>, Option<Cursor>), DbError> {
    let select = format!(
        "SELECT order_id, user_id, number, status, processing, total_amount, total_currency, quantity, title, version, \
         placed_at, changed_at FROM order_list WHERE {} ORDER BY placed_at DESC, order_id DESC LIMIT $8",
        condition(user, filter, after)
    );
    let (user, status) = (user.map(UserId::uuid), filter.status.map(OrderStatus::as_str));
    let (from, to) = (filter.from.map(Ts::from_datetime), filter.to.map(Ts::from_datetime));
    let number = filter.number.as_deref().map(|number| number.trim().to_ascii_uppercase());
    let (at, id) = (after.map(|after| after.at), after.map(|after| after.id));
    // One more than is shown, which tells whether a page follows.
    let limit = i64::from(filter.limit) + 1;
    let sql = AssertSqlSafe(select.as_str());
    let rows: Vec<Row> =
        q!(db.read, fetch_all, sql, user, status, from, to, number.as_deref(), at, id, limit)?;
    let (rows, next) = cut_page(rows, filter.limit, Row::cursor);
    let orders = rows.into_iter().map(OrderSummary::try_from).collect::<Result<_, _>>()?;
    Ok((orders, next))
}

/// What somebody has bought, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list_purchases_of(db: &Db, user: UserId, limit: u32) -> Result<Vec<ProductId>, DbError> {
    const SELECT: &str = concat!(
        "SELECT product_id FROM order_purchase WHERE ",
        live!(),
        " AND user_id = $1 ORDER BY position DESC, product_id LIMIT $2"
    );
    let rows: Vec<(Uuid,)> = q!(db.read, fetch_all, SELECT, user.uuid(), i64::from(limit))?;
    Ok(rows.into_iter().map(|(product,)| ProductId(product)).collect())
}
