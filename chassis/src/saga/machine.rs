//! The state of a saga and what each event makes of it. Pure: no database, no clock, no calls.
//!
//! What must hold, and is tested with random plans and events: a saga is never both done and compensated; undos run in
//! the reverse order of what was done; behind the point of no return nothing is undone; whatever happens, a saga ends or
//! is stuck.

use std::fmt;
use std::str::FromStr;

/// What a flow consists of, as far as the state machine cares. Stored with each saga: a release whose flow has changed
/// does not go on with a saga that it would misread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<PlanStep>,
    /// The first step from which on nothing is undone any more.
    pub(super) pivot: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlanStep {
    pub(super) name: String,
    /// Its effect is elsewhere, so that it may have happened without an answer.
    pub(super) remote: bool,
    pub(super) undo: bool,
}

impl Plan {
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name == name)
    }

    fn is_remote(&self, at: usize) -> bool {
        self.steps.get(at).is_some_and(|step| step.remote)
    }

    fn has_undo(&self, at: usize) -> bool {
        self.steps.get(at).is_some_and(|step| step.undo)
    }

    /// Whether a saga that stands at this step may still be compensated.
    fn may_turn_back(&self, at: usize) -> bool {
        self.pivot.is_none_or(|pivot| at < pivot)
    }
}

/// `hold:local:undo charge:remote:undo | ship:remote`; the bar is the point of no return.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            let gap = if place == 0 { "" } else { " " };
            let bar = if self.pivot == Some(place) { "| " } else { "" };
            let kind = if step.remote { "remote" } else { "local" };
            let undo = if step.undo { ":undo" } else { "" };
            write!(f, "{gap}{bar}{}:{kind}{undo}", step.name)?;
        }
        Ok(())
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut plan = Self { steps: Vec::new(), pivot: None };
        for word in text.split_whitespace() {
            if word == "|" {
                plan.pivot = Some(plan.steps.len());
                continue;
            }
            let mut parts = word.split(':');
            let (name, kind, undo) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
            let known = matches!(kind, Some("local" | "remote")) && matches!(undo, None | Some("undo"));
            if name.is_empty() || !known || parts.next().is_some() {
                return Err(format!("not a plan of steps: {text}"));
            }
            let step =
                PlanStep { name: name.to_owned(), remote: kind == Some("remote"), undo: undo.is_some() };
            plan.steps.push(step);
        }
        Ok(plan)
    }
}

/// How far a saga has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its steps are being done.
    Running,
    /// What was done is being undone, in reverse.
    Compensating,
    /// Ended: every step is done.
    Done,
    /// Ended: everything that was done is undone.
    Compensated,
    /// It cannot go on by itself; somebody must decide.
    Stuck,
}

impl Phase {
    /// Its text in the store, in metrics and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Done => "done",
            Self::Compensated => "compensated",
            Self::Stuck => "stuck",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Done | Self::Compensated)
    }

    /// Whether workers go on with it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Compensating)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl TryFrom<String> for Phase {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Running, Self::Compensating, Self::Done, Self::Compensated, Self::Stuck];
        all.into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| format!("no such state of a saga: {text}"))
    }
}

/// Where a saga stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Whether it undoes; of a stuck one, whether it did.
    pub(super) back: bool,
    /// The step that is done next; of one that compensates, the step at which it turned back.
    pub(super) at: usize,
    /// What is done and not undone, in the order in which it was done.
    pub(super) done: Vec<usize>,
    /// The step at `at` may have taken effect although no answer says so.
    pub(super) unsure: bool,
    /// Failed tries of the action in hand.
    pub(super) attempts: u32,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Do(usize),
    Undo(usize),
}

/// What happened to a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The action in hand took effect.
    Succeeded,
    /// It failed or gave no answer; it is tried again unless that was the last try.
    Failed { last_try: bool },
    /// It says no, for good and without having taken effect.
    Refused,
    /// It can never succeed as things are.
    Hopeless,
    /// The owner of the action in hand went away.
    Interrupted,
    /// The time of the saga as a whole is over.
    DeadlinePassed,
    /// Nothing is left to do or to undo.
    Finished,
    /// An operator: try the action in hand again.
    Retry,
    /// An operator: the action in hand counts as taken care of.
    Skip,
    /// An operator: turn back.
    Compensate,
}

