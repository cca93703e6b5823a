//! Questions and answers.

use super::corrupt;
use crate::domain::conversation::Message;
use crate::domain::number::{count, whole};
use crate::domain::prompt::Said;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, Tx, q};
use chassis::http::{Cursor, cut_page};
use contract::assistant::{MessageRole, MessageStatus, MessageUsage};
use contract::ids::{ConversationId, MessageId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    conversation_id: Uuid,
    question_id: Option<Uuid>,
    role: String,
    status: String,
    text: String,
    citations: String,
    model: Option<String>,
    prompt_tokens: i64,
    completion_tokens: i64,
    cost_micros: i64,
    estimated: bool,
    created_at: Ts,
}

impl TryFrom<Row> for Message {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let citations = serde_json::from_str(&row.citations).map_err(|_| corrupt("the citations"))?;
        Ok(Self {
            id: MessageId(row.id),
            conversation: ConversationId(row.conversation_id),
            question: row.question_id.map(MessageId),
            role: MessageRole::parse(&row.role).ok_or_else(|| corrupt("the role"))?,
            status: MessageStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            text: row.text,
            citations,
            model: row.model,
            usage: MessageUsage {
                prompt_tokens: count(row.prompt_tokens),
                completion_tokens: count(row.completion_tokens),
                cost_micros: count(row.cost_micros),
                estimated: row.estimated,
            },
            created_at: row.created_at,
        })
    }
}

macro_rules! columns {
    () => {
        "id, conversation_id, question_id, role, status, text, citations, model, prompt_tokens, completion_tokens, cost_micros, \
        estimated, created_at"
    };
}

/// Adds a message. `false` when its identifier is taken.
///
/// # Errors
/// When the database fails.
pub async fn insert(t: &mut Tx, new: &Message) -> Result<bool, DbError> {
    const INSERT: &str = "INSERT INTO message (id, conversation_id, question_id, role, status, text, citations, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, '[]', $7) ON CONFLICT (id) DO NOTHING";
    let (id, conversation) = (new.id.uuid(), new.conversation.uuid());
    let question = new.question.map(MessageId::uuid);
    let (role, status) = (new.role.as_str(), new.status.as_str());
    Ok(q!(t.tx, execute, INSERT, id, conversation, question, role, status, &new.text, new.created_at)? == 1)
}

/// A message of a conversation.
///
/// # Errors
/// When the database fails.
pub async fn find_in(t: &mut Tx, of: ConversationId, id: MessageId) -> Result<Option<Message>, DbError> {
    const SELECT: &str =
        concat!("SELECT ", columns!(), " FROM message WHERE id = $1 AND conversation_id = $2");
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, id.uuid(), of.uuid())?;
    row.map(Message::try_from).transpose()
}

/// The answer to a question.
///
/// # Errors
/// When the database fails.
pub async fn find_answer_in(t: &mut Tx, question: MessageId) -> Result<Option<Message>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM message WHERE question_id = $1");
    let row: Option<Row> = q!(t.tx, fetch_optional, SELECT, question.uuid())?;
    row.map(Message::try_from).transpose()
}

/// Keeps an answer as it is now, if it was still being made. Tells whether it was.
///
/// # Errors
/// When the database fails.
pub async fn settle(t: &mut Tx, answer: &Message) -> Result<bool, DbError> {
    const UPDATE: &str = "UPDATE message SET status = $2, text = $3, citations = $4, model = $5, prompt_tokens = prompt_tokens + $6, \
        completion_tokens = completion_tokens + $7, cost_micros = cost_micros + $8, estimated = (estimated OR $9) \
        WHERE id = $1 AND status = 'PENDING'";
    let MessageUsage { prompt_tokens, completion_tokens, cost_micros, estimated } = answer.usage;
    let citations =
        serde_json::to_string(&answer.citations).map_err(|error| DbError::Encode(error.into()))?;
    let kept = q!(
        t.tx,
        execute,
        UPDATE,
        answer.id.uuid(),
        answer.status.as_str(),
        &answer.text,
        &citations,
        answer.model.as_deref(),
        whole(prompt_tokens),
        whole(completion_tokens),
        whole(cost_micros),
        estimated
    )?;
    Ok(kept == 1)
}

/// Has an answer made again that came to nothing whole. What it has cost before stays.
///
/// # Errors
/// When the database fails.
pub async fn begin_again(t: &mut Tx, answer: MessageId) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE message SET status = 'PENDING', text = '', citations = '[]' WHERE id = $1";
    q!(t.tx, execute, UPDATE, answer.uuid()).map(|_| ())
}

/// Says that an answer came to nothing whose maker must have died.
///
/// # Errors
/// When the database fails.
pub async fn fail_abandoned(t: &mut Tx, answer: MessageId) -> Result<(), DbError> {
    const UPDATE: &str = "UPDATE message SET status = 'FAILED' WHERE id = $1 AND status = 'PENDING'";
    q!(t.tx, execute, UPDATE, answer.uuid()).map(|_| ())
}

/// What was asked and wholly answered in a conversation last, the latest first: questions with their answers.
///
/// # Errors
/// When the database fails.
pub async fn history_in(t: &mut Tx, of: ConversationId, limit: i64) -> Result<Vec<[Said; 2]>, DbError> {
    const SELECT: &str = "SELECT asked.text, answered.text FROM message answered JOIN message asked \
        ON asked.id = answered.question_id WHERE answered.conversation_id = $1 AND answered.status = 'COMPLETE' \
        ORDER BY answered.created_at DESC LIMIT $2";
    let rows: Vec<(String, String)> = q!(t.tx, fetch_all, SELECT, of.uuid(), limit)?;
    let said = |(asked, answered)| {
        [(false, asked), (true, answered)].map(|(by_assistant, text)| Said { by_assistant, text })
    };
    Ok(rows.into_iter().map(said).collect())
}

/// The messages of a conversation, the latest first, from behind `after`, and where the page after them begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    of: ConversationId,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Message>, Option<Cursor>), DbError> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM message WHERE conversation_id = $1 AND created_at < $2 ORDER BY created_at DESC LIMIT $3"
    );
    let after = after.unwrap_or(super::BEGINNING);
    // One more than is shown, which tells whether a page follows.
    let rows: Vec<Row> = q!(db.read, fetch_all, SELECT, of.uuid(), after.at, i64::from(limit) + 1)?;
    let (rows, next) = cut_page(rows, limit, |row| Cursor { at: row.created_at, id: row.id });
    Ok((rows.into_iter().map(Message::try_from).collect::<Result<_, _>>()?, next))
}
