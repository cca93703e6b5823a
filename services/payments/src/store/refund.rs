//! Refunds. A refund that is pending is counted in its payment's `refunding`, one that succeeded in `refunded`.

use super::corrupt;
use crate::domain::record::RefundRecord;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use contract::ids::{CheckoutId, RefundId};
use contract::payments::RefundState;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, payment_id, amount, reason, state, reference, round, doubt, attempts, next_at, created_at"
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    payment_id: Uuid,
    amount: i64,
    reason: String,
    state: String,
    reference: Option<String>,
    round: i64,
    doubt: bool,
    attempts: i64,
    next_at: Option<Ts>,
    created_at: Ts,
}

impl TryFrom<Row> for RefundRecord {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: RefundId(row.id),
            payment: CheckoutId(row.payment_id),
            amount: row.amount,
            reason: row.reason,
            state: RefundState::parse(&row.state).ok_or_else(|| corrupt("a state of a refund"))?,
            reference: row.reference,
            round: row.round,
            doubt: row.doubt,
            attempts: row.attempts,
            next_at: row.next_at,
            created_at: row.created_at,
        })
    }
}

/// Writes a new refund. Tells whether there was none of its id.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &RefundRecord) -> Result<bool, DbError> {
    const INSERT: &str = concat!(
        "INSERT INTO refund (",
        columns!(),
        ", updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT (id) DO NOTHING"
    );
    let made = q!(
        t.tx,
        execute,
        INSERT,
        new.id.uuid(),
        new.payment.uuid(),
        new.amount,
        new.reason.as_str(),
        new.state.as_str(),
        new.reference.as_deref(),
        new.round,
        new.doubt,
        new.attempts,
        new.next_at,
        new.created_at
    )?;
    Ok(made == 1)
}

/// A refund, inside a transaction.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, id: RefundId) -> Result<Option<RefundRecord>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM refund WHERE id = $1");
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, id.uuid())?;
    row.map(RefundRecord::try_from).transpose()
}

/// The refund of what a provider calls it.
///
/// # Errors
/// When the database fails.
pub async fn find_by_reference(t: &mut Tx, reference: &str) -> Result<Option<RefundRecord>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM refund WHERE reference = $1");
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, reference)?;
    row.map(RefundRecord::try_from).transpose()
}

/// The refunds of a payment, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_of_payment(db: &Db, payment: CheckoutId) -> Result<Vec<RefundRecord>, DbError> {
    const SELECT: &str =
        concat!("SELECT ", columns!(), " FROM refund WHERE payment_id = $1 ORDER BY created_at, id");
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, payment.uuid())?;
    rows.into_iter().map(RefundRecord::try_from).collect()
}

/// Ends a pending refund. Tells whether it was pending until now.
///
/// # Errors
/// When the database fails.
pub async fn end(
    t: &mut Tx,
    id: RefundId,
    state: RefundState,
    reference: Option<&str>,
    failure: Option<&str>,
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE refund SET state = $2, reference = COALESCE($3, reference), failure = $4, next_at = NULL, \
        updated_at = $5 WHERE id = $1 AND state = 'PENDING'";
    Ok(q!(t.tx, execute, UPDATE, id.uuid(), state.as_str(), reference, failure, now)? == 1)
}

/// Notes where a refund that stays pending stands: what it is called, under which key it is asked for, and when.
///
/// # Errors
/// When the database fails.
pub async fn note(t: &mut Tx, refund: &RefundRecord, now: Ts) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE refund SET reference = $2, round = $3, doubt = $4, next_at = $5, updated_at = $6 \
        WHERE id = $1 AND state = 'PENDING'";
    let RefundRecord { id, reference, round, doubt, next_at, .. } = refund;
    q!(t.tx, execute, UPDATE, id.uuid(), reference.as_deref(), *round, *doubt, *next_at, now).map(|_| ())
}

/// Makes the refunds of a payment due that have waited for its capture.
///
/// # Errors
/// When the database fails.
pub async fn release(t: &mut Tx, payment: CheckoutId, now: Ts) -> Result<u64, DbError> {
    const UPDATE: &str = "UPDATE refund SET next_at = $2 WHERE payment_id = $1 AND state = 'PENDING'";
    q!(t.tx, execute, UPDATE, payment.uuid(), now)
}

/// Takes refunds about which the provider is to be asked by now: nobody else takes them before `until`.
///
/// # Errors
/// When the database fails.
pub async fn claim_due(t: &mut Tx, now: Ts, until: Ts, limit: i64) -> Result<Vec<RefundRecord>, DbError> {
    let claim = format!(
        "UPDATE refund SET next_at = $2, attempts = attempts + 1 WHERE id IN (SELECT id FROM refund WHERE next_at <= $1 \
         ORDER BY next_at LIMIT $3 {}) RETURNING {}",
        t.skip_locked(),
        columns!()
    );
    let rows: Vec<Row> = q!(t.tx, fetch_all, AssertSqlSafe(claim.as_str()), now, until, limit)?;
    rows.into_iter().map(RefundRecord::try_from).collect()
}
