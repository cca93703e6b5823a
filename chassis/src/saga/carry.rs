//! Carrying one saga: its actions one after the other, each noted before the next begins.

use super::Sagas;
use super::erased::{Flow, Turn};
use super::flow::{StepError, What};
use super::machine::{Action, Event, Phase, State};
use super::record::SagaRecord;
use super::store::{self, Change, Line};
use crate::clock::Ts;
use crate::db::{DbError, Tx, is_unavailable};
use crate::stop::Stop;
use crate::telemetry::origin::Origin;
use metrics::{counter, histogram};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// What is left of the lease when an action has taken all its time: for the note about it.
const MARGIN: Duration = Duration::from_secs(2);
/// How soon a saga whose plan is not this release's is looked at again.
const UNFIT: Duration = Duration::from_secs(30);
/// The pauses while the database is away.
const TROUBLE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// What is kept of an error.
const LONGEST_ERROR: usize = 1_000;

/// How a worker parts with a saga.
#[derive(Debug)]
pub(super) enum Carried {
    /// It is put aside until then.
    Aside(Ts),
    /// It has ended, is stuck, or another has it.
    Away,
}

/// A worker's hold on one saga.
pub(super) struct Carrier {
    sagas: Sagas,
    flow: Arc<Flow>,
    owner: Option<Uuid>,
    record: Arc<SagaRecord>,
    state: State,
    stop: Stop,
}

/// What a try of an action comes to.
#[derive(Clone)]
struct Settled {
    change: Change,
    next: State,
    tell: Vec<What>,
    outcome: &'static str,
    error: Option<String>,
}

/// Why a transaction was undone.
enum Undone {
    Failed(StepError),
    /// Somebody else has changed the saga.
    Lost,
    /// The flow could not be told.
    Untold(anyhow::Error),
    Db(DbError),
}

impl From<DbError> for Undone {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl Carrier {
    pub(super) fn new(sagas: Sagas, flow: Arc<Flow>, record: SagaRecord, stop: Stop) -> Self {
        let state = State::new(&flow.about().plan);
        Self { sagas, flow, owner: record.owner, record: Arc::new(record), state, stop }
    }

    /// Goes on with the saga until it ends, pauses, is stuck or another's, or the process stops.
    pub(super) async fn carry(mut self) -> Carried {
        let SagaRecord { id, traceparent, correlation_id, .. } = &*self.record;
        let origin = Origin::caused_by(traceparent.as_deref(), correlation_id.as_deref());
        let span = tracing::info_span!(
            "saga",
            otel.name = self.flow.about().name,
            service = self.sagas.0.db.service(),
            saga = self.flow.about().name,
            saga_id = %id,
            correlation_id = %origin.correlation_id,
            trace_id = %origin.trace.trace_id(),
        );
        origin.scope(span, self.go_on()).await
    }

    async fn go_on(&mut self) -> Carried {
        let about = self.flow.about();
        if self.record.plan != about.plan_text {
            let (stored, known) = (&self.record.plan, &about.plan_text);
            tracing::warn!(stored, known, "left alone: its flow has other steps now under the same version");
            return self.put_aside(self.now() + UNFIT).await;
        }
        if let Err(reason) = self.read() {
            return self.unreadable(reason.to_string()).await;
        }
        loop {
            if self.stop.is_stopping() {
                return self.put_aside(self.now()).await;
            }
            let turned = match self.turn().await {
                Ok(Some(carried)) => return carried,
                Ok(None) => continue,
                Err(undone) => undone,
            };
            if let Undone::Db(error) = &turned {
                tracing::warn!(%error, "the saga's progress cannot be noted");
            }
            if let Some(carried) = self.look_again().await {
                return carried;
            }
        }
    }

    fn read(&mut self) -> Result<(), super::Unreadable> {
        let plan = &self.flow.about().plan;
        let mut state = self.record.position(plan)?;
        let remote = plan.steps.get(state.at).is_some_and(|step| step.remote);
        state.unsure &= remote && !state.back;
        self.state = state;
        Ok(())
    }

    /// One action, and the note about it. Nothing as long as there is more to do.
    async fn turn(&mut self) -> Result<Option<Carried>, Undone> {
        let late = self.record.deadline_at.is_some_and(|deadline| deadline <= self.now());
        let plan = &self.flow.about().plan;
        let Some(action) = self.state.action(plan) else {
            let settled = self.settle_event(Event::Finished, None, None);
            return self.note(settled).await;
        };
        if late && self.state.phase == Phase::Running && self.state.may_turn_back(plan) {
            let failure = "it was not done within its time".to_owned();
            let settled =
                self.settle_event(Event::DeadlinePassed, Some(("deadline", "passed")), Some(failure));
            return self.note(settled).await;
        }
        if !self.has_time_for(action).await? {
            return Err(Undone::Lost);
        }
        if self.flow.about().is_remote(action) { self.remote(action).await } else { self.local(action).await }
    }

