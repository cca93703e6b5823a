//! Reservations and their lines.

use super::{by_engine, corrupt, hex, line, line_rows};
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Engine, Tx, q};
use contract::ids::{CheckoutId, OrderId};
use contract::inventory::{Reservation, ReservationState, ReserveLine};
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A reservation without its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The checkout that it is for.
    pub checkout: CheckoutId,
    /// The order; none when it was let go before it was made.
    pub order: Option<OrderId>,
    /// Where it stands.
    pub state: ReservationState,
    /// When an active one ends.
    pub expires_at: Ts,
}

impl Held {
    /// The order, all zeros where there is none.
    #[must_use]
    pub fn order(&self) -> OrderId {
        self.order.unwrap_or(OrderId(Uuid::nil()))
    }

    /// What is told of it.
    #[must_use]
    pub fn with(self, lines: Vec<ReserveLine>) -> Reservation {
        let (order, expires_at) = (self.order(), self.expires_at.to_datetime());
        Reservation { checkout: self.checkout, order, state: self.state, lines, expires_at }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    checkout_id: Uuid,
    order_id: Option<Uuid>,
    state: String,
    expires_at: Ts,
}

impl TryFrom<Row> for Held {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            checkout: CheckoutId(row.checkout_id),
            order: row.order_id.map(OrderId),
            state: ReservationState::parse(&row.state).ok_or_else(|| corrupt("the state"))?,
            expires_at: row.expires_at,
        })
    }
}

/// Adds a reservation without lines. `false` when the checkout has one, which stays as it is.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, held: &Held, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO reservation (checkout_id, order_id, state, expires_at, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (checkout_id) DO NOTHING";
    let (checkout, order) = (held.checkout.uuid(), held.order.map(OrderId::uuid));
    Ok(q!(t.tx, execute, INSERT, checkout, order, held.state.as_str(), held.expires_at, now)? == 1)
}

/// Removes a reservation that this transaction has added and that has no lines.
///
/// # Errors
/// When the database fails.
pub async fn take_back(t: &mut Tx, checkout: CheckoutId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM reservation WHERE checkout_id = $1";
    q!(t.tx, execute, DELETE, checkout.uuid()).map(|_| ())
}

/// Adds the lines of a reservation.
///
/// # Errors
/// When the database fails.
pub async fn insert_lines(t: &mut Tx, checkout: CheckoutId, lines: &[ReserveLine]) -> Result<(), DbError> {
    const SQLITE: &str = "INSERT INTO reservation_line (checkout_id, product_id, quantity) \
        SELECT $2, unhex(value ->> 'p'), value ->> 'q' FROM json_each($1)";
    const POSTGRES: &str = "INSERT INTO reservation_line (checkout_id, product_id, quantity) \
        SELECT $2, p, q FROM jsonb_to_recordset($1) AS d(p UUID, q BIGINT)";
    let sql = by_engine(t, SQLITE, POSTGRES);
    let rows = line_rows(lines);
    q!(t.tx, execute, sql, Json(&rows), checkout.uuid()).map(|_| ())
}

/// The lines of a reservation, by product.
///
/// # Errors
/// When the database fails.
pub async fn lines(t: &mut Tx, checkout: CheckoutId) -> Result<Vec<ReserveLine>, DbError> {
    const SELECT: &str =
        "SELECT product_id, quantity FROM reservation_line WHERE checkout_id = $1 ORDER BY product_id";
    let rows: Vec<(Uuid, i64)> = q!(t.tx, fetch_all, SELECT, checkout.uuid())?;
    rows.into_iter().map(line).collect()
}

/// The lines of many reservations, each by product.
///
/// # Errors
/// When the database fails.
pub async fn lines_of_many(
    t: &mut Tx,
    checkouts: &[CheckoutId],
) -> Result<BTreeMap<CheckoutId, Vec<ReserveLine>>, DbError> {
    const SQLITE: &str = "SELECT checkout_id, product_id, quantity FROM reservation_line \
        WHERE checkout_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY checkout_id, product_id";
    const POSTGRES: &str = "SELECT checkout_id, product_id, quantity FROM reservation_line \
        WHERE checkout_id = ANY (ARRAY(SELECT CAST(id AS UUID) FROM jsonb_array_elements_text($1) AS id)) \
        ORDER BY checkout_id, product_id";
    let sql = by_engine(t, SQLITE, POSTGRES);
    let ids: Vec<String> = checkouts.iter().map(|checkout| hex(checkout.uuid())).collect();
    let rows: Vec<(Uuid, Uuid, i64)> = q!(t.tx, fetch_all, sql, Json(&ids))?;
    by_checkout(rows)
}

