//! Stops calling a dependency that fails, and finds out when it is back.
//!
//! Closed, every call is let through and its outcome counted over the last ten seconds. When enough of at least
//! `minimum_calls` failed or were slow it opens: calls are refused at once. After `probe_interval` it is half open: `probes`
//! calls are let through to find out. When all of them succeed it closes, when one fails it opens again.
//!
//! What must hold:
//! - Only what the dependency did wrong is a failure: a rule that was broken, a row that is not there, is a success of the
//!   dependency. Who calls decides.
//! - A call counts in the state in which it was let through. One that ends later counts nothing: it says nothing about now.
//! - It never stays half open: a probe that is dropped gives its place back, and probes without an answer after
//!   `probe_interval` make room for others. With few calls one success that no failure follows within `probe_interval`
//!   closes it. So once a dependency answers again, and is called, it is closed within two probe intervals.
//!
//! What it does not do: it sends nothing by itself. A dependency that nobody calls stays as it was found.

use super::Monotonic;
use super::window::Window;
use crate::config::Problems;
use metrics::{counter, gauge};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerConfig {
    /// The share of calls that must fail, between 0 and 1.
    pub failure_rate: f64,
    /// The share of calls that must be slow, between 0 and 1.
    pub slow_rate: f64,
    /// A call that takes longer is slow, however it ends. As a probe it has failed.
    pub slow_after: Duration,
    /// With fewer calls in the last ten seconds nothing is concluded.
    pub minimum_calls: u32,
    /// How long it stays open before it lets probes through.
    pub probe_interval: Duration,
    /// Probes at once while half open, and how many of them must succeed.
    pub probes: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failure_rate: 0.5,
            slow_rate: 0.8,
            slow_after: Duration::from_secs(5),
            minimum_calls: 10,
            probe_interval: Duration::from_secs(5),
            probes: 3,
        }
    }
}

impl BreakerConfig {
    /// From the settings that each guarded dependency has: `breaker_failure_percent`, `breaker_minimum_calls` and
    /// `breaker_probe_interval_ms`.
    #[must_use]
    pub fn from_settings(failure_percent: u32, minimum_calls: u32, probe_interval_ms: u64) -> Self {
        Self {
            failure_rate: f64::from(failure_percent) / 100.0,
            minimum_calls,
            probe_interval: Duration::from_millis(probe_interval_ms),
            ..Self::default()
        }
    }

    /// Checks what came from those settings.
    pub fn validate(&self, problems: &mut Problems) {
        if self.failure_rate <= 0.0 {
            problems.add("breaker_failure_percent", "must be above 0");
        }
        problems.range("breaker_minimum_calls", self.minimum_calls, 1..=1_000_000);
        let probe_interval_ms = u64::try_from(self.probe_interval.as_millis()).unwrap_or(u64::MAX);
        problems.range("breaker_probe_interval_ms", probe_interval_ms, 100..=600_000);
    }
}

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Lets them through.
    Closed,
    /// Refuses them.
    Open,
    /// Lets a few through to find out.
    HalfOpen,
}

impl BreakerState {
    /// Its name, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }

    /// Its number in the gauge.
    const fn number(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::Open => 1.0,
            Self::HalfOpen => 2.0,
        }
    }
}

/// The breaker is open: the call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not called: it failed too often a moment ago, and is tried again in {retry_after:?}")]
pub struct Open {
    /// When it may be worth trying again.
    pub retry_after: Duration,
}

/// Guards one dependency. Cheap to clone; clones share the state.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    kind: &'static str,
    name: Arc<str>,
    config: BreakerConfig,
    time: Monotonic,
    /// The generation, which every change of the state makes a new one of, and in the lowest bit whether it is closed. Written
    /// under the lock; read without, so that a call through a closed breaker takes none to begin.
    gate: AtomicU64,
    core: Mutex<Core>,
}

struct Core {
    generation: u64,
    phase: Phase,
}

enum Phase {
    /// Calls, failures, slow calls.
    Closed(Window<3>),
    Open {
        until: Duration,
    },
    HalfOpen(Probing),
}

#[derive(Default)]
struct Probing {
    /// When the first of these probes began.
    since: Duration,
    running: u32,
    succeeded: u32,
}

