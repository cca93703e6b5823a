//! What the assistant may look up and do for a person.
//!
//! What must hold, whatever a model asks for and whatever stood in what it read:
//!
//! - a tool asks the other services with the person's own token, as the person would: it runs in the course of their request,
//!   which hands the token on. It has no rights of its own, and what is another's is not there;
//! - a tool that looks something up changes nothing;
//! - a tool that would change something does nothing but write down a proposal, which only the person can confirm, once and in
//!   time ([`proposals`]); what is done then is what was proposed, word for word;
//! - what a service answers is data for the model, quoted as such ([`crate::domain::prompt`]).

mod events;
mod orders;
pub mod proposals;
mod todos;

use crate::config::AssistantConfig;
use crate::store::proposal;
use chassis::clock::Clock;
use chassis::db::Db;
use chassis::service::Context;
use contract::assistant::{Proposal, ProposalStatus};
use contract::client::{CallError, Caller};
use contract::error::ErrorKind;
use contract::ids::{ConversationId, ProposalId, UserId};
use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// Proposals of a conversation that may wait at once.
const MOST_WAITING: u32 = 5;

/// A tool as a model is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSpec {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its parameters, as a JSON Schema.
    pub parameters: Value,
}

/// For whom a tool runs.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// The person.
    pub user: UserId,
    /// The conversation.
    pub conversation: ConversationId,
}

/// What came of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolOutcome {
    /// It was looked up; this is what the model is told.
    Done(String),
    /// It waits for the person to confirm it.
    Proposed {
        /// What the model is told.
        told: String,
        /// By what it is confirmed.
        proposal: ProposalId,
        /// One line for the person.
        summary: String,
    },
    /// It could not be done; this is what the model is told.
    Failed(String),
}

/// Why a tool came to nothing: what the model is told.
type Refusal = String;

/// The tools.
#[derive(Clone)]
pub struct Tools {
    db: Db,
    clock: Clock,
    /// How long a proposal waits.
    patience: Duration,
    orders: Option<Caller>,
    todos: Option<Caller>,
    events: Option<Caller>,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tools").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Tools {
    pub(crate) fn new(context: &Context, config: &AssistantConfig) -> anyhow::Result<Self> {
        let caller = |name| context.peer(name).map(|peer| peer.caller());
        Ok(Self {
            db: context.db()?,
            clock: context.clock().clone(),
            patience: Duration::from_secs(config.proposal_secs),
            orders: caller("orders"),
            todos: caller("todos"),
            events: caller("events"),
        })
    }

    /// What a model is told that it may ask for: the tools of the services that this platform runs.
    #[must_use]
    pub fn offered(&self) -> Vec<ToolSpec> {
        let mut all = Vec::new();
        if self.todos.is_some() {
            all.extend(todos::specs());
        }
        if self.orders.is_some() {
            all.extend(orders::specs());
        }
        if self.events.is_some() {
            all.extend(events::specs());
        }
        all
    }

    /// Runs a tool. It never fails: what goes wrong is told to the model, and nothing of it is an instruction to anybody.
    pub async fn run(&self, asking: &Asking, name: &str, arguments: &Value) -> ToolOutcome {
        let outcome = match name {
            orders::LIST => self.list_orders(asking, arguments).await,
            orders::GET => self.get_order(asking, arguments).await,
            todos::LIST => self.list_todos(arguments).await,
            todos::ADD => self.propose_todo(asking, arguments).await,
            todos::COMPLETE => self.propose_completion(asking, arguments).await,
            events::LIST => self.list_events(arguments).await,
            _ => Err("There is no such tool.".to_owned()),
        };
        outcome.unwrap_or_else(ToolOutcome::Failed)
    }

    /// Writes down what would be done, and does nothing else.
    async fn propose(
        &self,
        asking: &Asking,
        tool: &'static str,
        arguments: &impl Serialize,
        summary: String,
    ) -> Result<ToolOutcome, Refusal> {
        let now = self.clock.now();
        let until = now.to_datetime() + self.patience;
        let proposal = Proposal {
            id: ProposalId::new(),
            conversation: asking.conversation,
            tool: tool.to_owned(),
            arguments: serde_json::to_value(arguments).map_err(|_| away("the assistant"))?,
            summary: summary.clone(),
            status: ProposalStatus::Proposed,
            result: None,
            failure: None,
            created_at: now.to_datetime(),
            expires_at: until,
        };
        match proposal::insert(&self.db, asking.user, &proposal, MOST_WAITING).await {
            Ok(true) => Ok(ToolOutcome::Proposed {
                told: "It is proposed to the person and not done. It is done when the person confirms it."
                    .to_owned(),
                proposal: proposal.id,
                summary,
            }),
            Ok(false) => Err("Enough proposals wait for the person. Wait until they are decided.".to_owned()),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a proposal could not be kept");
                Err(away("the assistant"))
            }
        }
    }
}

/// The way to a service, when this platform has it.
fn way_to(caller: Option<&Caller>, name: &str) -> Result<Caller, Refusal> {
    caller.cloned().ok_or_else(|| away(name))
}

fn away(name: &str) -> Refusal {
    format!("The service of {name} cannot be reached now. Tell the person to try again later.")
}

/// What a service has answered that is no answer.
fn refused(name: &str, error: &CallError) -> Refusal {
    let CallError::Refused(detail) = error else { return away(name) };
    match detail.code.kind() {
        ErrorKind::NotFound => "There is no such thing of this person.".to_owned(),
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => "The person may not see or do this.".to_owned(),
        ErrorKind::RateLimited => "That was asked too often. Tell the person to try again later.".to_owned(),
        kind if kind.retryable() || kind == ErrorKind::Internal => away(name),
        _ => format!("The service of {name} says no: {}", detail.message),
    }
}

/// The arguments of a tool, or what is wrong with them.
fn parse<T: DeserializeOwned + Validate<Context = ()>>(arguments: &Value) -> Result<T, Refusal> {
    let none = Value::Object(serde_json::Map::new());
    let given = if arguments.is_null() { none } else { arguments.clone() };
    let parsed: T =
        serde_json::from_value(given).map_err(|error| format!("The arguments are wrong: {error}"))?;
    parsed.validate().map_err(|report| format!("The arguments are wrong: {report}"))?;
    Ok(parsed)
}

/// What a model is told of what was found.
fn found(what: &impl Serialize) -> Result<ToolOutcome, Refusal> {
    serde_json::to_string(what).map(ToolOutcome::Done).map_err(|_| away("the assistant"))
}

/// Things that a list shows when nobody says how many.
const fn some() -> u32 {
    10
}
