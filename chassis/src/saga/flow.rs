//! What a service writes: a flow, its steps, and what a step is given and answers.

use super::machine::{Plan, PlanStep};
use crate::db::Tx;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::Future;
use std::time::Duration;
use uuid::Uuid;

/// How long an action may take unless its step says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A flow: what its parameters are and which steps it has. Its value holds what the steps need, such as peers.
///
/// What must hold: names of flows and steps stay the same in every release. Who changes, adds or removes steps raises
/// [`VERSION`](Saga::VERSION) and keeps the old flow registered beside the new one until none of its sagas is open.
pub trait Saga: Sized + Send + Sync + 'static {
    /// Its name, unique in the service.
    const NAME: &'static str;
    /// Which steps it has. A worker goes on with the sagas of exactly this version.
    const VERSION: u32 = 1;
    /// How long a saga may take until it turns back, if it still can.
    const DEADLINE: Option<Duration> = None;
    /// Whether [`Saga::moved`] is told.
    const TELLS: bool = false;

    /// What it is started with. Read by every step, changed by none.
    type Params: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What steps note for later steps and for undos; saved with each step.
    type Memory: Serialize + DeserializeOwned + Default + Send + 'static;

    /// Its steps, in order.
    fn steps() -> Steps<Self>;

    /// Told of each step and of the end, in the transaction that notes it, when [`Saga::TELLS`]: the place to publish
    /// events. What it does is undone with that transaction; an error makes the saga stuck.
    ///
    /// # Errors
    /// Whatever went wrong.
    fn moved(&self, t: &mut Tx, moved: &Moved<Self>) -> impl Future<Output = anyhow::Result<()>> + Send {
        let _ = (t, moved);
        std::future::ready(Ok(()))
    }
}

/// What a step's action is given.
#[derive(Debug)]
pub struct Step<S: Saga> {
    /// What the saga was started with.
    pub params: S::Params,
    /// What the steps note. Of a local action that fails nothing is kept; of a remote one everything.
    pub memory: S::Memory,
    pub(super) id: Uuid,
    pub(super) name: &'static str,
    pub(super) undo: bool,
    pub(super) attempt: u32,
    pub(super) failure: Option<String>,
}

impl<S: Saga> Step<S> {
    /// The saga.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The same whenever this action of this saga is tried, and of no other: for the peer's `Idempotency-Key`.
    #[must_use]
    pub fn key(&self) -> String {
        key(self.id, self.name, self.undo)
    }

    /// The key under which the step was done; for its undo.
    #[must_use]
    pub fn done_key(&self) -> String {
        key(self.id, self.name, false)
    }