impl Breaker {
    /// A closed breaker. `kind` and `name` (what is called, from a closed set) are the labels of its metrics, and name it in
    /// the log.
    #[must_use]
    pub fn new(kind: &'static str, name: impl Into<Arc<str>>, config: BreakerConfig) -> Self {
        Self::with_time(kind, name, config, Monotonic::system())
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_time(
        kind: &'static str,
        name: impl Into<Arc<str>>,
        config: BreakerConfig,
        time: Monotonic,
    ) -> Self {
        let core = Mutex::new(Core { generation: 0, phase: Phase::Closed(Window::new()) });
        let gate = AtomicU64::new(gate(0, true));
        let breaker = Self(Arc::new(Inner { kind, name: name.into(), config, time, gate, core }));
        breaker.0.show(BreakerState::Closed);
        breaker
    }

    /// Asks whether a call may be made. Say how it ended through the permit; one that is dropped before it is slow counts
    /// nothing.
    ///
    /// # Errors
    /// When it may not.
    pub fn permit(&self) -> Result<Permit, Open> {
        let inner = &*self.0;
        let (began, gate) = (inner.time.now(), inner.gate.load(Ordering::Acquire));
        let admitted = if is_closed(gate) { Ok((generation_of(gate), false)) } else { inner.probe(began) };
        match admitted {
            Ok((generation, probe)) => {
                Ok(Permit { breaker: self.clone(), generation, began, probe, settled: false })
            }
            Err(open) => {
                counter!("breaker_refused_total", "kind" => inner.kind, "name" => inner.name.clone())
                    .increment(1);
                Err(open)
            }
        }
    }

    /// What it does with calls now.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        let inner = &*self.0;
        let mut core = inner.core();
        inner.refresh(&mut core, inner.time.now());
        match &core.phase {
            Phase::Closed(_) => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen(_) => BreakerState::HalfOpen,
        }
    }
}

impl Inner {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call through as a probe (or as any call, when it has closed meanwhile).
    fn probe(&self, now: Duration) -> Result<(u64, bool), Open> {
        let mut core = self.core();
        self.refresh(&mut core, now);
        if matches!(core.phase, Phase::Open { until } if now >= until) {
            self.enter(&mut core, Phase::HalfOpen(Probing { since: now, ..Probing::default() }));
        }
        let generation = core.generation;
        match &mut core.phase {
            Phase::Closed(_) => Ok((generation, false)),
            Phase::Open { until } => Err(Open { retry_after: *until - now }),
            Phase::HalfOpen(probing) if probing.running + probing.succeeded < self.config.probes.max(1) => {
                if probing.running + probing.succeeded == 0 {
                    probing.since = now;
                }
                probing.running += 1;
                Ok((generation, true))
            }
            Phase::HalfOpen(probing) => {
                Err(Open { retry_after: (probing.since + self.config.probe_interval).saturating_sub(now) })
            }
        }
    }

    /// Half open for a probe interval: closes after a success that no failure followed, else makes room for new probes.
    fn refresh(&self, core: &mut Core, now: Duration) {
        if let Phase::HalfOpen(probing) = &core.phase
            && now.saturating_sub(probing.since) >= self.config.probe_interval
            && probing.running + probing.succeeded > 0
        {
            let next = if probing.succeeded > 0 {
                Phase::Closed(Window::new())
            } else {
                Phase::HalfOpen(Probing { since: now, ..Probing::default() })
            };
            self.enter(core, next);
        }
    }

    fn settle(&self, generation: u64, began: Duration, failed: bool) {
        let now = self.time.now();
        let slow = now.saturating_sub(began) > self.config.slow_after;
        let mut core = self.core();
        if core.generation != generation {
            return;
        }
        let next = match &mut core.phase {
            Phase::Closed(window) => {
                let [calls, failures, slow_ones] = window.add(now, [1, u32::from(failed), u32::from(slow)]);
                let share = |count, rate| f64::from(count) >= rate * f64::from(calls);
                let bad = (failed && share(failures, self.config.failure_rate))
                    || (slow && share(slow_ones, self.config.slow_rate));
                (bad && calls >= self.config.minimum_calls).then(|| self.opened(now))
            }
            // Nothing is let through while it is open, so nothing of this generation can end.
            Phase::Open { .. } => None,
            Phase::HalfOpen(_) if failed || slow => Some(self.opened(now)),
            Phase::HalfOpen(probing) => {
                probing.running = probing.running.saturating_sub(1);
                probing.succeeded += 1;
                (probing.succeeded >= self.config.probes).then(|| Phase::Closed(Window::new()))
            }
        };
        if let Some(next) = next {
            self.enter(&mut core, next);
        }
    }

