//! The making of an answer: what fits from the knowledge, the providers in their order, tools in between, and at every end
//! whatever was used is settled.
//!
//! Prompts and answers are in no log. A provider is left for the next one only while nothing of the answer was told.

use super::App;
use super::making::{Making, OpenCall, SaidNow, Stopped};
use super::patience::Cut;
use super::spend::Used;
use super::turn::{Told, Turn};
use crate::domain::budget::{Tokens, about, at_most};
use crate::domain::prompt::Prompt;
use crate::error::{AssistantError, AssistantResult};
use crate::extractive;
use crate::knowledge::citations::Citations;
use crate::provider::Failure;
use crate::provider::chat::{self, ChatMessage, ToolCall};
use crate::provider::upstream::Upstream;
use crate::store::call::NewCall;
use crate::tools::{Asking, ToolOutcome, ToolSpec};
use bytes::Bytes;
use contract::assistant::{MessageStatus, MessageUsage, StreamTool, ToolState};
use metrics::{counter, histogram};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// How often a model may ask for tools before it has to answer.
const ROUNDS: usize = 4;
/// When to ask again when no provider says so.
const SOON: Duration = Duration::from_secs(5);
/// How long the end of an answer waits for who listens slowly.
const LAST_WORD: Duration = Duration::from_secs(5);

impl App {
    /// Makes an answer, and tells of it; writes down what became of it, whoever still listens.
    pub(super) async fn carry_out(self, turn: Turn) {
        let began = Instant::now();
        let mut making = Making::new(&turn, &self);
        let outcome = self.make(&mut making).await;
        self.close_call(&mut making, true).await;
        let cut = making.patience.cut();
        let status = match (&outcome, cut) {
            (Ok(()), _) => MessageStatus::Complete,
            (Err(_), Some(Cut::Gone)) => MessageStatus::Cancelled,
            (Err(_), _) => MessageStatus::Failed,
        };
        let answer = making.message(status);
        let kept = self.keep_answer(&answer, turn.asked.expires_at).await;
        let told = match (outcome, kept) {
            (Err(error), _) | (Ok(()), Err(error)) => Told::Failed(error),
            (Ok(()), Ok(false)) => Told::Failed(AssistantError::NotFound("conversation")),
            (Ok(()), Ok(true)) => Told::Done(Box::new((turn.asked.question.clone(), answer))),
        };
        let outcome = outcome_of(&told, cut);
        counter!("ai_chat_requests_total", "outcome" => outcome).increment(1);
        histogram!("ai_chat_duration_seconds", "outcome" => outcome).record(began.elapsed());
        // Who has gone away, or does not read on, hears nothing.
        drop(timeout(LAST_WORD, turn.to.send(told)).await);
    }

    async fn make(&self, making: &mut Making<'_>) -> AssistantResult<()> {
        let turn = making.turn;
        let question = &turn.asked.question.text;
        // Without a model the knowledge is all there is: then all of it, when none of it was named.
        if !turn.bases.is_empty() || self.upstreams.is_empty() {
            let limit = usize::try_from(self.config.passages).unwrap_or(usize::MAX);
            making.passages = self.knowledge.passages(turn.user, &turn.bases, question, limit).await?;
            making.citations = Citations::new(&making.passages);
        }
        if self.upstreams.is_empty() {
            making.begin().await?;
            making.model = Some(extractive::NAME.to_owned());
            making.say(&extractive::answer(question, &making.passages)).await?;
            return Ok(making.finish().await?);
        }
        let tools = self.tools.offered();
        let mut prompt = Prompt::new(&turn.asked.history, question, &making.passages);
        for round in 0..=ROUNDS {
            // In the end it has to answer.
            let offered = if round < ROUNDS { tools.as_slice() } else { &[] };
            let SaidNow { text, calls } = self.call_model(making, &prompt.messages, offered).await?;
            if calls.is_empty() || offered.is_empty() {
                break;
            }
            prompt.messages.push(ChatMessage::asking(&text, calls.clone()));
            for call in calls {
                let result = self.run_tool(making, offered, &call).await?;
                prompt.tool_result(&call.id, &result);
            }
        }
        Ok(making.finish().await?)
    }

    /// Has a model say something: the first provider that does, in their order.
    async fn call_model(
        &self,
        making: &mut Making<'_>,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
    ) -> AssistantResult<SaidNow> {
        let mut soonest: Option<Duration> = None;
        for (place, upstream) in self.upstreams.iter().enumerate() {
            let failure = match upstream.permit() {
                Err(open) => open,
                Ok(permit) => {
                    let is_last = place + 1 == self.upstreams.len();
                    let body = self.open_call(making, upstream, messages, tools).await?;
                    let first_within = (!is_last && !making.said).then(|| self.config.first_token());
                    match making.listen(upstream, body, first_within).await {
                        Ok(said) => {
                            permit.succeeded();
                            self.close_call(making, true).await;
                            return Ok(said);
                        }
                        Err(Stopped::Cut(cut)) => {
                            if cut == Cut::TooLate {
                                permit.failed();
                            }
                            return Err(cut.into());
                        }
                        Err(Stopped::Failed(failure)) => {
                            if failure.is_its_own() {
                                permit.failed();
                            } else {
                                permit.succeeded();
                            }
                            self.close_call(making, failure.may_have_used()).await;
                            failure
                        }
                    }
                }
            };
            let provider = upstream.offer.name.as_str();
            if let Failure::Open(_) = failure {
                // Its breaker has said so once.
                tracing::debug!(provider, %failure, "a provider of models was not asked");
            } else {
                tracing::warn!(provider, %failure, "a provider of models gave no whole answer");
            }
            if making.said {
                return Err(AssistantError::BrokeOff);
            }
            let after = failure.retry_after().unwrap_or(SOON);
            soonest = Some(soonest.map_or(after, |soonest| soonest.min(after)));
        }
        Err(AssistantError::NoProvider { wait: soonest.unwrap_or(SOON) })
    }