/// Why an operator's wish cannot be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// It is done or compensated.
    #[error("the saga has ended")]
    Ended,
    /// It is being compensated already.
    #[error("the saga is being compensated already")]
    Compensating,
    /// What was done can only be gone on with.
    #[error("the saga has passed its point of no return: it only goes forward")]
    NoReturn,
}

impl State {
    pub(super) fn new(plan: &Plan) -> Self {
        let phase = if plan.steps.is_empty() { Phase::Done } else { Phase::Running };
        Self { phase, back: false, at: 0, done: Vec::new(), unsure: false, attempts: 0 }
    }

    /// The action in hand; of a stuck saga the one that it is stuck in. Nothing when it has ended, or is about to.
    pub(super) fn action(&self, plan: &Plan) -> Option<Action> {
        match self.phase {
            Phase::Done | Phase::Compensated => None,
            _ if self.back => self.done.last().copied().map(Action::Undo),
            _ => (self.at < plan.steps.len()).then_some(Action::Do(self.at)),
        }
    }

    /// Whether it may still turn back.
    pub(super) fn may_turn_back(&self, plan: &Plan) -> bool {
        !self.back && !self.phase.is_ended() && plan.may_turn_back(self.at)
    }

    /// What the event makes of it. What an operator wishes never ends a saga: that is left to a worker, who tells the flow.
    ///
    /// # Errors
    /// When an operator's wish cannot be granted. What a worker reports always can.
    pub(super) fn after(mut self, plan: &Plan, event: Event) -> Result<Self, NotAllowed> {
        if self.phase.is_ended() {
            return Err(NotAllowed::Ended);
        }
        match event {
            Event::Succeeded if self.back => self.undone(plan),
            Event::Succeeded => self.forward(true),
            Event::Interrupted => self.unsure |= !self.back && plan.is_remote(self.at),
            Event::Failed { last_try } => {
                self.attempts = self.attempts.saturating_add(1);
                self.unsure |= !self.back && plan.is_remote(self.at);
                if last_try {
                    self.give_up(plan);
                }
            }
            Event::Refused => self.give_up(plan),
            Event::Hopeless => {
                self.unsure |= !self.back && plan.is_remote(self.at);
                self.phase = Phase::Stuck;
            }
            Event::DeadlinePassed if self.phase == Phase::Running && self.may_turn_back(plan) => {
                self.turn_back(plan);
            }
            Event::DeadlinePassed | Event::Finished => {}
            Event::Retry => {
                self.attempts = 0;
                self.resume();
            }
            Event::Skip if self.back => {
                self.resume();
                self.undone(plan);
            }
            Event::Skip => {
                self.resume();
                // What may have happened is undone with the rest, should it come to that.
                let maybe = self.unsure;
                self.forward(maybe);
            }
            Event::Compensate if self.back => return Err(NotAllowed::Compensating),
            Event::Compensate if !self.may_turn_back(plan) => return Err(NotAllowed::NoReturn),
            Event::Compensate => self.turn_back(plan),
        }
        if !matches!(event, Event::Retry | Event::Skip | Event::Compensate) {
            self.end(plan);
        }
        Ok(self)
    }

    fn end(&mut self, plan: &Plan) {
        if self.phase.is_open() && self.action(plan).is_none() {
            self.phase = if self.back { Phase::Compensated } else { Phase::Done };
        }
    }

    fn resume(&mut self) {
        self.phase = if self.back { Phase::Compensating } else { Phase::Running };
    }

    fn forward(&mut self, done: bool) {
        if done {
            self.done.push(self.at);
        }
        self.at += 1;
        (self.attempts, self.unsure) = (0, false);
    }

    fn give_up(&mut self, plan: &Plan) {
        if self.may_turn_back(plan) {
            self.turn_back(plan);
        } else {
            self.phase = Phase::Stuck;
        }
    }

    fn turn_back(&mut self, plan: &Plan) {
        if self.unsure {
            self.done.push(self.at);
        }
        (self.phase, self.back, self.unsure, self.attempts) = (Phase::Compensating, true, false, 0);
        self.leave_out(plan);
    }

    fn undone(&mut self, plan: &Plan) {
        self.done.pop();
        self.attempts = 0;
        self.leave_out(plan);
    }

    /// What has no undo needs none.
    fn leave_out(&mut self, plan: &Plan) {
        while self.done.last().is_some_and(|last| !plan.has_undo(*last)) {
            self.done.pop();
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
