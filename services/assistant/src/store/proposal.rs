//! What the assistant would do. Whose it is and in which conversation stands in every statement that somebody asks for.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use contract::assistant::{Proposal, ProposalStatus};
use contract::ids::{ConversationId, ProposalId, UserId};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    conversation_id: Uuid,
    tool: String,
    arguments: Json<Value>,
    summary: String,
    status: String,
    result: Option<Json<Value>>,
    failure: Option<String>,
    created_at: Ts,
    expires_at: Ts,
}

impl Row {
    /// The proposal as it stands now: one that nobody has decided on in time has expired.
    fn at(self, now: Ts) -> Result<Proposal, DbError> {
        let status = match ProposalStatus::parse(&self.status).ok_or_else(|| corrupt("the status"))? {
            ProposalStatus::Proposed if self.expires_at <= now => ProposalStatus::Expired,
            status => status,
        };
        Ok(Proposal {
            id: ProposalId(self.id),
            conversation: ConversationId(self.conversation_id),
            tool: self.tool,
            arguments: self.arguments.0,
            summary: self.summary,
            status,
            result: self.result.map(|result| result.0),
            failure: self.failure,
            created_at: self.created_at.to_datetime(),
            expires_at: self.expires_at.to_datetime(),
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, conversation_id, tool, arguments, summary, status, result, failure, created_at, expires_at \
             FROM proposal WHERE user_id = $1 AND conversation_id = $2 ",
            $rest
        )
    };
}

/// Keeps a proposal, if the conversation is this person's and so many do not wait in it already.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &Db, user: UserId, proposal: &Proposal, most: u32) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO proposal (id, conversation_id, user_id, tool, arguments, summary, status, created_at, expires_at) \
        SELECT $1, c.id, c.owner_id, $4, $5, $6, 'PROPOSED', $7, $8 FROM conversation c WHERE c.id = $2 AND c.owner_id = $3 \
        AND (SELECT COUNT(*) FROM proposal p WHERE p.conversation_id = $2 AND p.status = 'PROPOSED' AND p.expires_at > $7) < $9";
    let (made, until) = (Ts::from_datetime(proposal.created_at), Ts::from_datetime(proposal.expires_at));
    let inserted = q!(
        db.write,
        execute,
        INSERT,
        proposal.id.uuid(),
        proposal.conversation.uuid(),
        user.uuid(),
        &proposal.tool,
        Json(&proposal.arguments),
        &proposal.summary,
        made,
        until,
        i64::from(most)
    )?;
    Ok(inserted == 1)
}

/// Whether a conversation is this person's.
///
/// # Errors
/// When the database fails.
pub async fn is_conversation_of(db: &Db, user: UserId, id: ConversationId) -> Result<bool, DbError> {
    const COUNT: &str = "SELECT COUNT(*) FROM conversation WHERE id = $1 AND owner_id = $2";
    let count: i64 = q!(db.read, scalar, COUNT, id.uuid(), user.uuid())?;
    Ok(count == 1)
}

/// The latest proposals of a person's conversation.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    user: UserId,
    conversation: ConversationId,
    now: Ts,
    limit: u32,
) -> Result<Vec<Proposal>, DbError> {
    const SELECT: &str = select!("ORDER BY created_at DESC, id DESC LIMIT $3");
    let (user, conversation) = (user.uuid(), conversation.uuid());
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, user, conversation, i64::from(limit))?;
    rows.into_iter().map(|row| row.at(now)).collect()
}

/// A proposal of a person's conversation.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &Db,
    user: UserId,
    conversation: ConversationId,
    id: ProposalId,
    now: Ts,
) -> Result<Option<Proposal>, DbError> {
    const SELECT: &str = select!("AND id = $3");
    let (user, conversation) = (user.uuid(), conversation.uuid());
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, user, conversation, id.uuid())?;
    row.map(|row| row.at(now)).transpose()
}

