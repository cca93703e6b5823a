//! Readiness: whether this process should be given work now, and why not.
//!
//! What must hold:
//!
//! - It tells the truth. It is not ready before the boot has finished, while the process stops, when a check fails, and
//!   when a check does not answer in time; a check that hangs is a check that failed.
//! - Checks run on the main runtime, where the pools live, and are awaited from the operations thread. So a main runtime
//!   that is too busy to run a check is not ready, which the built-in check `runtime` shows without any other.
//! - A storm of probes is not a storm of queries: one evaluation runs at a time and its outcome holds for half a second.
//!   Until it has been ready for the first time it holds for a hundredth, so that nobody waits for a process that is there.
//!
//! Liveness is none of this: it depends on nothing, and a failing dependency never restarts the process.

use crate::stop::Stop;
use contract::readiness::Ready;
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long an outcome holds.
const HOLDS_FOR: Duration = Duration::from_millis(500);
/// How long an outcome holds in a process that has never been ready.
const HOLDS_AT_FIRST_FOR: Duration = Duration::from_millis(10);

/// Asks whether one thing that this process needs is there.
#[derive(Clone)]
pub struct Check {
    name: Arc<str>,
    run: Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>,
    needed: bool,
}

impl Check {
    /// A check named after what it asks for, such as `auth.database`.
    ///
    /// The error is shown to whoever can reach the operations listener: a short text, without addresses or credentials.
    /// The check is cancelled after two seconds; it must stand that, and it must not block its thread.
    pub fn new<F, R>(name: impl Into<Arc<str>>, run: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { name: name.into(), run: Arc::new(move || run().boxed()), needed: true }
    }

    /// Shown, and never the reason why work is not welcome: for what only a part of the work needs, which says so itself.
    #[must_use]
    pub fn of_a_part(self) -> Self {
        Self { needed: false, ..self }
    }

    async fn outcome(&self, runtime: &Handle) -> Outcome {
        let start = Instant::now();
        let running = AbortOnDropHandle::new(runtime.spawn((self.run)()));
        let error = match timeout(CHECK_TIMEOUT, running).await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => Some(error),
            Ok(Err(_)) => Some("the check itself failed".to_owned()),
            Err(_) => Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        let state = if error.is_none() { CheckState::Ok } else { CheckState::Failed };
        let latency_ms = (start.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        Outcome { name: Arc::clone(&self.name), state, latency_ms, error }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// Whether work is welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReadyState {
    /// Every check passed.
    Ready,
    /// The services are still being built.
    Booting,
    /// A check that is needed failed.
    Failing,
    /// The process is on its way out.
    Draining,
}

/// Whether a check passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CheckState {
    /// It is there.
    Ok,
    /// It is not.
    Failed,
}

/// What one check found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The name of the check.
    pub name: Arc<str>,
    /// Whether it passed.
    pub state: CheckState,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The answer to a readiness probe.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether work is welcome.
    pub status: ReadyState,
    /// Every check; none before the boot has finished and none during the stop.
    pub checks: Vec<Outcome>,
}

impl Report {
    /// What other services are told: names of checks, and nothing of what they found.
    #[must_use]
    pub fn told(&self) -> Ready {
        let failing = self.checks.iter().filter(|check| check.state == CheckState::Failed);
        Ready {
            ready: self.status == ReadyState::Ready,
            failing: failing.map(|check| check.name.to_string()).collect(),
        }
    }
}

/// Knows whether this process is ready; clones know the same.
#[derive(Clone)]
pub struct Readiness(Arc<Inner>);

struct Inner {
    stop: Stop,
    runtime: Handle,
    /// Whether a check that turns is logged.
    tells: bool,
    /// Set when the boot has finished.
    checks: OnceLock<Vec<Check>>,
    last: Mutex<Last>,
}

/// What the last evaluation found.
#[derive(Default)]
struct Last {
    found: Option<(Instant, Report)>,
    /// Whether one has ever found that work is welcome.
    was_ready: bool,
}

impl Readiness {
    /// Of a process that boots; its checks will run on `runtime`.
    #[must_use]
    pub fn new(stop: Stop, runtime: Handle) -> Self {
        Self(Arc::new(Inner { stop, runtime, tells: true, checks: OnceLock::new(), last: Mutex::default() }))
    }

    /// Of one service of a process, which is built and needs what these checks ask for. It writes no lines: the process
    /// tells of the same checks.
    #[must_use]
    pub fn of_service(stop: Stop, runtime: Handle, checks: Vec<Check>) -> Self {
        let inner =
            Inner { stop, runtime, tells: false, checks: OnceLock::from(checks), last: Mutex::default() };
        Self(Arc::new(inner))
    }

    /// The boot has finished: from now on the checks decide. A second call changes nothing.
    pub fn booted(&self, mut checks: Vec<Check>) {
        checks.insert(0, Check::new("runtime", || async { Ok(()) }));
        if self.0.checks.set(checks).is_err() {
            tracing::warn!("the boot has finished twice; the checks of the first time stay");
        }
    }

    /// The runtime on which the checks run.
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Runs every check, or returns what they found less than half a second ago. Takes two seconds at most, and may be
    /// asked from any runtime that has a timer.
    pub async fn evaluate(&self) -> Report {
        let without_checks = |status| Report { status, checks: Vec::new() };
        if self.0.stop.is_draining() {
            return without_checks(ReadyState::Draining);
        }
        let Some(checks) = self.0.checks.get() else { return without_checks(ReadyState::Booting) };
        let mut last = self.0.last.lock().await;
        let holds_for = if last.was_ready { HOLDS_FOR } else { HOLDS_AT_FIRST_FOR };
        if let Some((at, report)) = &last.found
            && at.elapsed() < holds_for
        {
            return report.clone();
        }
        let outcomes = join_all(checks.iter().map(|check| check.outcome(&self.0.runtime))).await;
        let passed = outcomes
            .iter()
            .zip(checks)
            .all(|(outcome, check)| outcome.state == CheckState::Ok || !check.needed);
        let status = if passed { ReadyState::Ready } else { ReadyState::Failing };
        let report = Report { status, checks: outcomes };
        if self.0.tells {
            log_changes(last.found.as_ref().map(|(_, report)| report), &report);
        }
        last.was_ready |= passed;
        last.found = Some((Instant::now(), report.clone()));
        report
    }
}

