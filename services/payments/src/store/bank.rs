//! The books of the sandbox's bank. Only the sandbox uses them: they stand for somebody else's database.

use super::corrupt;
use crate::domain::charge::{Charge, ChargeState, ReturnState, Returned};
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};
use contract::ids::{CheckoutId, RefundId};
use contract::money::{Currency, Money};
use uuid::Uuid;

macro_rules! columns {
    () => {
        "reference, made_by, checkout, card, amount, currency, state, captured, refunded, refusal, ripe_at, created_at"
    };
}

/// A charge in the bank's books. It has no `Debug`: it holds a card's token.
pub struct Kept {
    /// The charge as the bank tells of it.
    pub charge: Charge,
    /// The idempotency key of the request that made it.
    pub made_by: String,
    /// The card.
    pub card: String,
    /// When a slow card answers.
    pub ripe_at: Option<Ts>,
}

#[derive(sqlx::FromRow)]
struct Row {
    reference: String,
    made_by: String,
    checkout: Uuid,
    card: String,
    amount: i64,
    currency: String,
    state: String,
    captured: i64,
    refunded: i64,
    refusal: Option<String>,
    ripe_at: Option<Ts>,
    created_at: Ts,
}

impl TryFrom<Row> for Kept {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let currency = Currency::parse(&row.currency).ok_or_else(|| corrupt("a currency"))?;
        let charge = Charge {
            reference: row.reference,
            checkout: Some(CheckoutId(row.checkout)),
            state: ChargeState::parse(&row.state).ok_or_else(|| corrupt("a state of a charge"))?,
            amount: Money::new(row.amount, currency),
            captured: row.captured,
            refunded: Some(row.refunded),
            refusal: row.refusal,
            action: None,
            created_at: row.created_at,
        };
        Ok(Self { charge, made_by: row.made_by, card: row.card, ripe_at: row.ripe_at })
    }
}

fn one(row: Option<Row>) -> Result<Option<Kept>, DbError> {
    row.map(Kept::try_from).transpose()
}

fn all(rows: Vec<Row>) -> Result<Vec<Kept>, DbError> {
    rows.into_iter().map(Kept::try_from).collect()
}

/// Writes a new charge. Tells whether its key made none before.
///
/// # Errors
/// When the database fails.
pub async fn insert_charge(t: &mut Tx, checkout: CheckoutId, new: &Kept) -> Result<bool, DbError> {
    const INSERT: &str = concat!(
        "INSERT INTO sandbox_charge (",
        columns!(),
        ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (made_by) DO NOTHING"
    );
    let Kept { charge, made_by, card, ripe_at } = new;
    let made = q!(
        t.tx,
        execute,
        INSERT,
        charge.reference.as_str(),
        made_by.as_str(),
        checkout.uuid(),
        card.as_str(),
        charge.amount.amount,
        charge.amount.currency.code(),
        charge.state.as_str(),
        charge.captured,
        charge.refunded.unwrap_or_default(),
        charge.refusal.as_deref(),
        *ripe_at,
        charge.created_at
    )?;
    Ok(made == 1)
}

/// The charge that a key made.
///
/// # Errors
/// When the database fails.
pub async fn charge_made_by(t: &mut Tx, key: &str) -> Result<Option<Kept>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM sandbox_charge WHERE made_by = $1");
    one(q!(t.tx, fetch_optional, SELECT, key)?)
}

/// A charge, inside a transaction.
///
/// # Errors
/// When the database fails.
pub async fn charge_in(t: &mut Tx, reference: &str) -> Result<Option<Kept>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM sandbox_charge WHERE reference = $1");
    one(q!(t.tx, fetch_optional, SELECT, reference)?)
}

/// A charge.
///
/// # Errors
/// When the database fails.
pub async fn charge(db: &Db, reference: &str) -> Result<Option<Kept>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM sandbox_charge WHERE reference = $1");
    one(q!(db.read, fetch_optional, SELECT, reference)?)
}

/// The charge of a payment: the one that is good for something, where there are several.
///
/// # Errors
/// When the database fails.
pub async fn charge_of(db: &Db, checkout: CheckoutId) -> Result<Option<Kept>, DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM sandbox_charge WHERE checkout = $1 \
        ORDER BY CASE WHEN state IN ('failed', 'canceled') THEN 1 ELSE 0 END, created_at, reference LIMIT 1"
    );
    one(q!(db.read, fetch_optional, SELECT, checkout.uuid())?)
}

