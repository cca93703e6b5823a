//! What reconciliation found. One row for each kind of difference of a payment or charge, however often it is seen.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::CheckoutId;
use contract::payments::{FindingKind, ListFindings, ReconciliationFinding};
use uuid::Uuid;

/// A difference, as it was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How the books differ.
    pub kind: FindingKind,
    /// The payment, if there is one.
    pub payment: Option<CheckoutId>,
    /// What the provider calls the charge, if there is one.
    pub reference: Option<String>,
    /// In words.
    pub detail: String,
    /// When the payment or charge was made.
    pub subject_at: Ts,
}

impl Seen {
    /// What tells it from others of its kind.
    fn subject(&self) -> String {
        match (self.kind, self.payment, &self.reference) {
            (FindingKind::SecondCharge | FindingKind::UnknownCharge, _, Some(reference)) => reference.clone(),
            (_, Some(payment), _) => payment.to_string(),
            (_, None, reference) => reference.clone().unwrap_or_default(),
        }
    }
}

/// Notes a difference; one that was noted before, or closed, is open again.
///
/// # Errors
/// When the database fails.
pub async fn note(t: &mut Tx, seen: &Seen, now: Ts) -> Result<(), DbError> {
    const UPSERT: &str = "INSERT INTO reconciliation_finding \
        (id, kind, subject, payment_id, reference, detail, subject_at, first_seen, last_seen, closed_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, NULL) ON CONFLICT (kind, subject) \
        DO UPDATE SET detail = excluded.detail, last_seen = excluded.last_seen, closed_at = NULL";
    let (payment, subject) = (seen.payment.map(CheckoutId::uuid), seen.subject());
    let (kind, reference) = (seen.kind.as_str(), seen.reference.as_deref());
    let (id, detail) = (Uuid::now_v7(), seen.detail.as_str());
    q!(t.tx, execute, UPSERT, id, kind, subject.as_str(), payment, reference, detail, seen.subject_at, now)
        .map(|_| ())
}

/// Closes what was looked at and not seen any more: about payments and charges made at `since` or later, and last seen
/// before `before`.
///
/// # Errors
/// When the database fails.
pub async fn close(t: &mut Tx, since: Ts, before: Ts, now: Ts) -> Result<u64, DbError> {
    const UPDATE: &str = "UPDATE reconciliation_finding SET closed_at = $3 \
        WHERE closed_at IS NULL AND subject_at >= $1 AND last_seen < $2";
    q!(t.tx, execute, UPDATE, since, before, now)
}

/// How many findings of each kind are open.
///
/// # Errors
/// When the database fails.
pub async fn count_open(db: &Db) -> Result<Vec<(FindingKind, i64)>, DbError> {
    const SELECT: &str =
        "SELECT kind, COUNT(*) FROM reconciliation_finding WHERE closed_at IS NULL GROUP BY kind";
    let rows: Vec<(String, i64)> = q!(db.read, fetch_all, SELECT)?;
    rows.into_iter().map(|(kind, count)| Ok((parse(&kind)?, count))).collect()
}

fn parse(kind: &str) -> Result<FindingKind, DbError> {
    FindingKind::parse(kind).ok_or_else(|| corrupt("a kind of finding"))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    payment_id: Option<Uuid>,
    reference: Option<String>,
    detail: String,
    first_seen: Ts,
    last_seen: Ts,
    closed_at: Option<Ts>,
}

impl TryFrom<Row> for ReconciliationFinding {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id,
            kind: parse(&row.kind)?,
            payment: row.payment_id.map(CheckoutId),
            reference: row.reference,
            detail: row.detail,
            first_seen: row.first_seen.to_datetime(),
            last_seen: row.last_seen.to_datetime(),
            closed_at: row.closed_at.map(Ts::to_datetime),
        })
    }
}

/// Findings, the last seen first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, query: ListFindings) -> Result<Vec<ReconciliationFinding>, DbError> {
    const OPEN: &str = "SELECT id, kind, payment_id, reference, detail, first_seen, last_seen, closed_at \
        FROM reconciliation_finding WHERE closed_at IS NULL ORDER BY last_seen DESC, id DESC LIMIT $1";
    const ALL: &str = "SELECT id, kind, payment_id, reference, detail, first_seen, last_seen, closed_at \
        FROM reconciliation_finding ORDER BY last_seen DESC, id DESC LIMIT $1";
    let sql = if query.closed { ALL } else { OPEN };
    let rows: Vec<Row> = q!(db.read, fetch_all, sql, i64::from(query.limit))?;
    rows.into_iter().map(ReconciliationFinding::try_from).collect()
}