    /// Makes sure that the saga is this worker's until the action has ended, however long that takes.
    async fn has_time_for(&mut self, action: Action) -> Result<bool, DbError> {
        let needed = self.flow.about().policy(action).timeout + MARGIN;
        let now = self.now();
        if self.record.due_at >= now + needed {
            return Ok(true);
        }
        let until = now + needed.max(self.sagas.0.config.lease());
        let extended = store::extend(&self.sagas.0.db, self.record.id, self.record.fence, until).await?;
        if extended {
            Arc::make_mut(&mut self.record).due_at = until;
        }
        Ok(extended)
    }

    async fn remote(&mut self, action: Action) -> Result<Option<Carried>, Undone> {
        let started = self.now();
        let acted = self.flow.act(None, &self.turn_of(action, &self.record.memory)).await;
        self.measure(action, started);
        let settled = self.settle(action, acted.outcome, acted.memory, started);
        self.note(settled).await
    }

    async fn local(&mut self, action: Action) -> Result<Option<Carried>, Undone> {
        let started = self.now();
        let this = Arc::new(self.snapshot());
        let job = self.sagas.0.db.group(move |t| {
            let this = Arc::clone(&this);
            Box::pin(async move { this.local_in(t, action, started).await })
        });
        let outcome = job.await;
        self.measure(action, started);
        match outcome {
            Ok(settled) => Ok(self.noted(settled)),
            Err(Undone::Failed(StepError::Retry(error))) if is_away(&error) => {
                tracing::warn!(error = format!("{error:#}"), "the database is away");
                Err(Undone::Lost)
            }
            Err(Undone::Failed(failure)) => {
                let settled = self.settle(action, Err(failure), self.record.memory.clone(), started);
                self.note(settled).await
            }
            Err(Undone::Untold(error)) => self.note_untold(&error).await,
            Err(undone) => Err(undone),
        }
    }

    async fn local_in(&self, t: &mut Tx, action: Action, started: Ts) -> Result<Settled, Undone> {
        let acted = self.flow.act(Some(t), &self.turn_of(action, &self.record.memory)).await;
        acted.outcome.map_err(Undone::Failed)?;
        let settled = self.settle(action, Ok(()), acted.memory, started);
        self.note_in(t, &settled).await?;
        Ok(settled)
    }

    fn turn_of<'a>(&'a self, action: Action, memory: &'a Value) -> Turn<'a> {
        let SagaRecord { id, params, failure, .. } = &*self.record;
        Turn {
            action,
            id: *id,
            attempt: self.state.attempts + 1,
            params,
            memory,
            failure: failure.as_deref(),
        }
    }

    fn settle(&self, action: Action, outcome: Result<(), StepError>, memory: Value, started: Ts) -> Settled {
        let retry = self.flow.about().retry(action);
        let attempt = self.state.attempts + 1;
        let name = self.flow.about().step_name(action);
        let chain = |error: &anyhow::Error| short(&format!("{error:#}"));
        let (event, outcome, error, pause) = match outcome {
            Ok(()) => (Event::Succeeded, "done", None, None),
            Err(StepError::Refused(reason)) => (Event::Refused, "refused", Some(short(&reason)), None),
            Err(StepError::Fatal(error)) => (Event::Hopeless, "fatal", Some(chain(&error)), None),
            Err(StepError::Wait(pause)) => (Event::Interrupted, "wait", None, Some(pause)),
            Err(StepError::Retry(error)) => {
                let last_try = retry.is_last(attempt);
                let pause = (!last_try).then(|| retry.pause_after(attempt));
                (Event::Failed { last_try }, "retry", Some(chain(&error)), pause)
            }
        };
        let failure = error.clone().map(|error| match event {
            Event::Refused => error,
            _ => format!("{name}: {error}"),
        });
        let mut settled = self.settle_event(event, None, failure);
        let change = &mut settled.change;
        change.memory = memory;
        change.last_error = error.clone();
        if let Some(pause) = pause {
            let until = change.now + pause;
            let returns =
                settled.next.phase == Phase::Running && settled.next.may_turn_back(&self.flow.about().plan);
            let deadline = self.record.deadline_at.filter(|_| returns);
            (change.owner, change.due) = (None, deadline.map_or(until, |deadline| deadline.min(until)));
        }
        let (action, what) = match action {
            Action::Do(_) => ("do", What::Did(name)),
            Action::Undo(_) => ("undo", What::Undid(name)),
        };
        if outcome != "wait" {
            let (step, attempt, error) = (name.to_owned(), i64::from(attempt), error.clone());
            change.log = Some(Line { step, action, outcome, attempt, error, started });
        }
        if outcome == "done" {
            settled.tell.insert(0, what);
        }
        Settled { outcome, error, ..settled }
    }