/// One line when a check turns, not one a probe.
fn log_changes(before: Option<&Report>, now: &Report) {
    for (index, check) in now.checks.iter().enumerate() {
        let before =
            before.and_then(|report| report.checks.get(index)).map_or(CheckState::Ok, |check| check.state);
        match (before, check.state) {
            (CheckState::Ok, CheckState::Failed) => {
                let error = check.error.as_deref().unwrap_or_default();
                tracing::warn!(check = &*check.name, error, "a check of readiness fails");
            }
            (CheckState::Failed, CheckState::Ok) => {
                tracing::info!(check = &*check.name, "the check passes again")
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop;
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn readiness() -> (stop::Stopper, Readiness) {
        let (owner, stop) = stop::channel();
        (owner, Readiness::new(stop, Handle::current()))
    }

    #[tokio::test]
    async fn a_process_is_not_ready_before_its_boot_and_during_its_stop() {
        let (owner, readiness) = readiness();
        assert_eq!(readiness.evaluate().await.status, ReadyState::Booting);
        readiness.booted(Vec::new());
        assert_eq!(readiness.evaluate().await.status, ReadyState::Ready);
        owner.drain();
        assert_eq!(readiness.evaluate().await.status, ReadyState::Draining);
    }

    #[tokio::test]
    async fn a_check_that_hangs_or_panics_is_a_check_that_failed() {
        let (_owner, readiness) = readiness();
        readiness.booted(vec![
            Check::new("hangs", pending),
            Check::new("panics", || async { panic!("on purpose") }),
            Check::new("says no", || async { Err("no".to_owned()) }),
            Check::new("passes", || async { Ok(()) }),
        ]);
        let report = readiness.evaluate().await;
        assert_eq!(report.status, ReadyState::Failing);
        let errors: Vec<_> = report.checks.iter().map(|check| check.error.as_deref()).collect();
        let expected =
            [None, Some("no answer within 2 s"), Some("the check itself failed"), Some("no"), None];
        assert_eq!(errors, expected);
    }

    #[tokio::test]
    async fn what_only_a_part_needs_is_shown_and_does_not_turn_work_away() {
        let (_owner, readiness) = readiness();
        let away = || Check::new("away", || async { Err("away".to_owned()) });
        readiness.booted(vec![away().of_a_part(), Check::new("passes", || async { Ok(()) })]);
        let report = readiness.evaluate().await;
        assert_eq!(report.status, ReadyState::Ready);
        assert_eq!(report.checks[1].error.as_deref(), Some("away"));
    }

    #[tokio::test]
    async fn a_storm_of_probes_runs_each_check_once() {
        let (_owner, readiness) = readiness();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        readiness.booted(vec![Check::new("counted", move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        })]);
        join_all((0..100).map(|_| readiness.evaluate())).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        let asked_again = async {
            while runs.load(Ordering::SeqCst) == 1 {
                readiness.evaluate().await;
                tokio::task::yield_now().await;
            }
        };
        timeout(10 * HOLDS_FOR, asked_again).await.expect("an outcome does not hold for ever");
    }

    #[tokio::test]
    async fn a_process_that_becomes_ready_for_the_first_time_says_so_at_once() {
        let (_owner, readiness) = readiness();
        let there = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&there);
        readiness.booted(vec![Check::new("there", move || {
            let is_there = asked.load(Ordering::SeqCst) > 0;
            async move { if is_there { Ok(()) } else { Err("not yet".to_owned()) } }
        })]);
        assert_eq!(readiness.evaluate().await.status, ReadyState::Failing);
        there.store(1, Ordering::SeqCst);
        let ready = async {
            while readiness.evaluate().await.status != ReadyState::Ready {
                tokio::task::yield_now().await;
            }
        };
        timeout(HOLDS_FOR / 2, ready).await.expect("it was ready long before");
    }

    #[tokio::test]
    async fn a_service_is_ready_by_its_own_checks_until_the_process_drains() {
        let (owner, stop) = stop::channel();
        let failing = Check::new("orders.database", || async { Err("away".to_owned()) });
        let readiness = Readiness::of_service(stop.clone(), Handle::current(), vec![failing]);
        let report = readiness.evaluate().await;
        assert_eq!((report.status, report.checks.len()), (ReadyState::Failing, 1));
        let readiness = Readiness::of_service(stop, Handle::current(), Vec::new());
        assert_eq!(readiness.evaluate().await.status, ReadyState::Ready);
        owner.drain();
        assert_eq!(readiness.evaluate().await.status, ReadyState::Draining);
    }

    #[tokio::test]
    async fn a_probe_that_gives_up_cancels_its_checks() {
        let (_owner, readiness) = readiness();
        let held = Arc::new(());
        let hold = Arc::clone(&held);
        readiness.booted(vec![Check::new("hangs", move || {
            let hold = Arc::clone(&hold);
            async move {
                pending::<()>().await;
                drop(hold);
                Ok(())
            }
        })]);
        assert!(timeout(Duration::from_millis(10), readiness.evaluate()).await.is_err());
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 2, "the check's own copy and none of a run");
    }
}