    /// Reserves what a call may use at most, and gives what is sent.
    async fn open_call(
        &self,
        making: &mut Making<'_>,
        upstream: &Upstream,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
    ) -> AssistantResult<Bytes> {
        let offer = &upstream.offer;
        let max_tokens = self.config.max_answer_tokens;
        let body = chat::request(&offer.model, messages, tools, max_tokens).to_string();
        // All that is sent, names and brackets too: a model is told no more than that.
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let count = u64::try_from(messages.len()).unwrap_or(u64::MAX);
        let reserved = Tokens { prompt: at_most(bytes, count), completion: u64::from(max_tokens) };
        let asked = &making.turn.asked;
        let new = NewCall {
            id: Uuid::now_v7(),
            conversation: asked.conversation.id,
            message: asked.answer.id,
            user: making.turn.user,
            organization: asked.conversation.organization,
            provider: offer.name.clone(),
            model: offer.model.clone(),
            reserved,
            reserved_micros: offer.prices.cost(reserved),
            at: self.clock.now(),
            expires_at: asked.expires_at,
        };
        self.reserve(&new).await?;
        making.open = Some(OpenCall {
            id: new.id,
            provider: new.provider,
            model: new.model,
            prices: offer.prices,
            reserved,
            prompt: about(bytes, count),
            received: 0,
            used: None,
        });
        making.begin().await?;
        Ok(Bytes::from(body))
    }

    /// Settles the call that is under way, if there is one. What the provider did not come to tell is estimated; nothing was
    /// used where it `worked` not at all.
    async fn close_call(&self, making: &mut Making<'_>, worked: bool) {
        let Some(open) = making.open.take() else { return };
        let estimate = Tokens {
            prompt: open.prompt.min(open.reserved.prompt),
            completion: about(open.received, 0).min(open.reserved.completion),
        };
        let (tokens, estimated) = match (open.used, worked) {
            (Some(used), _) => (used, false),
            (None, true) => (estimate, true),
            (None, false) => (Tokens::default(), false),
        };
        let used = Used { tokens, micros: open.prices.cost(tokens), estimated };
        if let Err(error) = self.settle(open.id, used).await {
            tracing::error!(%error, "a call of a model is not settled: all that it had reserved will count as spent");
        }
        count(&open, used);
        making.model = Some(open.model);
        let MessageUsage { prompt_tokens, completion_tokens, cost_micros, estimated } = &mut making.usage;
        *prompt_tokens = prompt_tokens.saturating_add(tokens.prompt);
        *completion_tokens = completion_tokens.saturating_add(tokens.completion);
        *cost_micros = cost_micros.saturating_add(used.micros);
        *estimated |= used.estimated;
    }

    /// Runs a tool that the model has asked for, and gives what the model is told of it.
    async fn run_tool(
        &self,
        making: &mut Making<'_>,
        offered: &[ToolSpec],
        call: &ToolCall,
    ) -> AssistantResult<String> {
        let turn = making.turn;
        let known = offered.iter().find(|tool| tool.name == call.name).map(|tool| tool.name);
        let arguments = match call.arguments.trim() {
            "" => Some(serde_json::json!({})),
            text => serde_json::from_str(text).ok(),
        };
        let asking = Asking { user: turn.user, conversation: turn.asked.conversation.id };
        let outcome = match (known, arguments) {
            (None, _) => ToolOutcome::Failed("There is no such tool.".to_owned()),
            (_, None) => ToolOutcome::Failed("The arguments are not JSON.".to_owned()),
            (Some(name), Some(arguments)) => {
                making.patience.wait(self.tools.run(&asking, name, &arguments)).await?
            }
        };
        let name = known.unwrap_or("unknown").to_owned();
        let told = |state, proposal, summary| StreamTool { name, state, proposal, summary };
        let (told, result) = match outcome {
            ToolOutcome::Done(result) => (told(ToolState::Done, None, None), result),
            ToolOutcome::Failed(result) => (told(ToolState::Failed, None, None), result),
            ToolOutcome::Proposed { told: result, proposal, summary } => {
                (told(ToolState::Proposed, Some(proposal), Some(summary)), result)
            }
        };
        making.tell(Told::Tool(told)).await?;
        Ok(result)
    }
}

/// Counts what a call has used, by provider and model, which the settings name.
fn count(open: &OpenCall, used: Used) {
    let OpenCall { provider, model, .. } = open;
    for (kind, tokens) in [("prompt", used.tokens.prompt), ("completion", used.tokens.completion)] {
        let labels = [("provider", provider.clone()), ("model", model.clone()), ("kind", kind.to_owned())];
        counter!("ai_tokens_used_total", &labels).increment(tokens);
    }
    let labels = [("provider", provider.clone()), ("model", model.clone())];
    counter!("ai_cost_micros_total", &labels).increment(used.micros);
}

/// How it ended, as a label.
fn outcome_of(told: &Told, cut: Option<Cut>) -> &'static str {
    match told {
        Told::Failed(_) if cut == Some(Cut::Gone) => "cancelled",
        Told::Failed(AssistantError::BudgetExceeded { .. }) => "budget_exceeded",
        Told::Failed(AssistantError::NoProvider { .. }) => "no_provider",
        Told::Failed(AssistantError::BrokeOff) => "broke_off",
        Told::Failed(AssistantError::TooLate) => "too_late",
        Told::Failed(AssistantError::Stopping) => "stopping",
        Told::Failed(_) => "failed",
        _ => "complete",
    }
}
