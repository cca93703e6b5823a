//! Tries a saga in every way in which the world can go wrong, and asks each time what is left over.
//!
//! For each step: it fails once, its answer is lost once and for good, it is called twice, it refuses, and the process is
//! killed right before it and right after it took effect; and the same for each undo. Each case has a world of its own.
//! Afterwards the saga must have ended as the case demands, and the world's audit must find nothing.
//!
//! What it does not do: it fails one thing at a time. Two at once are what `cargo xtask prove` is for.

use chassis::clock::Clock;
use chassis::db::Db;
use chassis::operator::Operator;
use chassis::saga::{
    Disturb, Disturbance, Flow, Phase, Saga, SagaConfig, SagaRecord, Sagas, StepError, StepInfo,
};
use chassis::stop;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How long one case may take: far longer than any does.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// The world that a saga changes: one database, and whatever its remote steps reach.
pub trait SagaWorld: Send + Sync {
    /// The flow.
    type Saga: Saga;

    /// Opens the database, which has the chassis' tables and the service's own, once more: what another process does.
    fn open(&self) -> impl Future<Output = Db> + Send;

    /// The flow as a process has it.
    fn flow(&self, db: &Db) -> Self::Saga;

    /// What the saga is started with. It must be done when nothing goes wrong.
    fn params(&self) -> <Self::Saga as Saga>::Params;

    /// The id of the saga; for a world in which something else has it too.
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// What is wrong with the world now that the saga is [`Phase::Done`] or [`Phase::Compensated`]: an effect that is
    /// missing, doubled or left over.
    fn audit(&self, db: &Db, id: Uuid, ended: Phase) -> impl Future<Output = Vec<String>> + Send;
}

/// What a case found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was done to the saga: `charge: the answer is lost once`.
    pub case: String,
    /// What was wrong afterwards.
    pub found: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.found)
    }
}

/// Tries every case, each in a world of its own, and returns what was found. Says how many cases there were.
pub async fn try_saga<W: SagaWorld>(world: impl AsyncFn() -> W) -> (usize, Vec<Fault>) {
    let first = world().await;
    let db = first.open().await;
    let cases = cases(&Flow::of(first.flow(&db)).steps());
    drop((db, first));
    let mut faults = Vec::new();
    for case in &cases {
        let found = run(world().await, case).await;
        faults.extend(found.into_iter().map(|found| Fault { case: case.to_string(), found }));
    }
    (cases.len(), faults)
}

/// [`try_saga`] that must find nothing.
///
/// # Panics
/// When it finds something; the message lists all of it.
pub async fn prove_saga<W: SagaWorld>(world: impl AsyncFn() -> W) {
    let (cases, faults) = try_saga(world).await;
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    assert!(faults.is_empty(), "{} of {cases} cases:{}", faults.len(), lines.concat());
}

/// What happens to an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mishap {
    FailsOnce,
    FailsAlways,
    AnswerLostOnce,
    AnswerLostAlways,
    CalledTwice,
    Refuses,
    KilledBefore,
    KilledAfter,
}

impl Mishap {
    const fn words(self) -> &'static str {
        match self {
            Self::FailsOnce => "it fails once",
            Self::FailsAlways => "it never takes effect and nobody knows",
            Self::AnswerLostOnce => "it takes effect and the answer is lost",
            Self::AnswerLostAlways => "it takes effect and no answer ever comes",
            Self::CalledTwice => "it is called twice",
            Self::Refuses => "it refuses",
            Self::KilledBefore => "the process is killed before it",
            Self::KilledAfter => "the process is killed after it took effect",
        }
    }
}

/// One action and what happens to it.
#[derive(Debug, Clone, Copy)]
struct Rule {
    step: &'static str,
    undo: bool,
    mishap: Mishap,
    /// From this try on.
    from: u32,
}

#[derive(Debug, Clone)]
struct Case {
    rules: Vec<Rule>,
    /// The end that it must come to; when it is stuck on the way, an operator has it tried again.
    end: Phase,
    stuck: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rules.is_empty() {
            return f.write_str("nothing goes wrong");
        }
        for (place, rule) in self.rules.iter().enumerate() {
            let (gap, undo) =
                (if place == 0 { "" } else { ", then " }, if rule.undo { "undo of " } else { "" });
            write!(f, "{gap}{undo}{}: {}", rule.step, rule.mishap.words())?;
        }
        Ok(())
    }
}