    /// What an event makes of the saga; `failure` says why it turned back or is stuck, if it does.
    fn settle_event(
        &self,
        event: Event,
        log: Option<(&'static str, &'static str)>,
        failure: Option<String>,
    ) -> Settled {
        let plan = &self.flow.about().plan;
        let next = self.state.clone().after(plan, event).unwrap_or_else(|_| self.state.clone());
        let now = self.now();
        let mut change = Change::of(&self.record, plan, &next, now);
        let mut tell = Vec::new();
        let reason = failure.unwrap_or_default();
        if next.back && !self.state.back {
            change.failure = Some(reason.clone());
            tell.push(What::TurnedBack { failure: reason.clone() });
        }
        match next.phase {
            Phase::Done => tell.push(What::Done),
            Phase::Compensated => {
                tell.push(What::Compensated { failure: change.failure.clone().unwrap_or_default() });
            }
            Phase::Stuck => {
                change.stuck_reason = Some(reason.clone());
                tell.push(What::Stuck { reason: reason.clone() });
            }
            Phase::Running | Phase::Compensating => {}
        }
        if !next.phase.is_open() {
            (change.owner, change.due) = (None, now);
        }
        change.log = log.map(|(action, outcome)| {
            let (step, error) = (change.step.clone(), Some(reason.clone()));
            Line { step, action, outcome, attempt: 0, error, started: now }
        });
        let (outcome, error) = log.map_or(("done", None), |(_, outcome)| (outcome, Some(reason)));
        Settled { change, next, tell, outcome, error }
    }

    /// The flow could not be told of what happened, so it is as if that had not happened; somebody must look.
    fn untold(&self, error: &anyhow::Error) -> Settled {
        let reason = short(&format!("the flow could not be told: {error:#}"));
        let settled = self.settle_event(Event::Hopeless, Some(("tell", "fatal")), Some(reason));
        Settled { tell: Vec::new(), ..settled }
    }

    /// Notes what happened and tells the flow, in a transaction of its own.
    async fn note(&mut self, settled: Settled) -> Result<Option<Carried>, Undone> {
        if !self.flow.about().tells || settled.tell.is_empty() {
            return self.note_silently(settled).await;
        }
        let (this, settled) = (Arc::new(self.snapshot()), Arc::new(settled));
        let noted = Arc::clone(&settled);
        let job = self.sagas.0.db.group(move |t| {
            let (this, settled) = (Arc::clone(&this), Arc::clone(&noted));
            Box::pin(async move { this.note_in(t, &settled).await })
        });
        match job.await {
            Ok(()) => Ok(self.noted(Settled::clone(&settled))),
            Err(Undone::Untold(error)) => self.note_untold(&error).await,
            Err(undone) => Err(undone),
        }
    }

    /// The flow could not be told. When the database was away or busy it is told again; otherwise the saga is stuck.
    async fn note_untold(&mut self, error: &anyhow::Error) -> Result<Option<Carried>, Undone> {
        let away =
            |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref().is_some_and(is_unavailable);
        if error.chain().any(away) {
            tracing::warn!(error = format!("{error:#}"), "the flow could not be told; again");
            return Err(Undone::Lost);
        }
        self.note_silently(self.untold(error)).await
    }

    async fn note_in(&self, t: &mut Tx, settled: &Settled) -> Result<(), Undone> {
        if !store::change_in(t, &settled.change).await? {
            return Err(Undone::Lost);
        }
        if self.flow.about().tells {
            for what in &settled.tell {
                let turn = self.turn_of(Action::Do(settled.next.at), &settled.change.memory);
                self.flow.moved(t, &turn, what.clone()).await.map_err(Undone::Untold)?;
            }
        }
        Ok(())
    }

    async fn note_silently(&mut self, settled: Settled) -> Result<Option<Carried>, Undone> {
        if store::change(&self.sagas.0.db, &settled.change).await? {
            Ok(self.noted(settled))
        } else {
            Err(Undone::Lost)
        }
    }

    /// After the note is committed: counts, logs, and goes on from there.
    fn noted(&mut self, settled: Settled) -> Option<Carried> {
        self.count(&settled);
        let Settled { change, next, .. } = settled;
        let given_back = change.owner.is_none();
        let due = change.due;
        change.apply(Arc::make_mut(&mut self.record));
        self.state = next;
        match self.state.phase {
            phase if !phase.is_open() => Some(Carried::Away),
            _ => given_back.then_some(Carried::Aside(due)),
        }
    }

