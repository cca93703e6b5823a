//! What arrived at one end: a log in which nothing hides a doubled effect, and a tally by account. Both services have it.

use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What one account has, as the tally says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) entries: i64,
    pub(super) amount: i64,
}

/// What has not come through yet, or has been given up: of the chassis' own tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Waiting {
    /// Events that are not on the bus yet.
    pub(super) outbox: i64,
    /// Events that were received and are not handled yet.
    pub(super) pending: i64,
    /// Events that were given up.
    pub(super) dead: i64,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arrival {
    /// Its place in the log; the cursor of the list.
    pub(super) place: i64,
    pub(super) entry_id: Uuid,
    pub(super) account: String,
    pub(super) sequence: i64,
    pub(super) amount: i64,
}

/// What the log and the tally say together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// Lines of the log.
    pub(super) lines: i64,
    /// Different entries among them.
    pub(super) different: i64,
    /// The sum of their amounts.
    pub(super) sum: i64,
    /// How many the tally has counted.
    pub(super) tallied: i64,
    /// The tally's sum.
    pub(super) tallied_sum: i64,
    /// How many came after one of the same account that follows them.
    pub(super) late: i64,
    /// How many came before one of the same account that they follow.
    pub(super) gaps: i64,
}

/// Notes an arrival in the log and in the tally.
pub(super) async fn note(
    t: &mut Tx,
    (entry_id, account): (Uuid, &str),
    (sequence, amount): (i64, i64),
    now: Ts,
) -> Result<(), DbError> {
    const LOG: &str = "INSERT INTO arrival (entry_id, account, sequence, amount, arrived_at) \
        VALUES ($1, $2, $3, $4, $5)";
    // An entry without a number (0, from before there were numbers) is neither late nor early.
    const TALLY: &str = "INSERT INTO tally (account, entries, amount, last_sequence, late, gaps) \
        VALUES ($1, 1, $2, $3, 0, CASE WHEN $3 > 1 THEN 1 ELSE 0 END) \
        ON CONFLICT (account) DO UPDATE SET entries = tally.entries + 1, amount = tally.amount + excluded.amount, \
        late = tally.late + CASE WHEN excluded.last_sequence > 0 AND excluded.last_sequence <= tally.last_sequence \
        THEN 1 ELSE 0 END, \
        gaps = tally.gaps + CASE WHEN excluded.last_sequence > tally.last_sequence + 1 THEN 1 ELSE 0 END, \
        last_sequence = CASE WHEN excluded.last_sequence > tally.last_sequence THEN excluded.last_sequence \
        ELSE tally.last_sequence END";
    q!(t.tx, execute, LOG, entry_id, account, sequence, amount, now)?;
    q!(t.tx, execute, TALLY, account, amount, sequence)?;
    Ok(())
}

/// The log after a place, in its order.
pub(super) async fn list(db: &Db, after: i64, limit: i64) -> Result<Vec<Arrival>, DbError> {
    const SELECT: &str = "SELECT place, entry_id, account, sequence, amount FROM arrival WHERE place > $1 \
        ORDER BY place LIMIT $2";
    q!(db.read, fetch_all, SELECT, after, limit)
}

/// What there is.
pub(super) async fn figures(db: &Db) -> Result<Figures, DbError> {
    const SELECT: &str = "SELECT l.lines, l.different, l.sum, t.tallied, t.tallied_sum, t.late, t.gaps \
        FROM (SELECT COUNT(*) AS lines, COUNT(DISTINCT entry_id) AS different, \
            CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS sum FROM arrival) l, \
        (SELECT CAST(COALESCE(SUM(entries), 0) AS BIGINT) AS tallied, \
            CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS tallied_sum, \
            CAST(COALESCE(SUM(late), 0) AS BIGINT) AS late, \
            CAST(COALESCE(SUM(gaps), 0) AS BIGINT) AS gaps FROM tally) t";
    q!(db.read, fetch_one, SELECT)
}

/// What an account has; `None` when nothing of it has arrived.
pub(super) async fn account(db: &Db, name: &str) -> Result<Option<Account>, DbError> {
    q!(db.read, fetch_optional, "SELECT entries, amount FROM tally WHERE account = $1", name)
}

/// What waits.
pub(super) async fn waiting(db: &Db) -> Result<Waiting, DbError> {
    const SELECT: &str = "SELECT (SELECT COUNT(*) FROM outbox) AS outbox, \
        (SELECT COUNT(*) FROM inbox WHERE status = 'pending') AS pending, \
        (SELECT COUNT(*) FROM inbox WHERE status = 'dead') AS dead";
    q!(db.read, fetch_one, SELECT)
}
