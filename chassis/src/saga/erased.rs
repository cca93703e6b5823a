//! A flow with its types put aside, as a worker sees it.

use super::disturb::{Disturb, Disturbance};
use super::flow::{Acts, Moved, Policy, Retry, Saga, Step, StepError, StepResult, Steps, What};
use super::machine::{Action, Plan, PlanStep};
use crate::db::Tx;
use anyhow::{anyhow, ensure};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// The longest that an action may take: a crash during it is noticed only after that.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

/// A flow that a worker can carry out. Cheap to clone.
#[derive(Clone)]
pub struct Flow {
    acts: Arc<dyn Erased>,
    about: Arc<About>,
    disturb: Option<Arc<dyn Disturb>>,
}

/// What a step is, without what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepInfo {
    /// Its name.
    pub name: &'static str,
    /// Whether it is a remote step.
    pub remote: bool,
    /// Whether it can be undone.
    pub undo: bool,
    /// Whether it is behind the point of no return.
    pub no_return: bool,
}

/// What is known of a flow without its types.
pub(super) struct About {
    pub(super) name: &'static str,
    pub(super) version: u32,
    pub(super) tells: bool,
    pub(super) plan: Plan,
    pub(super) plan_text: String,
    names: Vec<&'static str>,
    policies: Vec<Policy>,
}

/// One try of an action.
pub(super) struct Turn<'a> {
    pub(super) action: Action,
    pub(super) id: Uuid,
    pub(super) attempt: u32,
    pub(super) params: &'a Value,
    pub(super) memory: &'a Value,
    pub(super) failure: Option<&'a str>,
}

/// How it went, and what the steps' memory holds now.
pub(super) struct Acted {
    pub(super) outcome: StepResult,
    pub(super) memory: Value,
}

trait Erased: Send + Sync {
    fn act<'a>(&'a self, t: Option<&'a mut Tx>, turn: &'a Turn<'a>, limit: Duration) -> BoxFuture<'a, Acted>;
    fn moved<'a>(
        &'a self,
        t: &'a mut Tx,
        turn: &'a Turn<'a>,
        what: What,
    ) -> BoxFuture<'a, anyhow::Result<()>>;
}

impl Flow {
    /// The flow of a saga.
    pub fn of<S: Saga>(saga: S) -> Self {
        let steps = S::steps();
        let plan = steps.plan();
        let about = About {
            name: S::NAME,
            version: S::VERSION,
            tells: S::TELLS,
            plan_text: plan.to_string(),
            names: steps.declared.iter().map(|step| step.name).collect(),
            policies: steps.declared.iter().map(|step| step.policy).collect(),
            plan,
        };
        Self { acts: Arc::new(Typed { saga, steps }), about: Arc::new(about), disturb: None }
    }

    /// The same flow with something between the worker and its actions, for tests.
    #[must_use]
    pub fn disturbed(self, disturb: Arc<dyn Disturb>) -> Self {
        Self { disturb: Some(disturb), ..self }
    }

    /// Its steps, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<StepInfo> {
        let About { plan, names, .. } = self.about();
        let info = |(place, (step, name)): (usize, (&PlanStep, &&'static str))| StepInfo {
            name,
            remote: step.remote,
            undo: step.undo,
            no_return: plan.pivot.is_some_and(|pivot| place >= pivot),
        };
        plan.steps.iter().zip(names).enumerate().map(info).collect()
    }

    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Tries an action once, for as long as it may take. A panic is a failure like any other.
    pub(super) async fn act(&self, mut t: Option<&mut Tx>, turn: &Turn<'_>) -> Acted {
        let limit = self.about.policy(turn.action).timeout;
        let Some(disturb) = &self.disturb else { return self.acts.act(t, turn, limit).await };
        let name = self.about.step_name(turn.action);
        let undo = matches!(turn.action, Action::Undo(_));
        let same = |outcome| Acted { outcome, memory: turn.memory.clone() };
        match disturb.before(name, undo).await {
            Disturbance::None => {}
            Disturbance::Fail(error) => return same(Err(error)),
            Disturbance::Twice => {
                let first = self.acts.act(t.as_deref_mut(), turn, limit).await;
                if first.outcome.is_err() {
                    return first;
                }
            }
        }
        let acted = self.acts.act(t, turn, limit).await;
        match disturb.after(name, undo).await {
            Some(error) if acted.outcome.is_ok() => Acted { outcome: Err(error), ..acted },
            _ => acted,
        }
    }

    /// Tells the flow what happened.
    pub(super) async fn moved(&self, t: &mut Tx, turn: &Turn<'_>, what: What) -> anyhow::Result<()> {
        self.acts.moved(t, turn, what).await
    }
}