/// The same, as this transaction sees it.
///
/// # Errors
/// When the database fails.
pub async fn find_in(
    tx: &mut Tx,
    user: UserId,
    conversation: ConversationId,
    id: ProposalId,
    now: Ts,
) -> Result<Option<Proposal>, DbError> {
    const SELECT: &str = select!("AND id = $3");
    let (user, conversation) = (user.uuid(), conversation.uuid());
    let row: Option<Row> = q!(tx.tx, fetch_optional, SELECT, user, conversation, id.uuid())?;
    row.map(|row| row.at(now)).transpose()
}

/// A proposal that somebody carries out, and until when nobody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The proposal.
    pub id: ProposalId,
    /// Until when; also what tells this holder from a later one.
    pub until: Ts,
}

/// How it has ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It was done, with this result.
    Done(Value),
    /// It could not be done, for this reason.
    Failed(String),
}

/// Holds a proposal in order to carry it out: one that waits and has not expired, or one that was confirmed and is not held by
/// anybody any more, unless it was made before `oldest`.
///
/// # Errors
/// When the database fails.
pub async fn hold(
    db: &Db,
    user: UserId,
    conversation: ConversationId,
    held: Held,
    now: Ts,
    oldest: Ts,
) -> Result<bool, DbError> {
    const HOLD: &str = "UPDATE proposal SET status = 'CONFIRMED', held_until = $4 \
        WHERE id = $3 AND user_id = $1 AND conversation_id = $2 AND created_at > $6 \
        AND ((status = 'PROPOSED' AND expires_at > $5) OR (status = 'CONFIRMED' AND held_until <= $5))";
    let (user, conversation) = (user.uuid(), conversation.uuid());
    Ok(q!(db.write, execute, HOLD, user, conversation, held.id.uuid(), held.until, now, oldest)? == 1)
}

/// Until when a proposal is held, if it is.
///
/// # Errors
/// When the database fails.
pub async fn held_until(db: &Db, id: ProposalId) -> Result<Option<Ts>, DbError> {
    const SELECT: &str = "SELECT held_until FROM proposal WHERE id = $1 AND held_until IS NOT NULL";
    let row: Option<(Ts,)> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    Ok(row.map(|(until,)| until))
}

/// Lets a proposal go whose call may be made again at once.
///
/// # Errors
/// When the database fails.
pub async fn release(db: &Db, held: Held, now: Ts) -> Result<(), DbError> {
    const RELEASE: &str =
        "UPDATE proposal SET held_until = $3 WHERE id = $1 AND held_until = $2 AND status = 'CONFIRMED'";
    q!(db.write, execute, RELEASE, held.id.uuid(), held.until, now).map(|_| ())
}

/// Writes how a proposal has ended. `false` when somebody else holds it by now.
///
/// # Errors
/// When the database fails.
pub async fn finish(tx: &mut Tx, held: Held, ending: &Ending) -> Result<bool, DbError> {
    const FINISH: &str = "UPDATE proposal SET status = $3, result = $4, failure = $5, held_until = NULL \
        WHERE id = $1 AND held_until = $2 AND status = 'CONFIRMED'";
    let (status, result, failure) = match ending {
        Ending::Done(result) => (ProposalStatus::Done, Some(Json(result)), None),
        Ending::Failed(reason) => (ProposalStatus::Failed, None, Some(reason)),
    };
    Ok(q!(tx.tx, execute, FINISH, held.id.uuid(), held.until, status.as_str(), &result, failure)? == 1)
}

/// Declines a proposal that waits. `false` when it does not.
///
/// # Errors
/// When the database fails.
pub async fn decline(
    tx: &mut Tx,
    user: UserId,
    conversation: ConversationId,
    id: ProposalId,
    now: Ts,
) -> Result<bool, DbError> {
    const DECLINE: &str = "UPDATE proposal SET status = 'DECLINED' \
        WHERE id = $3 AND user_id = $1 AND conversation_id = $2 AND status = 'PROPOSED' AND expires_at > $4";
    let (user, conversation) = (user.uuid(), conversation.uuid());
    Ok(q!(tx.tx, execute, DECLINE, user, conversation, id.uuid(), now)? == 1)
}
