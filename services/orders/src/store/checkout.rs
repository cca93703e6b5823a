//! Rows of checkouts: every attempt to turn an order into a sale, and what was heard of its stock and its payment.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{CheckoutId, OrderId};
use contract::money::{Currency, Money};
use contract::orders::CheckoutFlow;
use uuid::Uuid;

/// A column of texts.
macro_rules! column {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// As it stands in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

column! {
    /// How an attempt stands.
    State {
        /// Stock and payment are being settled.
        Open = "OPEN",
        /// It will be sold.
        Confirmed = "CONFIRMED",
        /// Sold: the money is ours, the goods are out of stock.
        Complete = "COMPLETE",
        /// It came to nothing.
        Failed = "FAILED",
        /// It was called off before it was sold.
        Cancelled = "CANCELLED",
        /// It was called off afterwards, and all of it was given back.
        Reversed = "REVERSED",
    }
}

column! {
    /// What the inventory was heard to have done.
    Stock {
        /// It is kept.
        Reserved = "RESERVED",
        /// There is too little.
        Rejected = "REJECTED",
        /// It was let go.
        Released = "RELEASED",
        /// It has left.
        Committed = "COMMITTED",
    }
}

column! {
    /// What the payments were heard to have done.
    Paid {
        /// The buyer has to prove something.
        ActionRequired = "ACTION_REQUIRED",
        /// The amount is kept.
        Authorized = "AUTHORIZED",
        /// The provider said no.
        Failed = "FAILED",
        /// The amount is ours.
        Captured = "CAPTURED",
        /// The amount was let go.
        Voided = "VOIDED",
        /// It was given back.
        Refunded = "REFUNDED",
    }
}

impl State {
    /// Whether it has not come to its end.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Confirmed)
    }
}

/// An attempt to turn an order into a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckoutRow {
    /// Its id.
    pub id: CheckoutId,
    /// The order.
    pub order: OrderId,
    /// Who leads it.
    pub flow: CheckoutFlow,
    /// How it stands.
    pub state: State,
    /// What it comes to.
    pub amount: Money,
    /// What was given back of it.
    pub refunded: Money,
    /// What was heard of its stock.
    pub stock: Option<Stock>,
    /// What was heard of its payment.
    pub payment: Option<Paid>,
    /// When it is given up.
    pub deadline_at: Ts,
    /// When its state last changed.
    pub moved_at: Ts,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    order_id: Uuid,
    flow: String,
    state: String,
    amount: i64,
    currency: String,
    refunded: i64,
    stock: Option<String>,
    payment: Option<String>,
    deadline_at: Ts,
    moved_at: Ts,
}

impl TryFrom<Row> for CheckoutRow {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let currency = Currency::parse(&row.currency).ok_or_else(|| corrupt("a currency"))?;
        let stock = row.stock.map(|text| Stock::parse(&text).ok_or_else(|| corrupt("a stock")));
        let payment = row.payment.map(|text| Paid::parse(&text).ok_or_else(|| corrupt("a payment")));
        Ok(Self {
            id: CheckoutId(row.id),
            order: OrderId(row.order_id),
            flow: CheckoutFlow::parse(&row.flow).ok_or_else(|| corrupt("a flow"))?,
            state: State::parse(&row.state).ok_or_else(|| corrupt("a state of a checkout"))?,
            amount: Money::new(row.amount, currency),
            refunded: Money::new(row.refunded, currency),
            stock: stock.transpose()?,
            payment: payment.transpose()?,
            deadline_at: row.deadline_at,
            moved_at: row.moved_at,
        })
    }
}

/// What a new attempt is.
#[derive(Debug, Clone, Copy)]
pub struct New {
    /// Its id.
    pub id: CheckoutId,
    /// The order.
    pub order: OrderId,
    /// Who leads it.
    pub flow: CheckoutFlow,
    /// What it comes to.
    pub amount: Money,
    /// When it is given up.
    pub deadline: Ts,
}

/// Adds an attempt.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &New, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO checkout (id, order_id, flow, state, amount, currency, deadline_at, begun_at, moved_at) \
        VALUES ($1, $2, $3, 'OPEN', $4, $5, $6, $7, $7)";
    let New { id, order, flow, amount, deadline } = *new;
    q!(
        t.tx,
        execute,
        INSERT,
        id.uuid(),
        order.uuid(),
        flow.as_str(),
        amount.amount,
        amount.currency.code(),
        deadline,
        now
    )
    .map(|_| ())
}