    /// 1 for the first try; a try that a crash cut off is not counted.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Why the saga turned back; for undos.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

fn key(id: Uuid, step: &str, undo: bool) -> String {
    format!("{id}:{step}:{}", if undo { "undo" } else { "do" })
}

/// What [`Saga::moved`] is told.
#[derive(Debug)]
pub struct Moved<S: Saga> {
    /// The saga.
    pub id: Uuid,
    /// What it was started with.
    pub params: S::Params,
    /// What its steps have noted.
    pub memory: S::Memory,
    /// What happened.
    pub what: What,
}

/// What happened to a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A step is done.
    Did(&'static str),
    /// All steps are done, and with them the saga.
    Done,
    /// The saga turns back.
    TurnedBack {
        /// Why.
        failure: String,
    },
    /// A step is undone.
    Undid(&'static str),
    /// Everything is undone.
    Compensated {
        /// Why it turned back.
        failure: String,
    },
    /// It waits for somebody to decide.
    Stuck {
        /// Why.
        reason: String,
    },
}

/// What an action answers. `?` on any error means: try again, it may have taken effect.
pub type StepResult = Result<(), StepError>;

/// Why an action did not succeed.
#[derive(Debug)]
pub enum StepError {
    /// It failed or gave no answer, and may succeed when it is tried again. A remote action may have taken effect.
    Retry(anyhow::Error),
    /// The answer is no, and will be. Nothing took effect. The text tells people why.
    Refused(String),
    /// It can never succeed as things are: somebody must look at it.
    Fatal(anyhow::Error),
    /// What it waits for has not come; to be asked again after this time at the latest. Not a failure.
    Wait(Duration),
}

impl StepError {
    /// The answer is no, and will be.
    pub fn refuse(reason: impl fmt::Display) -> Self {
        Self::Refused(reason.to_string())
    }

    /// It can never succeed as things are.
    pub fn fatal(error: impl Into<anyhow::Error>) -> Self {
        Self::Fatal(error.into())
    }

    /// It may succeed when it is tried again.
    pub fn retry(error: impl Into<anyhow::Error>) -> Self {
        Self::Retry(error.into())
    }
}

impl<E: Into<anyhow::Error>> From<E> for StepError {
    fn from(error: E) -> Self {
        Self::Retry(error.into())
    }
}

/// How often and after which pauses an action is tried again: exponential, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl Retry {
    /// Five tries within a few seconds; for steps that can be undone.
    pub const QUICK: Self = Self::times(5);
    /// Forty tries within about half an hour; for undos, and for steps behind the point of no return.
    pub const PATIENT: Self = Self::times(40).up_to(Duration::from_secs(60));

    /// This many tries, the first one included, with pauses from 200 ms up to 10 s.
    #[must_use]
    pub const fn times(attempts: u32) -> Self {
        Self { attempts, first: Duration::from_millis(200), longest: Duration::from_secs(10) }
    }

    /// The shortest pause, which is the first one.
    #[must_use]
    pub const fn from(self, first: Duration) -> Self {
        Self { first, ..self }
    }

    /// The longest pause.
    #[must_use]
    pub const fn up_to(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Whether this failed try was the last one.
    pub(super) const fn is_last(self, attempt: u32) -> bool {
        attempt >= self.attempts
    }

    /// The pause after so many failed tries: between the pause itself and twice as much, by chance.
    pub(super) fn pause_after(self, attempts: u32) -> Duration {
        let pauses = ExponentialBuilder::new().with_factor(2.0).with_min_delay(self.first);
        let pauses = pauses.with_max_delay(self.longest).without_max_times().with_jitter();
        pauses.build().nth(attempts.saturating_sub(1) as usize).unwrap_or(self.longest)
    }
}

/// The action of a local step: a method `async fn(&self, &mut Tx, &mut Step<Self>) -> StepResult`.
pub trait LocalAction<'a, S: Saga>: Send + Sync {
    /// Runs it.
    fn call(&self, saga: &'a S, t: &'a mut Tx, step: &'a mut Step<S>) -> BoxFuture<'a, StepResult>;
}

impl<'a, S, F, Fut> LocalAction<'a, S> for F
where
    S: Saga,
    F: Fn(&'a S, &'a mut Tx, &'a mut Step<S>) -> Fut + Send + Sync,
    Fut: Future<Output = StepResult> + Send + 'a,
{
    fn call(&self, saga: &'a S, t: &'a mut Tx, step: &'a mut Step<S>) -> BoxFuture<'a, StepResult> {
        Box::pin(self(saga, t, step))
    }
}

/// The action of a remote step: a method `async fn(&self, &mut Step<Self>) -> StepResult`.
pub trait RemoteAction<'a, S: Saga>: Send + Sync {
    /// Runs it.
    fn call(&self, saga: &'a S, step: &'a mut Step<S>) -> BoxFuture<'a, StepResult>;
}

impl<'a, S, F, Fut> RemoteAction<'a, S> for F
where
    S: Saga,
    F: Fn(&'a S, &'a mut Step<S>) -> Fut + Send + Sync,
    Fut: Future<Output = StepResult> + Send + 'a,
{
    fn call(&self, saga: &'a S, step: &'a mut Step<S>) -> BoxFuture<'a, StepResult> {
        Box::pin(self(saga, step))
    }
}

type Local<S> = Box<dyn for<'a> LocalAction<'a, S>>;
type Remote<S> = Box<dyn for<'a> RemoteAction<'a, S>>;

pub(super) enum Acts<S> {
    Local { act: Local<S>, undo: Option<Local<S>> },
    Remote { act: Remote<S>, undo: Option<Remote<S>> },
}

/// One step as it was declared.
#[doc(hidden)]
pub struct Declared<S> {
    pub(super) name: &'static str,
    pub(super) acts: Acts<S>,
    pub(super) policy: Policy,
}

/// How the actions of a step are carried out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) timeout: Duration,
    retry: Option<Retry>,
    retry_undo: Retry,
}

impl Policy {
    pub(super) const DEFAULT: Self = Self { timeout: TIMEOUT, retry: None, retry_undo: Retry::PATIENT };

