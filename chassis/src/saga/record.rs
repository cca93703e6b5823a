//! Sagas as people see them.

use super::machine::{Action, NotAllowed, Phase, Plan, State};
use crate::clock::Ts;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A saga as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct SagaRecord {
    /// Its id.
    pub id: Uuid,
    /// Its flow.
    pub name: String,
    /// The version of its flow.
    pub version: i64,
    /// The steps of its flow: `hold:local:undo charge:remote:undo | ship:remote`; the bar is the point of no return.
    pub plan: String,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    pub state: Phase,
    /// Whether it undoes; of a stuck one, whether it did.
    pub back: bool,
    /// The step that it does next, or at which it turned back; empty when it is done.
    pub step: String,
    /// The steps that are done and not undone, in their order.
    pub done: String,
    /// Whether the step may have taken effect although no answer says so.
    pub unsure: bool,
    /// Failed tries of the action in hand.
    pub attempts: i64,
    /// What it was started with.
    #[sqlx(json)]
    pub params: Value,
    /// What its steps have noted.
    #[sqlx(json)]
    pub memory: Value,
    /// Why it turned back.
    pub failure: Option<String>,
    /// Why it cannot go on.
    pub stuck_reason: Option<String>,
    /// What the last failed try met.
    pub last_error: Option<String>,
    /// Grows each time it changes hands.
    pub fence: i64,
    /// Grows with each change.
    pub moves: i64,
    /// The worker that has it, until [`due_at`](Self::due_at).
    pub owner: Option<Uuid>,
    /// When it goes on; of one that a worker has, when another may take it.
    pub due_at: Ts,
    /// When it turns back if it has not ended by then.
    pub deadline_at: Option<Ts>,
    /// The trace in which it was started.
    pub traceparent: Option<String>,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: Option<String>,
    /// When it was started.
    pub created_at: Ts,
    /// When it changed last; of one that has ended, when it ended.
    pub updated_at: Ts,
}

impl SagaRecord {
    /// The action that it goes on with, for people: `do charge`, `undo hold`.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let plan: Plan = self.plan.parse().ok()?;
        let name = |at: usize| plan.steps.get(at).map(|step| step.name.as_str());
        match self.position(&plan).ok()?.action(&plan) {
            Some(Action::Do(at)) => Some(format!("do {}", name(at)?)),
            Some(Action::Undo(at)) => Some(format!("undo {}", name(at)?)),
            None => self.state.is_open().then(|| "end".to_owned()),
        }
    }

    pub(super) fn position(&self, plan: &Plan) -> Result<State, Unreadable> {
        let place =
            |name: &str| plan.place(name).ok_or_else(|| Unreadable(format!("there is no step {name}")));
        let at = if self.step.is_empty() { plan.steps.len() } else { place(&self.step)? };
        let done = self.done.split_whitespace().map(place).collect::<Result<_, _>>()?;
        let attempts = u32::try_from(self.attempts).unwrap_or(u32::MAX);
        Ok(State { phase: self.state, back: self.back, at, done, unsure: self.unsure, attempts })
    }
}

/// One line of a saga's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Its place in the log; grows, with gaps.
    pub seq: i64,
    /// The step.
    pub step: String,
    /// `do`, `undo`, or what befell the saga as a whole: `deadline`, `operator`.
    pub action: String,
    /// `done`, `retry`, `refused`, `fatal`; of an operator, the wish.
    pub outcome: String,
    /// Which try.
    pub attempt: i64,
    /// What it met.
    pub error: Option<String>,
    /// When it began.
    pub started_at: Ts,
    /// When it ended.
    pub ended_at: Ts,
}

/// What is stored does not fit this release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saga does not fit its plan: {0}")]
pub struct Unreadable(pub(super) String);

/// Why an operator's wish was not granted.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    /// There is no such saga.
    #[error("there is no saga {0}")]
    Missing(Uuid),
    /// Its state does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It went on in the same moment.
    #[error("the saga has just gone on; look at it again")]
    Moved,
    /// What is stored does not fit this release.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] crate::db::DbError),
}
