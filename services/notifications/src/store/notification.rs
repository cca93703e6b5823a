//! Messages, one by one.

use super::corrupt;
use crate::domain::message::{Message, Recipient};
use crate::domain::template::{Facts, Rendered};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::ids::{NotificationId, OrderId, UserId};
use contract::notifications::NotificationKind;
use sqlx::types::Json;
use uuid::Uuid;

/// Adds a message. `false` when there is one of its kind, subject and recipient already.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, id: NotificationId, message: &Message, now: Ts) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO notification (id, kind, subject, recipient, user_id, address, order_id, facts, state, \
        created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'QUEUED', $9) \
        ON CONFLICT (kind, subject, recipient) DO NOTHING";
    let Message { kind, subject, to, order, facts } = message;
    let (user, address) = match to {
        Recipient::User(user) => (Some(user.uuid()), None),
        Recipient::Address(address) => (None, Some(address.as_str())),
    };
    let (key, order) = (to.key(), order.map(OrderId::uuid));
    let facts = Json(facts);
    let inserted = q!(
        tx.tx,
        execute,
        INSERT,
        id.uuid(),
        kind.as_str(),
        subject,
        &key,
        user,
        address,
        order,
        &facts,
        now
    )?;
    Ok(inserted == 1)
}

/// Notes which job sends it.
///
/// # Errors
/// When the database fails.
pub async fn set_job(tx: &mut Tx, id: NotificationId, job: Uuid) -> Result<(), DbError> {
    q!(tx.tx, execute, "UPDATE notification SET job_id = $2 WHERE id = $1", id.uuid(), job).map(|_| ())
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    subject: String,
    user_id: Option<Uuid>,
    address: Option<String>,
    order_id: Option<Uuid>,
    facts: Json<Facts>,
}

impl TryFrom<Row> for Message {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let to = match (row.user_id, row.address) {
            (Some(user), None) => Recipient::User(UserId(user)),
            (None, Some(address)) => Recipient::Address(address),
            (None, None) | (Some(_), Some(_)) => return Err(corrupt("the recipient")),
        };
        Ok(Self {
            kind: NotificationKind::parse(&row.kind).ok_or_else(|| corrupt("the kind"))?,
            subject: row.subject,
            to,
            order: row.order_id.map(OrderId),
            facts: row.facts.0,
        })
    }
}

/// A message that is still to be written; `None` when it was settled, or is gone.
///
/// # Errors
/// When the database fails.
pub async fn find_queued(db: &Db, id: NotificationId) -> Result<Option<Message>, DbError> {
    const SELECT: &str = "SELECT kind, subject, user_id, address, order_id, facts FROM notification \
        WHERE id = $1 AND state = 'QUEUED'";
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    row.map(Message::try_from).transpose()
}

/// Notes that a message was written and given to the mail. `false` when it was settled already.
///
/// # Errors
/// When the database fails.
pub async fn mailed(
    tx: &mut Tx,
    id: NotificationId,
    letter: &Rendered,
    mail: Uuid,
    now: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE notification SET state = 'MAILED', title = $2, text = $3, mail_id = $4, settled_at = $5, \
        facts = $6 WHERE id = $1 AND state = 'QUEUED'";
    let (title, text, none) = (&letter.subject, &letter.text, Json(Facts::new()));
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), title, text, mail, now, &none)? == 1)
}

/// Notes that a message is not sent. `false` when it was settled already.
///
/// # Errors
/// When the database fails.
pub async fn skipped(tx: &mut Tx, id: NotificationId, why: &str, now: Ts) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE notification SET state = 'SKIPPED', why = $2, settled_at = $3, facts = $4 \
        WHERE id = $1 AND state = 'QUEUED'";
    let none = Json(Facts::new());
    Ok(q!(tx.tx, execute, UPDATE, id.uuid(), why, now, &none)? == 1)
}
