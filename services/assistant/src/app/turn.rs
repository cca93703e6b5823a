//! A question on its way to its answer, and the worker that has answers made.
//!
//! An answer is made in a task of the worker and not in that of the request: when who asked goes away, what was used must still
//! be settled. The request only listens; who stops listening cancels the answer.

use super::begin::{Asked, Begun};
use super::{App, Turns};
use crate::domain::conversation::Message;
use crate::error::{AssistantError, AssistantResult};
use crate::store::{conversation, message};
use chassis::clock::Ts;
use chassis::http::RequestContext;
use chassis::identity::Principal;
use chassis::stop::Stop;
use contract::assistant::{Citation, MessageStatus, SendMessage, StreamTool};
use contract::ids::{ConversationId, KnowledgeBaseId, UserId};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// Pieces of an answer that may wait for who listens. A slow listener slows the provider down.
const AHEAD: usize = 64;

/// What is told of an answer while it is made.
#[derive(Debug)]
pub(crate) enum Told {
    /// It will be made: whatever goes wrong from here on is told in the course of it.
    Begun,
    /// The next piece of its text.
    Delta(String),
    /// It names a passage for the first time.
    Citation(Citation),
    /// The assistant wanted to look something up, or to do something.
    Tool(StreamTool),
    /// It is whole: question and answer. The last that is told.
    Done(Box<(Message, Message)>),
    /// It will not be whole. The last that is told.
    Failed(AssistantError),
}

/// What became of a question that was sent.
pub(crate) enum Sent {
    /// It was answered before: question and answer.
    Answered(Box<(Message, Message)>),
    /// It is being answered.
    Listen(mpsc::Receiver<Told>),
}

/// Who asks, and how.
pub(crate) struct Asker<'a> {
    pub(crate) who: &'a Principal,
    /// The request that the answer is a part of.
    pub(crate) context: Arc<RequestContext>,
    /// When the answer must be whole.
    pub(crate) deadline: Instant,
}

/// A question on its way to its answer.
pub(crate) struct Turn {
    pub(super) asked: Asked,
    pub(super) user: UserId,
    pub(super) bases: Vec<KnowledgeBaseId>,
    pub(super) deadline: Instant,
    pub(super) to: mpsc::Sender<Told>,
    context: Arc<RequestContext>,
    span: Span,
    _place: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("answer", &self.asked.answer.id).finish_non_exhaustive()
    }
}

impl App {
    /// Has a question answered.
    ///
    /// # Errors
    /// [`AssistantError::Full`], [`AssistantError::Stopping`], and as [`App::begin`].
    pub(crate) async fn send(
        &self,
        asker: Asker<'_>,
        id: ConversationId,
        asked: SendMessage,
    ) -> AssistantResult<Sent> {
        if self.stop.is_stopping() {
            return Err(AssistantError::Stopping);
        }
        let place = self.places.clone().try_acquire_owned().map_err(|_| AssistantError::Full)?;
        let begun = match self.begin(asker.who, id, &asked).await? {
            Begun::Answered(pair) => return Ok(Sent::Answered(pair)),
            Begun::Asked(begun) => *begun,
        };
        let (to, listen) = mpsc::channel(AHEAD);
        let turn = Turn {
            asked: begun,
            user: asker.who.user(),
            bases: asked.knowledge,
            deadline: asker.deadline,
            to,
            context: asker.context,
            span: Span::current(),
            _place: place,
        };
        if let Err(mpsc::error::SendError(turn)) = self.turns.send(turn) {
            let Asked { answer, expires_at, .. } = turn.asked;
            self.keep_answer(&Message { status: MessageStatus::Failed, ..answer }, expires_at).await?;
            return Err(AssistantError::Stopping);
        }
        Ok(Sent::Listen(listen))
    }

    /// Writes down what became of an answer that was to be made until `expires_at`. `false` when it is not this maker's any more:
    /// its conversation was removed, or it took so long that it was given up, and may be made by somebody else by now.
    pub(super) async fn keep_answer(&self, answer: &Message, expires_at: Ts) -> AssistantResult<bool> {
        let mut tx = self.db.begin().await?;
        // In the order in which a question is taken in.
        let held = conversation::end_answer(&mut tx, answer.conversation, answer.id, expires_at).await?;
        let kept = held && message::settle(&mut tx, answer).await?;
        tx.commit().await?;
        Ok(kept)
    }
}

/// Has questions answered, until the stop; what is being answered then has a while to come to its end.
pub(crate) async fn carry_out_turns(app: App, mut turns: Turns, stop: Stop) -> anyhow::Result<()> {
    let mut at_work = JoinSet::new();
    let spawn = |at_work: &mut JoinSet<()>, turn: Turn| {
        let (context, span) = (turn.context.clone(), turn.span.clone());
        at_work.spawn(context.scope(app.clone().carry_out(turn)).instrument(span));
    };
    loop {
        tokio::select! {
            Some(turn) = turns.recv() => spawn(&mut at_work, turn),
            Some(ended) = at_work.join_next() => note(&ended),
            () = stop.stopping() => break,
        }
    }
    turns.close();
    while let Some(turn) = turns.recv().await {
        spawn(&mut at_work, turn);
    }
    while let Some(ended) = at_work.join_next().await {
        note(&ended);
    }
    Ok(())
}

/// One that has panicked has left a reservation and a conversation that is busy, which end with their time.
fn note(ended: &Result<(), JoinError>) {
    if ended.is_err() {
        tracing::error!("the making of an answer has panicked");
    }
}
