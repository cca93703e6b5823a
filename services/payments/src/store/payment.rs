//! Payments. Every change is a compare-and-set on the version that was read.

use super::corrupt;
use crate::domain::machine::{Standing, Wish};
use crate::domain::record::{Cause, Record};
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::money::{Currency, Money};
use contract::payments::{MethodToken, NextAction, PaymentState};
use uuid::Uuid;

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "id, order_id, user_id, amount, currency, captured, refunded, refunding, state, wish, reference, method, failure, \
         action_url, action_secret, round, doubt, attempts, next_at, version, traceparent, correlation_id, created_at, \
         updated_at"
    };
}
pub(super) use columns;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    order_id: Option<Uuid>,
    user_id: Option<Uuid>,
    amount: i64,
    currency: String,
    captured: i64,
    refunded: i64,
    refunding: i64,
    state: String,
    wish: Option<String>,
    reference: Option<String>,
    method: Option<String>,
    failure: Option<String>,
    action_url: Option<String>,
    action_secret: Option<String>,
    round: i64,
    doubt: bool,
    attempts: i64,
    next_at: Option<Ts>,
    version: i64,
    traceparent: Option<String>,
    correlation_id: Option<String>,
    created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for Record {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let currency = Currency::parse(&row.currency).ok_or_else(|| corrupt("a currency"))?;
        let state = PaymentState::parse(&row.state).ok_or_else(|| corrupt("a state"))?;
        let wish = row.wish.map(|wish| Wish::parse(&wish).ok_or_else(|| corrupt("a wish"))).transpose()?;
        let has_action = row.action_url.is_some() || row.action_secret.is_some();
        let action = NextAction { client_secret: row.action_secret, url: row.action_url };
        Ok(Self {
            id: CheckoutId(row.id),
            order: row.order_id.map(OrderId),
            user: row.user_id.map(UserId),
            amount: Money::new(row.amount, currency),
            captured: row.captured,
            refunded: row.refunded,
            refunding: row.refunding,
            standing: Standing { state, wish },
            reference: row.reference,
            method: row.method.map(MethodToken),
            failure: row.failure,
            action: has_action.then_some(action),
            round: row.round,
            doubt: row.doubt,
            attempts: row.attempts,
            next_at: row.next_at,
            version: row.version,
            cause: Cause { traceparent: row.traceparent, correlation_id: row.correlation_id },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(super) fn one(row: Option<Row>) -> Result<Option<Record>, DbError> {
    row.map(Record::try_from).transpose()
}

pub(super) fn all(rows: Vec<Row>) -> Result<Vec<Record>, DbError> {
    rows.into_iter().map(Record::try_from).collect()
}

/// Writes a new payment. Tells whether there was none of its id.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &Record) -> Result<bool, DbError> {
    const INSERT: &str = concat!(
        "INSERT INTO payment (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24) \
         ON CONFLICT (id) DO NOTHING"
    );
    let (url, secret) = action(new);
    let made = q!(
        t.tx,
        execute,
        INSERT,
        new.id.uuid(),
        new.order.map(OrderId::uuid),
        new.user.map(UserId::uuid),
        new.amount.amount,
        new.amount.currency.code(),
        new.captured,
        new.refunded,
        new.refunding,
        new.standing.state.as_str(),
        new.standing.wish.map(Wish::as_str),
        new.reference.as_deref(),
        new.method.as_ref().map(|method| method.0.as_str()),
        new.failure.as_deref(),
        url,
        secret,
        new.round,
        new.doubt,
        new.attempts,
        new.next_at,
        new.version,
        new.cause.traceparent.as_deref(),
        new.cause.correlation_id.as_deref(),
        new.created_at,
        new.updated_at
    )?;
    Ok(made == 1)
}

fn action(record: &Record) -> (Option<&str>, Option<&str>) {
    let action = record.action.as_ref();
    (
        action.and_then(|action| action.url.as_deref()),
        action.and_then(|action| action.client_secret.as_deref()),
    )
}

/// Writes what has become of a payment, unless it has changed since it was read. Tells whether it was written; the record
/// has the new version then.
///
/// # Errors
/// When the database fails.
pub async fn update(t: &mut Tx, to: &mut Record) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE payment SET captured = $3, refunded = $4, refunding = $5, state = $6, wish = $7, \
        reference = $8, method = $9, failure = $10, action_url = $11, action_secret = $12, round = $13, doubt = $14, \
        attempts = $15, next_at = $16, updated_at = $17, version = version + 1 WHERE id = $1 AND version = $2";
    let (url, secret) = action(to);
    let written = q!(
        t.tx,
        execute,
        UPDATE,
        to.id.uuid(),
        to.version,
        to.captured,
        to.refunded,
        to.refunding,
        to.standing.state.as_str(),
        to.standing.wish.map(Wish::as_str),
        to.reference.as_deref(),
        to.method.as_ref().map(|method| method.0.as_str()),
        to.failure.as_deref(),
        url,
        secret,
        to.round,
        to.doubt,
        to.attempts,
        to.next_at,
        to.updated_at
    )?;
    if written == 1 {
        to.version += 1;
    }
    Ok(written == 1)
}

/// Notes that a payment has gone from one state to another.
///
/// # Errors
/// When the database fails.
pub async fn note_transition(
    t: &mut Tx,
    now: &Record,
    from: PaymentState,
    cause: &'static str,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO payment_history (payment_id, version, from_state, to_state, cause, at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let to = now.standing.state.as_str();
    q!(t.tx, execute, INSERT, now.id.uuid(), now.version, from.as_str(), to, cause, now.updated_at)
        .map(|_| ())
}

/// A payment, inside a transaction.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, id: CheckoutId) -> Result<Option<Record>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM payment WHERE id = $1");
    one(q!(t.tx, fetch_optional, SELECT, id.uuid())?)
}

/// A payment.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: CheckoutId) -> Result<Option<Record>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM payment WHERE id = $1");
    one(q!(db.read, fetch_optional, SELECT, id.uuid())?)
}

/// A payment of this person.
///
/// # Errors
/// When the database fails.
pub async fn find_for_owner(db: &Db, id: CheckoutId, owner: UserId) -> Result<Option<Record>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM payment WHERE id = $1 AND user_id = $2");
    one(q!(db.read, fetch_optional, SELECT, id.uuid(), owner.uuid())?)
}

/// The payment of a charge, by what its provider calls it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_reference(t: &mut Tx, reference: &str) -> Result<Option<Record>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM payment WHERE reference = $1");
    one(q!(t.tx, fetch_optional, SELECT, reference)?)
}

/// Whether the provider is to be asked about any payment or refund by now.
///
/// # Errors
/// When the database fails.
pub async fn any_due(db: &Db, now: Ts) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM payment WHERE next_at <= $1) \
        OR EXISTS (SELECT 1 FROM refund WHERE next_at <= $1) THEN 1 ELSE 0 END";
    let due: i32 = q!(db.read, scalar, SELECT, now)?;
    Ok(due == 1)
}

/// Takes payments about which the provider is to be asked by now: nobody else takes them before `until`.
///
/// # Errors
/// When the database fails.
pub async fn claim_due(t: &mut Tx, now: Ts, until: Ts, limit: i64) -> Result<Vec<Record>, DbError> {
    let claim = format!(
        "UPDATE payment SET next_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM payment WHERE next_at <= $1 \
         ORDER BY next_at LIMIT $3 {}) RETURNING {}",
        t.skip_locked(),
        columns!()
    );
    all(q!(t.tx, fetch_all, AssertSqlSafe(claim.as_str()), now, until, limit)?)
}