impl About {
    pub(super) fn step_name(&self, action: Action) -> &'static str {
        self.names.get(place(action)).copied().unwrap_or_default()
    }

    pub(super) fn is_remote(&self, action: Action) -> bool {
        self.plan.steps.get(place(action)).is_some_and(|step| step.remote)
    }

    pub(super) fn policy(&self, action: Action) -> Policy {
        self.policies.get(place(action)).copied().unwrap_or(Policy::DEFAULT)
    }

    pub(super) fn retry(&self, action: Action) -> Retry {
        let behind = self.plan.pivot.is_some_and(|pivot| place(action) >= pivot);
        self.policy(action).retry(matches!(action, Action::Undo(_)), behind)
    }

    /// What is wrong with the declaration.
    fn check(&self) -> anyhow::Result<()> {
        let plain = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let Self { name, .. } = self;
        ensure!(plain(name), "saga {name:?}: a name has lower-case letters, digits and hyphens");
        ensure!(!self.names.is_empty(), "saga {name} has no steps");
        for (place, step) in self.names.iter().enumerate() {
            ensure!(
                plain(step),
                "saga {name}, step {step:?}: a name has lower-case letters, digits and hyphens"
            );
            ensure!(!self.names[..place].contains(step), "saga {name} has two steps named {step}");
            let limit = self.policies[place].timeout;
            let fits = !limit.is_zero() && limit <= LONGEST_TIMEOUT;
            ensure!(fits, "saga {name}, step {step}: a timeout is more than nothing and at most ten minutes");
        }
        let mut behind = self.plan.steps.iter().skip(self.plan.pivot.unwrap_or(usize::MAX));
        let undone = behind.find(|step| step.undo).map_or("", |step| step.name.as_str());
        ensure!(
            undone.is_empty(),
            "saga {name}, step {undone}: nothing behind the point of no return is undone"
        );
        Ok(())
    }
}

const fn place(action: Action) -> usize {
    let (Action::Do(place) | Action::Undo(place)) = action;
    place
}

/// Checks what a service has declared.
pub(super) fn check(flows: &[Flow]) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    for flow in flows {
        let about = flow.about();
        about.check()?;
        ensure!(seen.insert((about.name, about.version)), "saga {} is registered twice", about.name);
    }
    Ok(())
}

struct Typed<S: Saga> {
    saga: S,
    steps: Steps<S>,
}

impl<S: Saga> Typed<S> {
    fn step(&self, turn: &Turn<'_>) -> Result<Step<S>, StepError> {
        let unreadable = |what: &str, error| StepError::Fatal(anyhow!("{what} cannot be read: {error}"));
        let memory = match turn.memory {
            Value::Null => S::Memory::default(),
            noted => S::Memory::deserialize(noted).map_err(|error| unreadable("the memory", error))?,
        };
        Ok(Step {
            params: S::Params::deserialize(turn.params)
                .map_err(|error| unreadable("the parameters", error))?,
            memory,
            id: turn.id,
            name: self.steps.declared.get(place(turn.action)).map_or("", |step| step.name),
            undo: matches!(turn.action, Action::Undo(_)),
            attempt: turn.attempt,
            failure: turn.failure.map(str::to_owned),
        })
    }

    async fn run(&self, t: Option<&mut Tx>, action: Action, step: &mut Step<S>) -> StepResult {
        let declared = self.steps.declared.get(place(action)).map(|step| &step.acts);
        let acting = match (declared, action, t) {
            (Some(Acts::Local { act, .. }), Action::Do(_), Some(t)) => act.call(&self.saga, t, step),
            (Some(Acts::Local { undo: Some(undo), .. }), Action::Undo(_), Some(t)) => {
                undo.call(&self.saga, t, step)
            }
            (Some(Acts::Remote { act, .. }), Action::Do(_), None) => act.call(&self.saga, step),
            (Some(Acts::Remote { undo: Some(undo), .. }), Action::Undo(_), None) => {
                undo.call(&self.saga, step)
            }
            _ => return Err(StepError::Fatal(anyhow!("this flow has no such action"))),
        };
        acting.await
    }
}

impl<S: Saga> Erased for Typed<S> {
    fn act<'a>(&'a self, t: Option<&'a mut Tx>, turn: &'a Turn<'a>, limit: Duration) -> BoxFuture<'a, Acted> {
        Box::pin(async move {
            let mut step = match self.step(turn) {
                Ok(step) => step,
                Err(error) => return Acted { outcome: Err(error), memory: turn.memory.clone() },
            };
            let acting = AssertUnwindSafe(self.run(t, turn.action, &mut step)).catch_unwind();
            let outcome = match timeout(limit, acting).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panic)) => Err(StepError::Retry(anyhow!("it panicked: {}", said(&*panic)))),
                Err(_) => Err(StepError::Retry(anyhow!("no answer within {limit:?}"))),
            };
            match serde_json::to_value(&step.memory) {
                Ok(memory) => Acted { outcome, memory },
                Err(error) => {
                    let outcome = Err(StepError::Fatal(anyhow!("the memory cannot be written: {error}")));
                    Acted { outcome, memory: turn.memory.clone() }
                }
            }
        })
    }

    fn moved<'a>(
        &'a self,
        t: &'a mut Tx,
        turn: &'a Turn<'a>,
        what: What,
    ) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let Ok(Step { params, memory, id, .. }) = self.step(turn) else {
                anyhow::bail!("the parameters or the memory cannot be read");
            };
            self.saga.moved(t, &Moved { id, params, memory, what }).await
        })
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let About { name, version, plan_text, .. } = self.about();
        f.debug_struct("Flow")
            .field("name", name)
            .field("version", version)
            .field("plan", plan_text)
            .finish_non_exhaustive()
    }
}
