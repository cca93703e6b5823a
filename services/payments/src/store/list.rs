//! Lists of payments.

use super::payment::{Row, all, columns};
use crate::app::Filter;
use crate::domain::record::Record;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Cursor, cut_page};
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::payments::PaymentState;

/// The condition of the filters that are set; a parameter that none of them uses is bound and left alone.
fn condition(filter: &Filter, after: Option<Cursor>) -> String {
    let mut all = vec!["order_id IS NOT NULL"];
    if filter.user.is_some() {
        all.push("user_id = $1");
    }
    if filter.order.is_some() {
        all.push("order_id = $2");
    }
    if filter.state.is_some() {
        all.push("state = $3");
    }
    if after.is_some() {
        all.push("(created_at, id) < ($4, $5)");
    }
    all.join(" AND ")
}

/// The payments that the filter lets through, the newest first, from behind `after`; and where the page after them begins,
/// if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list_before(
    db: &Db,
    filter: Filter,
    after: Option<Cursor>,
    wanted: u32,
) -> Result<(Vec<Record>, Option<Cursor>), DbError> {
    let select = format!(
        "SELECT {} FROM payment WHERE {} ORDER BY created_at DESC, id DESC LIMIT $6",
        columns!(),
        condition(&filter, after)
    );
    let (user, order) = (filter.user.map(UserId::uuid), filter.order.map(OrderId::uuid));
    let state = filter.state.map(PaymentState::as_str);
    let (at, id) = (after.map(|after| after.at), after.map(|after| after.id));
    // One more than is shown, which tells whether a page follows.
    let limit = i64::from(wanted) + 1;
    let rows: Vec<Row> =
        q!(db.read, fetch_all, AssertSqlSafe(select.as_str()), user, order, state, at, id, limit)?;
    let cursor = |last: &Record| Cursor { at: last.created_at, id: last.id.uuid() };
    Ok(cut_page(all(rows)?, wanted, cursor))
}

/// All payments by their id, from behind `after`.
///
/// # Errors
/// When the database fails.
pub async fn list_after(db: &Db, after: Option<CheckoutId>, limit: u32) -> Result<Vec<Record>, DbError> {
    const FIRST: &str = concat!("SELECT ", columns!(), " FROM payment ORDER BY id LIMIT $1");
    const NEXT: &str = concat!("SELECT ", columns!(), " FROM payment WHERE id > $2 ORDER BY id LIMIT $1");
    let limit = i64::from(limit);
    all(match after {
        None => q!(db.read, fetch_all, FIRST, limit)?,
        Some(after) => q!(db.read, fetch_all, NEXT, limit, after.uuid())?,
    })
}

/// Payments that were begun at `since` or later and have not changed from `rested` on, by their id from behind `after`.
///
/// # Errors
/// When the database fails.
pub async fn list_rested(
    db: &Db,
    since: Ts,
    rested: Ts,
    after: Option<CheckoutId>,
    limit: i64,
) -> Result<Vec<Record>, DbError> {
    const FIRST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM payment WHERE created_at >= $1 AND updated_at < $2 ORDER BY id LIMIT $3"
    );
    const NEXT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM payment WHERE created_at >= $1 AND updated_at < $2 AND id > $4 ORDER BY id LIMIT $3"
    );
    all(match after {
        None => q!(db.read, fetch_all, FIRST, since, rested, limit)?,
        Some(after) => q!(db.read, fetch_all, NEXT, since, rested, limit, after.uuid())?,
    })
}
