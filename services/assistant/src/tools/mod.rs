//! What the assistant may look up and do for a person: with that person's token, and what changes something only once they
//! have confirmed it.

use crate::app::App;
use chassis::db::Db;
use chassis::service::Context;
use contract::ids::{ConversationId, ProposalId, UserId};
use http::HeaderValue;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

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
#[derive(Debug, Clone)]
pub struct Asking {
    /// The person.
    pub user: UserId,
    /// The conversation.
    pub conversation: ConversationId,
    /// The person's `Authorization` header. Peers get it anyway: tools run as a part of the person's request.
    pub token: HeaderValue,
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

/// The tools.
#[derive(Debug, Clone)]
pub struct Tools {
    _db: Db,
}

impl Tools {
    pub(crate) fn new(context: &Context) -> anyhow::Result<Self> {
        Ok(Self { _db: context.db()? })
    }

    /// What a model is told that it may ask for.
    #[must_use]
    pub fn offered(&self) -> Vec<ToolSpec> {
        Vec::new()
    }

    /// Runs a tool. It never fails: what goes wrong is told to the model, and nothing of it is an instruction to anybody.
    pub async fn run(&self, _asking: &Asking, name: &str, _arguments: &Value) -> ToolOutcome {
        ToolOutcome::Failed(format!("There is no tool called {name}."))
    }
}

/// The routes by which proposals are confirmed, with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
