//! One instance of a peer: where it is, how busy and how fast it is, and whether it is well.

use super::base::Base;
use super::latency::Latency;
use crate::resilience::{Breaker, BreakerConfig, BreakerState, Open, Permit};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// What a failed attempt weighs in the latency of its instance at least, so that one that fails fast does not look fast.
const FAILURE_WEIGHS: Duration = Duration::from_secs(1);
/// Below this many microseconds one instance is as fast as another.
const AS_FAST: f64 = 200.0;

/// One instance of a peer.
pub(super) struct Instance {
    pub(super) base: Base,
    /// Its number among the peer's instances: the smallest that was free. It names its metrics, which an address must not,
    /// since addresses come and go without end.
    pub(super) slot: usize,
    breaker: Breaker,
    in_flight: AtomicU32,
    latency: Latency,
    origin: Instant,
    /// Milliseconds since `origin` before which its breaker need not be asked again.
    asked_not_before: AtomicU64,
}

impl Instance {
    /// `micros` is the latency that it is taken to have until it is known.
    pub(super) fn new(peer: &str, base: Base, slot: usize, breaker: BreakerConfig, micros: f64) -> Self {
        Self {
            base,
            slot,
            breaker: Breaker::new("peer", format!("{peer}/{slot}"), breaker),
            in_flight: AtomicU32::new(0),
            latency: Latency::new(micros),
            origin: Instant::now(),
            asked_not_before: AtomicU64::new(0),
        }
    }

    /// What one more call costs here: the calls in its hands, each as long as the last ones took.
    pub(super) fn cost(&self) -> f64 {
        f64::from(self.in_flight() + 1) * (self.micros() + AS_FAST)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn micros(&self) -> f64 {
        self.latency.micros()
    }

    pub(super) fn state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Asks the breaker for a call.
    pub(super) fn permit(&self) -> Result<Permit, Open> {
        self.breaker.permit()
    }

    /// Asks a breaker that is not closed whether this call may find out. One that refused is left alone until it can say
    /// something else: its refusals are counted, and this one refuses nobody.
    pub(super) fn probe(&self) -> Option<Permit> {
        let now = self.origin.elapsed();
        if now < Duration::from_millis(self.asked_not_before.load(Relaxed)) {
            return None;
        }
        match self.breaker.permit() {
            Ok(permit) => Some(permit),
            Err(Open { retry_after }) => {
                let until = u64::try_from((now + retry_after).as_millis()).unwrap_or(u64::MAX);
                self.asked_not_before.store(until, Relaxed);
                None
            }
        }
    }
}

/// How an attempt ended, as far as it says something about the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It did what it should.
    Well,
    /// It did not, and that is its fault.
    Failed,
    /// It refused for the sake of others, because it has too much to do.
    Busy,
    /// Nothing can be said of it.
    Unknown,
}

/// A call in the hands of an instance, until it is dropped.
pub(super) struct Flight {
    pub(super) instance: Arc<Instance>,
    permit: Option<Permit>,
    began: Instant,
    /// Whether its time says how fast the instance is; a long poll's does not.
    timed: bool,
    answered: bool,
}

impl Flight {
    pub(super) fn begin(instance: Arc<Instance>, permit: Permit, timed: bool) -> Self {
        instance.in_flight.fetch_add(1, Relaxed);
        Self { instance, permit: Some(permit), began: Instant::now(), timed, answered: false }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Says how it ended. What was begun may still be under way, such as the body of an answer.
    pub(super) fn ended(&mut self, ending: Ending) {
        self.answered = true;
        let Self { instance, permit, .. } = self;
        let took = self.began.elapsed();
        let permit = permit.take();
        match ending {
            // A call that waits on purpose is slow on purpose.
            Ending::Well if !self.timed => permit.into_iter().for_each(Permit::forgotten),
            Ending::Well => {
                permit.into_iter().for_each(Permit::succeeded);
                instance.latency.took(took);
            }
            Ending::Failed => {
                permit.into_iter().for_each(Permit::failed);
                instance.latency.took(took.max(FAILURE_WEIGHS));
            }
            Ending::Busy => {
                drop(permit);
                instance.latency.took(took.max(FAILURE_WEIGHS));
            }
            Ending::Unknown => {
                drop(permit);
                instance.latency.took_longer_than(took);
            }
        }
    }

    /// The answer had begun and did not come whole.
    pub(super) fn broke_off(&self) {
        if let Ok(permit) = self.instance.breaker.permit() {
            permit.failed();
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.instance.in_flight.fetch_sub(1, Relaxed);
        if !self.answered && self.timed {
            // Nobody waited for the answer: the caller went away, or another instance was faster.
            self.instance.latency.took_longer_than(self.began.elapsed());
        }
    }
}
