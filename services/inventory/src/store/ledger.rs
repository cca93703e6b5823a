//! The ledger: lines are added and read, never changed.

use super::{by_engine, corrupt, count, hex};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use chassis::http::cut_page;
use contract::ids::{CheckoutId, MovementId, ProductId, RefundId, UserId};
use contract::inventory::{Movement, MovementKind};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

/// A line as it travels to the database.
#[derive(Serialize)]
struct Written<'a> {
    i: String,
    p: String,
    n: i64,
    k: &'a str,
    a: i64,
    b: i64,
    o: u32,
    r: u32,
    t: Option<&'a str>,
    u: Option<String>,
    c: Option<String>,
    f: Option<String>,
}

impl<'a> Written<'a> {
    fn of(line: &'a Movement) -> Self {
        Self {
            i: hex(line.id.uuid()),
            p: hex(line.product.uuid()),
            n: line.sequence,
            k: line.kind.as_str(),
            a: line.on_hand_change,
            b: line.reserved_change,
            o: line.on_hand,
            r: line.reserved,
            t: line.reason.as_deref(),
            u: line.by.map(|by| hex(by.uuid())),
            c: line.checkout.map(|checkout| hex(checkout.uuid())),
            f: line.refund.map(|refund| hex(refund.uuid())),
        }
    }
}

/// Adds lines.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, lines: &[Movement], now: Ts) -> Result<(), DbError> {
    const SQLITE: &str = "INSERT INTO movement (id, product_id, seq, kind, on_hand_change, reserved_change, on_hand, \
        reserved, reason, by_user_id, checkout_id, refund_id, at) \
        SELECT unhex(value ->> 'i'), unhex(value ->> 'p'), value ->> 'n', value ->> 'k', value ->> 'a', value ->> 'b', \
        value ->> 'o', value ->> 'r', value ->> 't', unhex(value ->> 'u'), unhex(value ->> 'c'), unhex(value ->> 'f'), $2 \
        FROM json_each($1)";
    const POSTGRES: &str = "INSERT INTO movement (id, product_id, seq, kind, on_hand_change, reserved_change, on_hand, \
        reserved, reason, by_user_id, checkout_id, refund_id, at) \
        SELECT i, p, n, k, a, b, o, r, t, u, c, f, $2 FROM jsonb_to_recordset($1) \
        AS d(i UUID, p UUID, n BIGINT, k TEXT, a BIGINT, b BIGINT, o BIGINT, r BIGINT, t TEXT, u UUID, c UUID, f UUID)";
    let rows: Vec<Written<'_>> = lines.iter().map(Written::of).collect();
    let sql = by_engine(t, SQLITE, POSTGRES);
    q!(t.tx, execute, sql, Json(&rows), now).map(|_| ())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    seq: i64,
    kind: String,
    on_hand_change: i64,
    reserved_change: i64,
    on_hand: i64,
    reserved: i64,
    reason: Option<String>,
    by_user_id: Option<Uuid>,
    checkout_id: Option<Uuid>,
    refund_id: Option<Uuid>,
    at: Ts,
}

impl Row {
    fn line(self, product: ProductId) -> Result<Movement, DbError> {
        Ok(Movement {
            id: MovementId(self.id),
            product,
            sequence: self.seq,
            kind: MovementKind::parse(&self.kind).ok_or_else(|| corrupt("the kind"))?,
            on_hand_change: self.on_hand_change,
            reserved_change: self.reserved_change,
            on_hand: count(self.on_hand, "the number on hand")?,
            reserved: count(self.reserved, "the number reserved")?,
            reason: self.reason,
            by: self.by_user_id.map(UserId),
            checkout: self.checkout_id.map(CheckoutId),
            refund: self.refund_id.map(RefundId),
            at: self.at.to_datetime(),
        })
    }
}

/// The lines of a product before this number, the newest first, at most `limit`, and the number before which the next page
/// begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list_of_product(
    db: &Db,
    product: ProductId,
    before: i64,
    limit: u32,
) -> Result<(Vec<Movement>, Option<i64>), DbError> {
    const SELECT: &str = "SELECT id, seq, kind, on_hand_change, reserved_change, on_hand, reserved, reason, by_user_id, \
        checkout_id, refund_id, at FROM movement WHERE product_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    // One more than is shown, which tells whether a page follows.
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, product.uuid(), before, i64::from(limit) + 1)?;
    let (rows, next) = cut_page(rows, limit, |last| last.seq);
    let lines = rows.into_iter().map(|row| row.line(product)).collect::<Result<_, _>>()?;
    Ok((lines, next))
}
