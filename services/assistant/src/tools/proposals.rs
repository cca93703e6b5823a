//! What becomes of a proposal: the person confirms it, declines it, or says nothing until it expires.
//!
//! A confirmed proposal is carried out by a call to the service whose it is, with the person's own token and with the id of the
//! proposal as `Idempotency-Key`. So it takes effect once, however often it is sent: when the process dies between the call
//! and the word that it was done, or when nobody knows what became of the call, the person confirms again, the same call is
//! made again, and the service gives the answer of the first time. Two confirmations at once do not both make the call: the
//! first holds the proposal for as long as its request may take.

use super::{Tools, todos};
use crate::error::{AssistantError, AssistantResult};
use crate::store::proposal::{self, Ending, Held};
use chassis::clock::Ts;
use chassis::db::Tx;
use chassis::http::RequestContext;
use contract::assistant::Proposal;
use contract::client::CallError;
use contract::error::ErrorKind;
use contract::ids::{ConversationId, ProposalId, UserId};
use serde_json::Value;
use std::time::Duration;

/// How long a confirmed proposal may be carried out again when nobody knows what became of it, from when it was made. Services
/// keep the answer to a key for longer ([`chassis::idempotency`]).
const AGAIN_WITHIN: Duration = Duration::from_secs(20 * 3_600);
/// How long a call may take that no request is behind.
const CALL_WITHIN: Duration = Duration::from_secs(30);
/// What is added to that, for the word that it was done.
const THEREAFTER: Duration = Duration::from_secs(2);
/// Proposals of a conversation that are listed.
const LISTED: u32 = 100;
const NO_CONVERSATION: AssistantError = AssistantError::NotFound("conversation");
const NO_PROPOSAL: AssistantError = AssistantError::NotFound("proposal");

impl Tools {
    /// The proposals of a conversation, the latest first, a hundred at most.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's conversation.
    pub async fn proposals(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> AssistantResult<Vec<Proposal>> {
        let now = self.clock.now();
        if !proposal::is_conversation_of(&self.db, user, conversation).await? {
            return Err(NO_CONVERSATION);
        }
        Ok(proposal::list(&self.db, user, conversation, now, LISTED).await?)
    }

    /// Says no to a proposal.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's; [`AssistantError::Decided`] when it does not wait any more.
    pub async fn decline(
        &self,
        user: UserId,
        conversation: ConversationId,
        id: ProposalId,
    ) -> AssistantResult<(Tx, Proposal)> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let declined = proposal::decline(&mut tx, user, conversation, id, now).await?;
        let found = proposal::find_in(&mut tx, user, conversation, id, now).await?.ok_or(NO_PROPOSAL)?;
        if declined { Ok((tx, found)) } else { Err(AssistantError::Decided(found.status)) }
    }

    /// Says yes to a proposal, and carries it out.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's; [`AssistantError::Decided`] when it does not wait any more;
    /// [`AssistantError::UnderWay`] while it is carried out; [`AssistantError::Unsettled`] when nobody knows what became of it:
    /// then it may be confirmed again.
    pub async fn confirm(
        &self,
        user: UserId,
        conversation: ConversationId,
        id: ProposalId,
    ) -> AssistantResult<(Tx, Proposal)> {
        let now = self.clock.now();
        let within = RequestContext::current().map_or(CALL_WITHIN, |request| request.remaining());
        let held = Held { id, until: now + within + THEREAFTER };
        if !proposal::hold(&self.db, user, conversation, held, now, now - AGAIN_WITHIN).await? {
            return Err(self.why_not(user, conversation, id, now).await?);
        }
        let kept = proposal::find(&self.db, user, conversation, id, now).await?.ok_or(NO_PROPOSAL)?;
        let ending = match self.carry_out(&kept).await {
            Ok(result) => Ending::Done(result),
            Err(error) => match for_good(error) {
                Ok(reason) => Ending::Failed(reason),
                Err(error) => {
                    proposal::release(&self.db, held, self.clock.now()).await?;
                    return Err(AssistantError::Unsettled(error));
                }
            },
        };
        let mut tx = self.db.begin().await?;
        if !proposal::finish(&mut tx, held, &ending).await? {
            // It took longer than it may, and was confirmed again meanwhile: the other one ends it.
            return Err(AssistantError::UnderWay { wait: THEREAFTER });
        }
        let ended = proposal::find_in(&mut tx, user, conversation, id, now).await?.ok_or(NO_PROPOSAL)?;
        Ok((tx, ended))
    }

    /// Why a proposal could not be held.
    async fn why_not(
        &self,
        user: UserId,
        conversation: ConversationId,
        id: ProposalId,
        now: Ts,
    ) -> AssistantResult<AssistantError> {
        let found = proposal::find(&self.db, user, conversation, id, now).await?.ok_or(NO_PROPOSAL)?;
        Ok(match proposal::held_until(&self.db, id).await? {
            Some(until) if until > now => AssistantError::UnderWay { wait: until.since(now) },
            _ => AssistantError::Decided(found.status),
        })
    }

    /// The call, as the person would make it.
    async fn carry_out(&self, proposal: &Proposal) -> Result<Value, CallError> {
        let away = || CallError::Unreachable("it is not a part of this platform".to_owned());
        let caller = self.todos.as_ref().ok_or_else(away)?.keyed(&proposal.id.to_string())?;
        match proposal.tool.as_str() {
            todos::ADD => todos::add(caller, &proposal.arguments).await,
            todos::COMPLETE => todos::complete(caller, &proposal.arguments).await,
            other => Err(CallError::Undecodable(format!("no tool {other} changes anything"))),
        }
    }
}

/// What the person is told when the service has said no for good; the error itself when it may go another way the next time, or
/// when nobody knows which way it went.
fn for_good(error: CallError) -> Result<String, CallError> {
    match error {
        CallError::Refused(detail) => {
            let kind = detail.code.kind();
            let may_change = kind.retryable() || kind == ErrorKind::Unauthenticated;
            if may_change { Err(CallError::Refused(detail)) } else { Ok(detail.message.to_string()) }
        }
        other => Err(other),
    }
}