fn by_checkout(rows: Vec<(Uuid, Uuid, i64)>) -> Result<BTreeMap<CheckoutId, Vec<ReserveLine>>, DbError> {
    let mut all: BTreeMap<CheckoutId, Vec<ReserveLine>> = BTreeMap::new();
    for (checkout, product, quantity) in rows {
        all.entry(CheckoutId(checkout)).or_default().push(line((product, quantity))?);
    }
    Ok(all)
}

/// Moves a reservation on if it is in one of two states, and gives it back as it is then. `None` when it is in another state or
/// does not exist.
///
/// # Errors
/// When the database fails.
pub async fn shift(
    t: &mut Tx,
    checkout: CheckoutId,
    from: [ReservationState; 2],
    to: ReservationState,
    now: Ts,
) -> Result<Option<Held>, DbError> {
    const UPDATE: &str = "UPDATE reservation SET state = $4, updated_at = $5 \
        WHERE checkout_id = $1 AND state IN ($2, $3) RETURNING checkout_id, order_id, state, expires_at";
    let [one, other] = from.map(ReservationState::as_str);
    let row: Option<Row> = q!(t.tx, fetch_optional, UPDATE, checkout.uuid(), one, other, to.as_str(), now)?;
    row.map(Held::try_from).transpose()
}

/// Reads a reservation and keeps everybody else from changing it until the end of the transaction.
///
/// # Errors
/// When the database fails.
pub async fn hold(t: &mut Tx, checkout: CheckoutId) -> Result<Option<Held>, DbError> {
    const SQLITE: &str =
        "SELECT checkout_id, order_id, state, expires_at FROM reservation WHERE checkout_id = $1";
    const POSTGRES: &str =
        "SELECT checkout_id, order_id, state, expires_at FROM reservation WHERE checkout_id = $1 FOR UPDATE";
    let sql = by_engine(t, SQLITE, POSTGRES);
    let row: Option<Row> = q!(t.tx, fetch_optional, sql, checkout.uuid())?;
    row.map(Held::try_from).transpose()
}

/// Marks at most `limit` reservations whose time is over as expired, the oldest first, and gives them back. One that somebody
/// else is about to change is left alone.
///
/// # Errors
/// When the database fails.
pub async fn expire(t: &mut Tx, now: Ts, limit: i64) -> Result<Vec<Held>, DbError> {
    let update = format!(
        "UPDATE reservation SET state = 'EXPIRED', updated_at = $1 WHERE checkout_id IN (\
         SELECT checkout_id FROM reservation WHERE state = 'ACTIVE' AND expires_at <= $1 \
         ORDER BY expires_at LIMIT $2 {}) AND state = 'ACTIVE' RETURNING checkout_id, order_id, state, expires_at",
        t.skip_locked()
    );
    let rows: Vec<Row> = q!(t.tx, fetch_all, AssertSqlSafe(update.as_str()), now, limit)?;
    rows.into_iter().map(Held::try_from).collect()
}

/// The states of the reservations of an order, kept from changing until the end of the transaction.
///
/// # Errors
/// When the database fails.
pub async fn hold_of_order(t: &mut Tx, order: OrderId) -> Result<Vec<ReservationState>, DbError> {
    let lock = if t.engine() == Engine::Postgres { " FOR UPDATE" } else { "" };
    let select = format!("SELECT state FROM reservation WHERE order_id = $1 ORDER BY checkout_id{lock}");
    let rows: Vec<(String,)> = q!(t.tx, fetch_all, AssertSqlSafe(select.as_str()), order.uuid())?;
    rows.iter().map(|(state,)| ReservationState::parse(state).ok_or_else(|| corrupt("the state"))).collect()
}

/// Reservations with their lines by checkout, from behind `after`, at most `limit`. Those that were let go before they were made
/// are left out.
///
/// # Errors
/// When the database fails.
pub async fn list_after(db: &Db, after: Option<CheckoutId>, limit: u32) -> Result<Vec<Reservation>, DbError> {
    const SELECT: &str = "SELECT checkout_id, order_id, state, expires_at FROM reservation \
        WHERE checkout_id > $1 AND order_id IS NOT NULL ORDER BY checkout_id LIMIT $2";
    const LINES: &str = "SELECT checkout_id, product_id, quantity FROM reservation_line \
        WHERE checkout_id > $1 AND checkout_id <= $2 ORDER BY checkout_id, product_id";
    let after = after.map_or(Uuid::nil(), CheckoutId::uuid);
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, after, i64::from(limit))?;
    let Some(last) = rows.last().map(|row| row.checkout_id) else { return Ok(Vec::new()) };
    let lines: Vec<(Uuid, Uuid, i64)> = q!(db.read, fetch_all, LINES, after, last)?;
    let mut lines = by_checkout(lines)?;
    let with = |row: Row| {
        let held = Held::try_from(row)?;
        Ok(held.with(lines.remove(&held.checkout).unwrap_or_default()))
    };
    rows.into_iter().map(with).collect()
}
