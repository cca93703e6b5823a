//! Taking a question in: it is written down, with an answer that is still to be made, before anybody is asked.

use super::App;
use crate::domain::conversation::{Conversation, Message, title_of};
use crate::domain::prompt::Said;
use crate::error::{AssistantError, AssistantResult};
use crate::store::{conversation, message};
use chassis::clock::Ts;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::assistant::{MessageRole, MessageStatus, MessageUsage, SendMessage};
use contract::ids::{ConversationId, MessageId};
use std::time::Duration;

/// Questions with their answers that are looked at for what was said before.
const HISTORY: i64 = 20;
/// Behind the deadline of an answer, whoever makes it has this long to write down what became of it.
pub(super) const TO_WRITE_DOWN: Duration = Duration::from_secs(60);

/// What became of a question that was sent.
pub(crate) enum Begun {
    /// It is to be answered.
    Asked(Box<Asked>),
    /// It was answered before: question and answer.
    Answered(Box<(Message, Message)>),
}

/// A question that is to be answered.
pub(crate) struct Asked {
    pub(super) conversation: Conversation,
    pub(super) question: Message,
    pub(super) answer: Message,
    /// What was said before, the oldest first.
    pub(super) history: Vec<Said>,
    /// When whoever answers must have died.
    pub(super) expires_at: Ts,
}

impl App {
    /// Takes a question in. One at a time is answered in a conversation.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] also for another's conversation, [`AssistantError::NotAMember`],
    /// [`AssistantError::Busy`] and [`AssistantError::IdTaken`].
    pub(crate) async fn begin(
        &self,
        who: &Principal,
        id: ConversationId,
        asked: &SendMessage,
    ) -> AssistantResult<Begun> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let held = conversation::hold_of_owner(&mut tx, who.user(), id).await?;
        let mut held = held.ok_or(AssistantError::NotFound("conversation"))?;
        if held.organization.is_some_and(|organization| who.role_in(organization).is_none()) {
            return Err(AssistantError::NotAMember);
        }
        let before = match asked.id {
            Some(question) => self.asked_before(&mut tx, id, question, &asked.text).await?,
            None => None,
        };
        let before = match before {
            Some(pair) if pair.1.status == MessageStatus::Complete => {
                return Ok(Begun::Answered(Box::new(pair)));
            }
            before => before,
        };
        if let Some(wait) = held.busy_for(now) {
            return Err(AssistantError::Busy { wait });
        }
        if let Some((abandoned, _)) = held.answering {
            message::fail_abandoned(&mut tx, abandoned).await?;
        }
        let (question, answer) = match before {
            Some((question, answer)) => {
                message::begin_again(&mut tx, answer.id).await?;
                (question, Message { usage: MessageUsage::default(), ..answer })
            }
            None => self.write_down(&mut tx, &mut held, asked, now).await?,
        };
        let history = self.history(&mut tx, id).await?;
        let expires_at = now + self.config.deadline() + TO_WRITE_DOWN;
        held.answering = Some((answer.id, expires_at));
        held.version += 1;
        held.updated_at = held.updated_at.max(now);
        conversation::replace(&mut tx, &held).await?;
        tx.commit().await?;
        Ok(Begun::Asked(Box::new(Asked { conversation: held, question, answer, history, expires_at })))
    }

    /// The question that the client sent before under this identifier, and its answer.
    async fn asked_before(
        &self,
        tx: &mut Tx,
        of: ConversationId,
        question: MessageId,
        text: &str,
    ) -> AssistantResult<Option<(Message, Message)>> {
        let Some(found) = message::find_in(tx, of, question).await? else { return Ok(None) };
        if found.role != MessageRole::User || found.text != text.trim() {
            return Err(AssistantError::IdTaken);
        }
        let answer = message::find_answer_in(tx, question).await?;
        Ok(answer.map(|answer| (found, answer)))
    }

    async fn write_down(
        &self,
        tx: &mut Tx,
        held: &mut Conversation,
        asked: &SendMessage,
        now: Ts,
    ) -> AssistantResult<(Message, Message)> {
        let at = held.next_time(now);
        let question = Message {
            id: asked.id.unwrap_or_else(MessageId::new),
            conversation: held.id,
            question: None,
            role: MessageRole::User,
            status: MessageStatus::Complete,
            text: asked.text.trim().to_owned(),
            citations: Vec::new(),
            model: None,
            usage: MessageUsage::default(),
            created_at: at,
        };
        let answer = Message {
            id: MessageId::new(),
            question: Some(question.id),
            role: MessageRole::Assistant,
            status: MessageStatus::Pending,
            text: String::new(),
            created_at: at + Duration::from_micros(1),
            ..question.clone()
        };
        for message in [&question, &answer] {
            if !message::insert(tx, message).await? {
                return Err(AssistantError::IdTaken);
            }
        }
        if held.title.is_empty() {
            held.title = title_of(&question.text);
        }
        held.messages += 2;
        held.updated_at = answer.created_at;
        Ok((question, answer))
    }

    /// What was said before, the oldest first, as much as fits.
    async fn history(&self, tx: &mut Tx, id: ConversationId) -> AssistantResult<Vec<Said>> {
        let mut room = usize::try_from(self.config.history_bytes).unwrap_or(usize::MAX);
        let mut kept = Vec::new();
        for pair in message::history_in(tx, id, HISTORY).await? {
            let bytes = pair.iter().map(|said| said.text.len()).sum();
            let Some(left) = room.checked_sub(bytes) else { break };
            room = left;
            kept.push(pair);
        }
        Ok(kept.into_iter().rev().flatten().collect())
    }
}