/// Moves an attempt on. Says whether it stood where it was believed to.
///
/// # Errors
/// When the database fails.
pub async fn advance(t: &mut Tx, id: CheckoutId, from: State, to: State, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE checkout SET state = $3, moved_at = $4 WHERE id = $1 AND state = $2";
    Ok(q!(t.tx, execute, UPDATE, id.uuid(), from.as_str(), to.as_str(), now)? == 1)
}

/// Adds to what was given back.
///
/// # Errors
/// When the database fails, and when that would be more than it came to.
pub async fn add_refund(t: &mut Tx, id: CheckoutId, amount: Money) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE checkout SET refunded = refunded + $2 WHERE id = $1";
    q!(t.tx, execute, UPDATE, id.uuid(), amount.amount).map(|_| ())
}

/// How far a checkout is of whose stock or payment this was heard. What comes after the reservation and after the
/// authorisation is of one stage: there the last word counts.
macro_rules! stage {
    ($of:literal) => {
        concat!(
            "CASE ",
            $of,
            " WHEN 'RESERVED' THEN 1 WHEN 'ACTION_REQUIRED' THEN 1 WHEN 'AUTHORIZED' THEN 2 ELSE 3 END"
        )
    };
}

/// Notes what the inventory was heard to have done, and shows the attempt with it; none when something later was heard
/// before, for events of different kinds come in any order.
///
/// # Errors
/// When the database fails.
pub async fn hear_stock(t: &mut Tx, id: CheckoutId, stock: Stock) -> Result<Option<CheckoutRow>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE checkout SET stock = $2 WHERE id = $1 AND (stock IS NULL OR ",
        stage!("stock"),
        " <= ",
        stage!("$2"),
        ") RETURNING id, order_id, flow, state, amount, currency, refunded, stock, payment, deadline_at, moved_at"
    );
    let row: Option<Row> = q!(t.tx, fetch_optional, UPDATE, id.uuid(), stock.as_str())?;
    row.map(CheckoutRow::try_from).transpose()
}

/// Notes what the payments were heard to have done, and shows the attempt with it; none when something later was heard
/// before, for events of different kinds come in any order.
///
/// # Errors
/// When the database fails.
pub async fn hear_payment(t: &mut Tx, id: CheckoutId, payment: Paid) -> Result<Option<CheckoutRow>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE checkout SET payment = $2 WHERE id = $1 AND (payment IS NULL OR ",
        stage!("payment"),
        " <= ",
        stage!("$2"),
        ") RETURNING id, order_id, flow, state, amount, currency, refunded, stock, payment, deadline_at, moved_at"
    );
    let row: Option<Row> = q!(t.tx, fetch_optional, UPDATE, id.uuid(), payment.as_str())?;
    row.map(CheckoutRow::try_from).transpose()
}

const SELECT: &str = "SELECT id, order_id, flow, state, amount, currency, refunded, stock, payment, deadline_at, moved_at \
    FROM checkout WHERE id = $1";

/// An attempt.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: CheckoutId) -> Result<Option<CheckoutRow>, DbError> {
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    row.map(CheckoutRow::try_from).transpose()
}

/// An attempt, within a transaction.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, id: CheckoutId) -> Result<Option<CheckoutRow>, DbError> {
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, id.uuid())?;
    row.map(CheckoutRow::try_from).transpose()
}

/// Attempts by events of others whose time is over and that were never confirmed, the longest overdue first.
///
/// # Errors
/// When the database fails.
pub async fn overdue(db: &Db, now: Ts, limit: u32) -> Result<Vec<CheckoutRow>, DbError> {
    const OVERDUE: &str = "SELECT id, order_id, flow, state, amount, currency, refunded, stock, payment, deadline_at, moved_at \
        FROM checkout WHERE state = 'OPEN' AND flow = 'choreography' AND deadline_at <= $1 \
        ORDER BY deadline_at LIMIT $2";
    let rows: Vec<Row> = q!(db.read, fetch_all, OVERDUE, now, i64::from(limit))?;
    rows.into_iter().map(CheckoutRow::try_from).collect()
}

/// Attempts behind an id, in the order of their ids: all of them, a page at a time.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &Db, after: CheckoutId, limit: u32) -> Result<Vec<CheckoutRow>, DbError> {
    const PAGE: &str = "SELECT id, order_id, flow, state, amount, currency, refunded, stock, payment, deadline_at, moved_at \
        FROM checkout WHERE id > $1 ORDER BY id LIMIT $2";
    let rows: Vec<Row> = q!(db.read, fetch_all, PAGE, after.uuid(), i64::from(limit))?;
    rows.into_iter().map(CheckoutRow::try_from).collect()
}