    fn count(&self, settled: &Settled) {
        let (service, saga) = (self.sagas.0.db.service().to_owned(), self.flow.about().name);
        let Settled { change, outcome, error, .. } = settled;
        if let Some(line) = &change.log {
            let (step, action, outcome) = (line.step.clone(), line.action, *outcome);
            counter!("saga_steps_total", "service" => service.clone(), "saga" => saga, "step" => step, "action" => action, "outcome" => outcome)
                .increment(1);
            let (step, attempt) = (line.step.as_str(), line.attempt);
            match (outcome, error) {
                ("done", _) => tracing::debug!(step, action, attempt, "step done"),
                ("refused", Some(error)) => tracing::info!(step, action, attempt, error, "step refused"),
                (_, error) => {
                    let error = error.as_deref().unwrap_or_default();
                    tracing::warn!(step, action, attempt, outcome, error, "step failed");
                }
            }
        }
        if change.phase.is_open() {
            return;
        }
        let outcome = change.phase.as_str();
        counter!("saga_ended_total", "service" => service.clone(), "saga" => saga, "outcome" => outcome)
            .increment(1);
        match change.phase {
            Phase::Stuck => {
                let reason = change.stuck_reason.as_deref().unwrap_or_default();
                tracing::error!(reason, "the saga is stuck: somebody must decide how it goes on");
            }
            _ => {
                histogram!("saga_duration_seconds", "service" => service, "saga" => saga, "outcome" => outcome)
                    .record(change.now.since(self.record.created_at));
                let failure = change.failure.as_deref().unwrap_or_default();
                tracing::info!(outcome, failure, "the saga has ended");
            }
        }
    }

    fn measure(&self, action: Action, started: Ts) {
        let about = self.flow.about();
        let service = self.sagas.0.db.service().to_owned();
        histogram!("saga_step_duration_seconds", "service" => service, "saga" => about.name, "step" => about.step_name(action))
            .record(self.now().since(started));
    }

    /// After something went wrong with the database or the saga's ownership: is it still this worker's, and where does it
    /// stand? A change whose commit was not heard of may have been made.
    async fn look_again(&mut self) -> Option<Carried> {
        let (mut pause, longest) = TROUBLE;
        while !self.stop.is_stopping() {
            sleep(pause).await;
            pause = (pause * 2).min(longest);
            match store::find(&self.sagas.0.db, self.record.id).await {
                Ok(Some(found)) if found.fence == self.record.fence && found.owner == self.owner => {
                    self.record = Arc::new(found);
                    return match self.read() {
                        Ok(()) => None,
                        Err(reason) => Some(self.unreadable(reason.to_string()).await),
                    };
                }
                Ok(Some(found)) if found.fence == self.record.fence && found.state.is_open() => {
                    return Some(Carried::Aside(found.due_at));
                }
                Ok(_) => {
                    tracing::debug!("another has the saga");
                    return Some(Carried::Away);
                }
                Err(error) => tracing::debug!(%error, "the saga cannot be read"),
            }
        }
        Some(Carried::Away)
    }

    async fn put_aside(&self, due: Ts) -> Carried {
        match store::give_back(&self.sagas.0.db, &self.record, due).await {
            Ok(true) => Carried::Aside(due),
            Ok(false) => Carried::Away,
            Err(error) => {
                tracing::warn!(%error, "the saga cannot be given back; others go on with it later");
                Carried::Away
            }
        }
    }

    async fn unreadable(&self, reason: String) -> Carried {
        tracing::error!(reason, "the saga is stuck");
        if let Err(error) = store::mark_stuck(&self.sagas.0.db, &self.record, &reason, self.now()).await {
            tracing::warn!(%error, "the saga's state cannot be noted");
        }
        Carried::Away
    }

    fn snapshot(&self) -> Self {
        Self {
            sagas: self.sagas.clone(),
            flow: Arc::clone(&self.flow),
            owner: self.owner,
            record: Arc::clone(&self.record),
            state: self.state.clone(),
            stop: self.stop.clone(),
        }
    }

    fn now(&self) -> Ts {
        self.sagas.0.clock.now()
    }
}

/// Whether an action failed because its database is away, which is no failure of the step.
fn is_away(error: &anyhow::Error) -> bool {
    let away = |error: &DbError| match error {
        DbError::Io(_) | DbError::PoolTimedOut | DbError::PoolClosed | DbError::WorkerCrashed => true,
        DbError::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08"))
        }
        _ => false,
    };
    error.chain().any(|cause| cause.downcast_ref::<DbError>().is_some_and(away))
}

fn short(error: &str) -> String {
    error.get(..error.floor_char_boundary(LONGEST_ERROR)).unwrap_or(error).to_owned()
}