fn cases(steps: &[StepInfo]) -> Vec<Case> {
    use Mishap::{
        AnswerLostAlways, AnswerLostOnce, CalledTwice, FailsAlways, FailsOnce, KilledAfter, KilledBefore,
        Refuses,
    };
    let mut cases = vec![Case { rules: Vec::new(), end: Phase::Done, stuck: false }];
    for step in steps {
        let rule = |mishap| Rule { step: step.name, undo: false, mishap, from: 1 };
        for mishap in [FailsOnce, AnswerLostOnce, CalledTwice, KilledBefore, KilledAfter] {
            // A local action is repeated by losing the answer: what it did is undone with its transaction.
            if step.remote || mishap != CalledTwice {
                cases.push(Case { rules: vec![rule(mishap)], end: Phase::Done, stuck: false });
            }
        }
        let (end, stuck) = if step.no_return { (Phase::Done, true) } else { (Phase::Compensated, false) };
        for mishap in [Refuses, FailsAlways, AnswerLostAlways] {
            cases.push(Case { rules: vec![rule(mishap)], end, stuck });
        }
        if step.remote && !step.no_return {
            let refused = Rule { from: 2, ..rule(Refuses) };
            cases.push(Case { rules: vec![rule(KilledAfter), refused], end, stuck });
        }
    }
    let Some(last) = steps.iter().rposition(|step| !step.no_return) else { return cases };
    for (place, step) in steps.iter().enumerate().take(last + 1).filter(|(_, step)| step.undo) {
        let turn_back = match (place == last, step.remote) {
            (false, _) => Refuses,
            (true, true) => AnswerLostAlways,
            // Its own undo is never needed.
            (true, false) => continue,
        };
        let turn_back = Rule { step: steps[last].name, undo: false, mishap: turn_back, from: 1 };
        for mishap in [FailsOnce, AnswerLostOnce, CalledTwice, KilledBefore, KilledAfter, Refuses] {
            if step.remote || mishap != CalledTwice {
                let rules = vec![turn_back, Rule { step: step.name, undo: true, mishap, from: 1 }];
                cases.push(Case { rules, end: Phase::Compensated, stuck: mishap == Refuses });
            }
        }
    }
    cases
}

/// A case under way, as the actions meet it.
struct Trial {
    rules: Vec<(Rule, AtomicU32)>,
    /// Set while no rule holds: an operator has taken care of what was wrong.
    healed: std::sync::atomic::AtomicBool,
    kill: Notify,
}

impl Trial {
    fn of(case: &Case) -> Self {
        let rules = case.rules.iter().map(|rule| (*rule, AtomicU32::new(0))).collect();
        Self { rules, healed: false.into(), kill: Notify::new() }
    }

    /// The mishaps of this try. Before the action each try is counted; after it nothing is.
    fn mishaps(&self, step: &str, undo: bool, count: bool) -> Vec<Mishap> {
        let mut mishaps = Vec::new();
        if self.healed.load(Ordering::SeqCst) {
            return mishaps;
        }
        for (rule, tries) in self.rules.iter().filter(|(rule, _)| rule.step == step && rule.undo == undo) {
            let tried =
                if count { tries.fetch_add(1, Ordering::SeqCst) + 1 } else { tries.load(Ordering::SeqCst) };
            let always = matches!(rule.mishap, Mishap::FailsAlways | Mishap::AnswerLostAlways);
            if tried == rule.from || (always && tried > rule.from) {
                mishaps.push(rule.mishap);
            }
        }
        mishaps
    }

    async fn die(&self) {
        self.kill.notify_one();
        std::future::pending().await
    }
}

fn lost() -> StepError {
    StepError::Retry(anyhow::anyhow!("as the trial wants it"))
}

impl Disturb for Trial {
    fn before<'a>(
        &'a self,
        step: &'a str,
        undo: bool,
    ) -> Pin<Box<dyn Future<Output = Disturbance> + Send + 'a>> {
        Box::pin(async move {
            for mishap in self.mishaps(step, undo, true) {
                match mishap {
                    Mishap::FailsOnce | Mishap::FailsAlways => return Disturbance::Fail(lost()),
                    Mishap::Refuses => return Disturbance::Fail(StepError::refuse("as the trial wants it")),
                    Mishap::CalledTwice => return Disturbance::Twice,
                    Mishap::KilledBefore => self.die().await,
                    Mishap::AnswerLostOnce | Mishap::AnswerLostAlways | Mishap::KilledAfter => {}
                }
            }
            Disturbance::None
        })
    }

    fn after<'a>(
        &'a self,
        step: &'a str,
        undo: bool,
    ) -> Pin<Box<dyn Future<Output = Option<StepError>> + Send + 'a>> {
        Box::pin(async move {
            for mishap in self.mishaps(step, undo, false) {
                match mishap {
                    Mishap::AnswerLostOnce | Mishap::AnswerLostAlways => return Some(lost()),
                    Mishap::KilledAfter => self.die().await,
                    _ => {}
                }
            }
            None
        })
    }
}

/// A process that carries out sagas.
struct Process {
    db: Db,
    sagas: Sagas,
    work: JoinSet<()>,
    _stopper: stop::Stopper,
}