/// Moves a charge from one of `from` to another state. Gives the charge as it is then, if it was in one of them.
///
/// # Errors
/// When the database fails.
pub async fn move_charge(
    t: &mut Tx,
    reference: &str,
    from: &[ChargeState],
    to: ChargeState,
) -> Result<Option<Kept>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE sandbox_charge SET state = $2, ripe_at = NULL, captured = CASE WHEN $2 = 'captured' THEN amount ELSE captured END \
         WHERE reference = $1 AND state IN ($3, $4, $5) RETURNING ",
        columns!()
    );
    let place = |n: usize| from.get(n).map_or("", |state| state.as_str());
    one(q!(t.tx, fetch_optional, UPDATE, reference, to.as_str(), place(0), place(1), place(2))?)
}

/// Charges of slow cards that answer by now: they are authorised.
///
/// # Errors
/// When the database fails.
pub async fn ripen(t: &mut Tx, now: Ts, limit: i64) -> Result<Vec<Kept>, DbError> {
    let update = format!(
        "UPDATE sandbox_charge SET state = 'authorized', ripe_at = NULL WHERE reference IN (SELECT reference \
         FROM sandbox_charge WHERE ripe_at <= $1 ORDER BY ripe_at LIMIT $2 {}) RETURNING {}",
        t.skip_locked(),
        columns!()
    );
    all(q!(t.tx, fetch_all, AssertSqlSafe(update.as_str()), now, limit)?)
}

/// Charges that were made at `since` or later, behind `after`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, since: Ts, after: Option<&str>, limit: i64) -> Result<Vec<Kept>, DbError> {
    const FIRST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM sandbox_charge WHERE created_at >= $1 ORDER BY created_at, reference LIMIT $2"
    );
    const NEXT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM sandbox_charge WHERE (created_at, reference) > (SELECT created_at, reference FROM sandbox_charge \
         WHERE reference = $3) AND created_at >= $1 ORDER BY created_at, reference LIMIT $2"
    );
    all(match after {
        None => q!(db.read, fetch_all, FIRST, since, limit)?,
        Some(after) => q!(db.read, fetch_all, NEXT, since, limit, after)?,
    })
}

#[derive(sqlx::FromRow)]
struct ReturnRow {
    made_by: String,
    refund: Uuid,
    amount: i64,
    state: String,
}

impl From<ReturnRow> for Returned {
    fn from(row: ReturnRow) -> Self {
        let failed = row.state == "failed";
        Self {
            reference: row.made_by,
            refund: Some(RefundId(row.refund)),
            state: if failed { ReturnState::Failed } else { ReturnState::Succeeded },
            amount: row.amount,
            refusal: failed.then(|| "The card does not take money back.".to_owned()),
        }
    }
}

/// Writes a refund. Tells whether its key made none before.
///
/// # Errors
/// When the database fails.
pub async fn insert_refund(
    t: &mut Tx,
    refund: &crate::provider::NewRefund,
    failed: bool,
    now: Ts,
) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO sandbox_refund (made_by, refund, charge, amount, state, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (made_by) DO NOTHING";
    let state = if failed { "failed" } else { "succeeded" };
    let (key, amount) = (refund.key.as_str(), refund.amount.amount);
    Ok(q!(t.tx, execute, INSERT, key, refund.refund.uuid(), refund.charge.as_str(), amount, state, now)? == 1)
}

/// The refund that a key made.
///
/// # Errors
/// When the database fails.
pub async fn refund_made_by(t: &mut Tx, key: &str) -> Result<Option<Returned>, DbError> {
    const SELECT: &str = "SELECT made_by, refund, amount, state FROM sandbox_refund WHERE made_by = $1";
    let row: Option<ReturnRow> = q!(t.tx, fetch_optional, SELECT, key)?;
    Ok(row.map(Returned::from))
}

