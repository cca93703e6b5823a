//! Conversations.

use super::corrupt;
use crate::domain::conversation::Conversation;
use crate::domain::number::{count, whole};
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use chassis::http::{Cursor, cut_page};
use contract::ids::{ConversationId, MessageId, OrganizationId, UserId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    owner_id: Uuid,
    organization_id: Option<Uuid>,
    title: String,
    archived_at: Option<Ts>,
    messages: i64,
    answering: Option<Uuid>,
    busy_until: Option<Ts>,
    version: i64,
    created_at: Ts,
    updated_at: Ts,
}

impl TryFrom<Row> for Conversation {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let answering = match (row.answering, row.busy_until) {
            (Some(answer), Some(until)) => Some((MessageId(answer), until)),
            (None, None) => None,
            _ => return Err(corrupt("what is being answered")),
        };
        Ok(Self {
            id: ConversationId(row.id),
            owner: UserId(row.owner_id),
            organization: row.organization_id.map(OrganizationId),
            title: row.title,
            archived_at: row.archived_at,
            messages: count(row.messages),
            answering,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

macro_rules! columns {
    () => {
        "id, owner_id, organization_id, title, archived_at, messages, answering, busy_until, version, created_at, updated_at"
    };
}

/// Adds a conversation in which nothing was said.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &Conversation) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO conversation (id, owner_id, organization_id, title, version, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let organization = new.organization.map(OrganizationId::uuid);
    q!(
        t.tx,
        execute,
        INSERT,
        new.id.uuid(),
        new.owner.uuid(),
        organization,
        &new.title,
        new.version,
        new.created_at,
        new.updated_at
    )
    .map(|_| ())
}

/// A person's conversation.
///
/// # Errors
/// When the database fails.
pub async fn find_of_owner(
    db: &Db,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<Conversation>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM conversation WHERE id = $1 AND owner_id = $2");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid(), owner.uuid())?;
    row.map(Conversation::try_from).transpose()
}

/// A person's conversation, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn hold_of_owner(
    t: &mut Tx,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<Conversation>, DbError> {
    const HOLD: &str = concat!(
        "UPDATE conversation SET version = version WHERE id = $1 AND owner_id = $2 RETURNING ",
        columns!()
    );
    let row: Option<Row> = q!(t.tx, fetch_optional, HOLD, id.uuid(), owner.uuid())?;
    row.map(Conversation::try_from).transpose()
}

/// Keeps a conversation that is held, as it is now.
///
/// # Errors
/// When the database fails.
pub async fn replace(t: &mut Tx, new: &Conversation) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE conversation SET title = $2, archived_at = $3, messages = $4, answering = $5, busy_until = $6, \
        version = $7, updated_at = $8 WHERE id = $1";
    let (answering, until) = (new.answering.map(|(id, _)| id.uuid()), new.answering.map(|(_, until)| until));
    q!(
        t.tx,
        execute,
        UPDATE,
        new.id.uuid(),
        &new.title,
        new.archived_at,
        whole(new.messages),
        answering,
        until,
        new.version,
        new.updated_at
    )
    .map(|_| ())
}

/// Says that an answer is not being made any more. Tells whether it was, by whoever had until then: a time that is past when
/// somebody else makes it again.
///
/// # Errors
/// When the database fails.
pub async fn end_answer(
    t: &mut Tx,
    id: ConversationId,
    answer: MessageId,
    until: Ts,
) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE conversation SET answering = NULL, busy_until = NULL \
        WHERE id = $1 AND answering = $2 AND busy_until = $3";
    Ok(q!(t.tx, execute, UPDATE, id.uuid(), answer.uuid(), until)? == 1)
}

/// Removes a person's conversation with all that was said in it. Tells whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn delete_of_owner(t: &mut Tx, owner: UserId, id: ConversationId) -> Result<bool, DbError> {
    const DELETE: &str = "DELETE FROM conversation WHERE id = $1 AND owner_id = $2";
    Ok(q!(t.tx, execute, DELETE, id.uuid(), owner.uuid())? == 1)
}

/// A person's conversations, those that are put away or the others, the latest first, from behind `after`, and where the page
/// after them begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list_of_owner(
    db: &Db,
    owner: UserId,
    archived: bool,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Conversation>, Option<Cursor>), DbError> {
    const KEPT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM conversation WHERE owner_id = $1 AND archived_at IS NULL AND (updated_at, id) < ($2, $3) \
        ORDER BY updated_at DESC, id DESC LIMIT $4"
    );
    const ARCHIVED: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM conversation WHERE owner_id = $1 AND archived_at IS NOT NULL AND (updated_at, id) < ($2, $3) \
        ORDER BY updated_at DESC, id DESC LIMIT $4"
    );
    let after = after.unwrap_or(super::BEGINNING);
    let sql = if archived { ARCHIVED } else { KEPT };
    // One more than is shown, which tells whether a page follows.
    let more = i64::from(limit) + 1;
    let rows: Vec<Row> = q!(db.read, fetch_all, sql, owner.uuid(), after.at, after.id, more)?;
    let (rows, next) = cut_page(rows, limit, |row| Cursor { at: row.updated_at, id: row.id });
    Ok((rows.into_iter().map(Conversation::try_from).collect::<Result<_, _>>()?, next))
}

/// Ends what nobody can be answering any more: whoever did must have died. Tells how many.
///
/// # Errors
/// When the database fails.
pub async fn free_abandoned(t: &mut Tx, now: Ts) -> Result<u64, DbError> {
    // The conversation before its message, as everybody else takes them.
    const HOLD: &str = "UPDATE conversation SET version = version WHERE busy_until <= $1";
    const FAIL: &str = "UPDATE message SET status = 'FAILED' WHERE status = 'PENDING' AND id IN (SELECT answering FROM \
        conversation WHERE busy_until <= $1)";
    const FREE: &str = "UPDATE conversation SET answering = NULL, busy_until = NULL WHERE busy_until <= $1";
    if q!(t.tx, execute, HOLD, now)? == 0 {
        return Ok(0);
    }
    q!(t.tx, execute, FAIL, now)?;
    q!(t.tx, execute, FREE, now)
}