impl Process {
    async fn start<W: SagaWorld>(world: &W, trial: &Arc<Trial>, clock: &Clock) -> Self {
        let db = world.open().await;
        // Who looks often finds what a killed process has left as soon as its time is over.
        let config = SagaConfig { poll_ms: 10, ..SagaConfig::default() };
        let sagas = Sagas::new(config, db.clone(), clock.clone());
        let flow = Flow::of(world.flow(&db)).disturbed(trial.clone());
        let (stopper, stop) = stop::channel();
        let mut work = JoinSet::new();
        let worker = sagas.clone();
        work.spawn(async move { worker.run(vec![flow], stop).await.expect("a flow that is declared well") });
        Self { db, sagas, work, _stopper: stopper }
    }

    /// Ends it wherever it is.
    async fn kill(mut self) {
        self.work.shutdown().await;
    }
}

async fn run<W: SagaWorld>(world: W, case: &Case) -> Vec<String> {
    match timeout(LIMIT, run_to_end(&world, case)).await {
        Ok(found) => found,
        Err(_) => vec![format!("not at its end within {LIMIT:?}")],
    }
}

async fn run_to_end<W: SagaWorld>(world: &W, case: &Case) -> Vec<String> {
    let clock = Clock::manual(Clock::system().now());
    let trial = Arc::new(Trial::of(case));
    let mut process = Process::start(world, &trial, &clock).await;
    let id = world.id();
    start::<W>(&process, id, &world.params()).await;
    let (mut dead, mut stuck) = (None, false);
    loop {
        tokio::select! {
            () = trial.kill.notified() => {
                dead = record_of(&process, id).await.owner;
                process.kill().await;
                process = Process::start(world, &trial, &clock).await;
            }
            () = sleep(LOOK_EVERY) => {}
        }
        let saga = record_of(&process, id).await;
        match saga.state {
            Phase::Stuck if case.stuck && !stuck => {
                stuck = true;
                trial.healed.store(true, Ordering::SeqCst);
                let operator = Operator { who: "trial".to_owned(), reason: "taken care of".to_owned() };
                process.sagas.retry(&operator, id).await.expect("a stuck saga is tried again");
            }
            Phase::Stuck => {
                let reason = saga.stuck_reason.unwrap_or_default();
                return vec![format!("it is stuck at `{}`: {reason}", saga.step)];
            }
            ended if ended.is_ended() => {
                let mut found = world.audit(&process.db, id, ended).await;
                if ended != case.end {
                    found.insert(0, format!("it ended {ended}, not {}", case.end));
                }
                if case.stuck && !stuck {
                    found.push("it was never stuck".to_owned());
                }
                process.kill().await;
                return found;
            }
            _ => pass_time(&clock, &saga, dead),
        }
    }
}

async fn record_of(process: &Process, id: Uuid) -> SagaRecord {
    process.sagas.find(id).await.expect("the database").expect("the saga")
}

/// Nobody waits: a pause is over at once, and so is the time of the owner that was killed. The time of one that lives is
/// its own: it would lose what it has in hand, and a mishap with it.
fn pass_time(clock: &Clock, saga: &SagaRecord, dead: Option<Uuid>) {
    if saga.owner.is_none() || saga.owner == dead {
        clock.advance(saga.due_at.since(clock.now()));
    }
}

async fn start<W: SagaWorld>(process: &Process, id: Uuid, params: &<W::Saga as Saga>::Params) {
    let mut t = process.db.begin().await.expect("a transaction");
    let started = process.sagas.start::<W::Saga>(&mut t, id, params).await;
    assert_eq!(started.expect("a saga that is started"), chassis::saga::Started::Now);
    t.commit().await.expect("a commit");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, remote: bool, undo: bool, no_return: bool) -> StepInfo {
        StepInfo { name, remote, undo, no_return }
    }

    #[test]
    fn every_action_is_failed_repeated_and_killed() {
        let steps =
            [step("a", false, true, false), step("b", true, true, false), step("c", true, false, true)];
        let cases: Vec<String> = cases(&steps).iter().map(ToString::to_string).collect();
        for name in ["a", "b", "c"] {
            for words in
                ["it fails once", "the answer is lost", "killed before it", "killed after it", "it refuses"]
            {
                let wanted = |case: &&String| case.starts_with(&format!("{name}: ")) && case.contains(words);
                assert!(cases.iter().any(|case| wanted(&case)), "{name}: {words}");
            }
        }
        for name in ["a", "b"] {
            assert!(
                cases.iter().filter(|case| case.contains(&format!("undo of {name}"))).count() >= 5,
                "{name}"
            );
        }
        assert!(cases.iter().any(|case| case == "b: it is called twice"));
        assert!(!cases.iter().any(|case| case.contains("a: it is called twice")));
    }
}