/// A refund of a charge.
///
/// # Errors
/// When the database fails.
pub async fn refund_of(db: &Db, charge: &str, refund: RefundId) -> Result<Option<Returned>, DbError> {
    const SELECT: &str =
        "SELECT made_by, refund, amount, state FROM sandbox_refund WHERE charge = $1 AND refund = $2";
    let row: Option<ReturnRow> = q!(db.read, fetch_optional, SELECT, charge, refund.uuid())?;
    Ok(row.map(Returned::from))
}

/// Takes money back out of a charge. Tells whether there was as much.
///
/// # Errors
/// When the database fails.
pub async fn give_back(t: &mut Tx, reference: &str, amount: i64) -> Result<Option<Kept>, DbError> {
    const UPDATE: &str = concat!(
        "UPDATE sandbox_charge SET refunded = refunded + $2 \
         WHERE reference = $1 AND state = 'captured' AND refunded + $2 <= captured RETURNING ",
        columns!()
    );
    one(q!(t.tx, fetch_optional, UPDATE, reference, amount)?)
}

/// Notes a mishap. Tells whether it is the first of its name.
///
/// # Errors
/// When the database fails.
pub async fn mishap(t: &mut Tx, name: &str) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO sandbox_mishap (made_by) VALUES ($1) ON CONFLICT (made_by) DO NOTHING";
    Ok(q!(t.tx, execute, INSERT, name)? == 1)
}

/// Whether there was a mishap of this name.
///
/// # Errors
/// When the database fails.
pub async fn had_mishap(t: &mut Tx, name: &str) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT COUNT(*) FROM sandbox_mishap WHERE made_by = $1";
    let count: i64 = q!(t.tx, scalar, SELECT, name)?;
    Ok(count > 0)
}

/// A webhook that is still to be sent.
#[derive(Debug, sqlx::FromRow)]
pub struct Outgoing {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: String,
    /// How often it is still to be sent.
    pub copies: i64,
}

/// Puts a webhook down to be sent.
///
/// # Errors
/// When the database fails.
pub async fn insert_webhook(t: &mut Tx, new: &Outgoing, due: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO sandbox_webhook (id, body, copies, due_at) VALUES ($1, $2, $3, $4)";
    q!(t.tx, execute, INSERT, new.id.as_str(), new.body.as_str(), new.copies, due).map(|_| ())
}

/// Whether a webhook is to be sent or a slow card answers by now.
///
/// # Errors
/// When the database fails.
pub async fn anything_due(db: &Db, now: Ts) -> Result<bool, DbError> {
    const SELECT: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM sandbox_webhook WHERE due_at <= $1) \
        OR EXISTS (SELECT 1 FROM sandbox_charge WHERE ripe_at <= $1) THEN 1 ELSE 0 END";
    let due: i32 = q!(db.read, scalar, SELECT, now)?;
    Ok(due == 1)
}

/// Takes webhooks that are to be sent by now: nobody else takes them before `until`.
///
/// # Errors
/// When the database fails.
pub async fn claim_webhooks(t: &mut Tx, now: Ts, until: Ts, limit: i64) -> Result<Vec<Outgoing>, DbError> {
    let claim = format!(
        "UPDATE sandbox_webhook SET due_at = $2 WHERE id IN (SELECT id FROM sandbox_webhook WHERE due_at <= $1 \
         ORDER BY due_at LIMIT $3 {}) RETURNING id, body, copies",
        t.skip_locked()
    );
    q!(t.tx, fetch_all, AssertSqlSafe(claim.as_str()), now, until, limit)
}

/// Notes that a webhook was taken: it is sent again as long as copies are left.
///
/// # Errors
/// When the database fails.
pub async fn webhook_sent(t: &mut Tx, sent: &Outgoing, again: Ts) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM sandbox_webhook WHERE id = $1";
    const AGAIN: &str = "UPDATE sandbox_webhook SET copies = copies - 1, due_at = $2 WHERE id = $1";
    let id = sent.id.as_str();
    match sent.copies {
        ..=1 => q!(t.tx, execute, DELETE, id),
        _ => q!(t.tx, execute, AGAIN, id, again),
    }
    .map(|_| ())
}

/// Takes back a refund for which there is not as much left.
///
/// # Errors
/// When the database fails.
pub async fn delete_refund(t: &mut Tx, key: &str) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM sandbox_refund WHERE made_by = $1";
    q!(t.tx, execute, DELETE, key).map(|_| ())
}