    /// Who made the call went away. When it had waited too long already, that much is known.
    fn abandon(&self, generation: u64, began: Duration) {
        if self.time.now().saturating_sub(began) > self.config.slow_after {
            return self.settle(generation, began, false);
        }
        if is_closed(self.gate.load(Ordering::Acquire)) {
            return;
        }
        let mut core = self.core();
        if core.generation == generation
            && let Phase::HalfOpen(probing) = &mut core.phase
        {
            probing.running = probing.running.saturating_sub(1);
        }
    }

    fn opened(&self, now: Duration) -> Phase {
        Phase::Open { until: now + self.config.probe_interval }
    }

    fn enter(&self, core: &mut Core, phase: Phase) {
        let (state, rearmed) = match (&core.phase, &phase) {
            (_, Phase::Closed(_)) => (BreakerState::Closed, false),
            (_, Phase::Open { .. }) => (BreakerState::Open, false),
            (before, Phase::HalfOpen(_)) => (BreakerState::HalfOpen, matches!(before, Phase::HalfOpen(_))),
        };
        core.generation += 1;
        core.phase = phase;
        self.gate.store(gate(core.generation, state == BreakerState::Closed), Ordering::Release);
        if rearmed {
            return;
        }
        self.show(state);
        let Self { kind, name, .. } = self;
        counter!("breaker_changes_total", "kind" => *kind, "name" => name.clone(), "to" => state.as_str())
            .increment(1);
        match state {
            BreakerState::Open => tracing::warn!(
                kind,
                name = &**name,
                "the breaker is open: it failed or was slow too often and is not called for a while"
            ),
            BreakerState::HalfOpen => {
                tracing::debug!(kind, name = &**name, "the breaker lets a few calls through to find out")
            }
            BreakerState::Closed => {
                tracing::info!(kind, name = &**name, "the breaker is closed: it is called again");
            }
        }
    }

    fn show(&self, state: BreakerState) {
        gauge!("breaker_state", "kind" => self.kind, "name" => self.name.clone()).set(state.number());
    }
}

impl Drop for Inner {
    /// What is no longer called is not open.
    fn drop(&mut self) {
        self.show(BreakerState::Closed);
    }
}

const fn gate(generation: u64, closed: bool) -> u64 {
    generation << 1 | closed as u64
}

const fn is_closed(gate: u64) -> bool {
    gate & 1 == 1
}

const fn generation_of(gate: u64) -> u64 {
    gate >> 1
}

/// A call that was let through. Dropped without a word it counts nothing, unless it had become slow by then: who waits for
/// something that hangs gives up before it is answered.
#[must_use]
pub struct Permit {
    breaker: Breaker,
    generation: u64,
    began: Duration,
    probe: bool,
    settled: bool,
}

impl Permit {
    /// Whether the call is to find out if the dependency is back.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.probe
    }

    /// The dependency did what it should, also when that was to say no. Whether it was slow is known.
    pub fn succeeded(self) {
        self.settle(false);
    }

    /// The dependency did not do what it should.
    pub fn failed(self) {
        self.settle(true);
    }

    /// The call says nothing about the dependency, however long it took: it was to wait.
    pub fn forgotten(mut self) {
        self.settled = true;
        let inner = &self.breaker.0;
        inner.abandon(self.generation, inner.time.now());
    }

    fn settle(mut self, failed: bool) {
        self.settled = true;
        self.breaker.0.settle(self.generation, self.began, failed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.settled {
            self.breaker.0.abandon(self.generation, self.began);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("kind", &self.0.kind)
            .field("name", &self.0.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