    pub(super) fn retry(&self, undo: bool, behind_pivot: bool) -> Retry {
        let usual = if behind_pivot { Retry::PATIENT } else { Retry::QUICK };
        if undo { self.retry_undo } else { self.retry.unwrap_or(usual) }
    }
}

/// A step in the service's own database. Its effect, the saga's progress and the events that it publishes commit
/// together: it takes effect exactly once. It calls nobody.
pub struct LocalStep<S: Saga>(Declared<S>);

/// A step elsewhere: a call to a peer under the step's key, at least once. Whoever answers must know the key again.
pub struct RemoteStep<S: Saga>(Declared<S>);

/// A local step. Its name is unique in the flow: lower-case letters, digits and hyphens.
pub fn local<S: Saga>(name: &'static str, act: impl for<'a> LocalAction<'a, S> + 'static) -> LocalStep<S> {
    let acts = Acts::Local { act: Box::new(act), undo: None };
    LocalStep(Declared { name, acts, policy: Policy::DEFAULT })
}

/// A remote step. Its name is unique in the flow: lower-case letters, digits and hyphens.
pub fn remote<S: Saga>(name: &'static str, act: impl for<'a> RemoteAction<'a, S> + 'static) -> RemoteStep<S> {
    let acts = Acts::Remote { act: Box::new(act), undo: None };
    RemoteStep(Declared { name, acts, policy: Policy::DEFAULT })
}

impl<S: Saga> LocalStep<S> {
    /// How it is undone.
    #[must_use]
    pub fn undo(mut self, undo: impl for<'a> LocalAction<'a, S> + 'static) -> Self {
        if let Acts::Local { undo: place, .. } = &mut self.0.acts {
            *place = Some(Box::new(undo));
        }
        self
    }
}

impl<S: Saga> RemoteStep<S> {
    /// How it is undone. It is also called when it is not known whether the step took effect, so it must succeed when
    /// there is nothing to undo; and what arrives later under [`Step::done_key`] must find it undone.
    #[must_use]
    pub fn undo(mut self, undo: impl for<'a> RemoteAction<'a, S> + 'static) -> Self {
        if let Acts::Remote { undo: place, .. } = &mut self.0.acts {
            *place = Some(Box::new(undo));
        }
        self
    }
}

macro_rules! policies {
    ($($step:ident),+) => {$(
        impl<S: Saga> $step<S> {
            /// How long its actions may take, 10 s unless said otherwise. What takes longer counts as without an answer.
            /// A crash during the action is noticed by others after this time at the latest.
            #[must_use]
            pub fn timeout(mut self, timeout: Duration) -> Self {
                self.0.policy.timeout = timeout;
                self
            }

            /// How it is tried again; [`Retry::QUICK`] unless said otherwise, [`Retry::PATIENT`] behind the point of no
            /// return.
            #[must_use]
            pub fn retry(mut self, retry: Retry) -> Self {
                self.0.policy.retry = Some(retry);
                self
            }

            /// How its undo is tried again; [`Retry::PATIENT`] unless said otherwise.
            #[must_use]
            pub fn retry_undo(mut self, retry: Retry) -> Self {
                self.0.policy.retry_undo = retry;
                self
            }
        }

        impl<S: Saga> AnyStep<S> for $step<S> {
            fn declared(self) -> Declared<S> {
                self.0
            }
        }

        impl<S: Saga> fmt::Debug for $step<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($step)).field(&self.0.name).finish()
            }
        }
    )+};
}

policies!(LocalStep, RemoteStep);

/// A [`LocalStep`] or a [`RemoteStep`].
pub trait AnyStep<S: Saga> {
    #[doc(hidden)]
    fn declared(self) -> Declared<S>;
}

/// The steps of a flow, in order.
pub struct Steps<S: Saga> {
    pub(super) declared: Vec<Declared<S>>,
    pivot: Option<usize>,
}

impl<S: Saga> Default for Steps<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Saga> Steps<S> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { declared: Vec::new(), pivot: None }
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: impl AnyStep<S>) -> Self {
        self.declared.push(step.declared());
        self
    }

    /// Steps added from here on are only gone on with, and none is undone once the first of them is begun.
    #[must_use]
    pub fn point_of_no_return(mut self) -> Self {
        self.pivot = Some(self.declared.len());
        self
    }

    pub(super) fn plan(&self) -> Plan {
        let step = |step: &Declared<S>| {
            let (remote, undo) = match &step.acts {
                Acts::Local { undo, .. } => (false, undo.is_some()),
                Acts::Remote { undo, .. } => (true, undo.is_some()),
            };
            PlanStep { name: step.name.to_owned(), remote, undo }
        };
        Plan { steps: self.declared.iter().map(step).collect(), pivot: self.pivot }
    }
}

impl<S: Saga> fmt::Debug for Steps<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Steps({})", self.plan())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_twice_the_longest_at_most() {
        let retry = Retry::times(9).from(Duration::from_millis(100)).up_to(Duration::from_secs(2));
        let first = retry.pause_after(1);
        assert!((100..=200).contains(&first.as_millis()), "{first:?}");
        assert!(retry.pause_after(4) >= Duration::from_millis(800));
        let late = retry.pause_after(1_000);
        assert!(late >= Duration::from_secs(2) && late <= Duration::from_secs(4), "{late:?}");
        assert!(!retry.is_last(8) && retry.is_last(9));
    }
}
