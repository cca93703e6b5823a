//! A peer in other processes: which instance a call goes to, whether it is made at all, and whether it is made again.
//!
//! A call enters the peer's bulkhead, is sent to an instance, and when that fails in a way that may be tried again, to
//! another one. What must hold:
//! - The caller's deadline bounds all of it: waiting, connecting, pauses, every attempt.
//! - What may have taken effect is sent again only when a second time does no harm ([`Replay::is_harmless`]). Of a call that
//!   may have taken effect it is never said that nobody saw it.
//! - There are at most `calls.tries` attempts, and over all calls no more retries than the budget has: a peer that is down
//!   is not drowned by those who want to know.
//! - Only one layer tries again. Whoever has tried says so to its own caller (`X_RETRIES_SPENT`), and what comes with that
//!   mark is passed on as it is.
//! - A breaker counts what an instance did wrong. What a caller did wrong, such as leaving no time, is not that.

use super::address::Address;
use super::config::CallsConfig;
use super::discovery::Known;
use super::instance::{Flight, Instance};
use super::instances::{Instances, Tried};
use super::meter::Meter;
use super::outcome::{self, Verdict};
use super::replay::Replay;
use super::steady::{Held, Steady};
use super::{UpstreamError, pool, read};
use crate::resilience::{Backoff, Budget, Bulkhead, Full, Permit, Slot, hedged_within};
use ::http::{Request, Response};
use axum::body::Body;
use contract::client::Manner;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Before the first retry at most, and before any: there is somebody waiting.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A peer in other processes.
pub(super) struct Remote {
    pub(super) name: &'static str,
    pub(super) address: Address,
    pub(super) instances: Instances,
    budget: Budget,
    bulkhead: Bulkhead,
    config: Arc<CallsConfig>,
    meter: Meter,
}

/// How one call is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) deadline: Instant,
    /// How long the body of the answer may stand still.
    pub(super) longest_pause: Duration,
    /// Whether the answer is read whole before it counts as one.
    pub(super) whole: bool,
    pub(super) manner: Manner,
}

type Attempted = Result<Response<Body>, UpstreamError>;

impl Remote {
    pub(super) fn new(name: &'static str, address: Address, config: Arc<CallsConfig>) -> Self {
        let instances = Instances::new(name, config.breaker());
        if let Address::Fixed(bases) = &address {
            Known::new(name, address.kind(), &instances).learn(bases.clone());
        }
        let (budget, bulkhead) = (Budget::new(config.budget()), Bulkhead::new(name, config.bulkhead()));
        Self { name, address, instances, budget, bulkhead, config, meter: Meter::new(name) }
    }

    /// Makes a call.
    pub(super) async fn send(&self, request: Request<Body>, how: How) -> Attempted {
        let sent = self.try_all(request, how).await;
        if let Err(error @ (UpstreamError::Open(_) | UpstreamError::Full(_))) = &sent {
            self.meter.failed(error);
        }
        sent
    }

    async fn try_all(&self, request: Request<Body>, how: How) -> Attempted {
        let connect_by = how.deadline.min(Instant::now() + self.config.connect_timeout());
        if !self.instances.known(connect_by).await {
            return Err(UpstreamError::Unreachable("no instance of it is known yet".to_owned()));
        }
        let slot = Arc::new(self.bulkhead.enter(how.deadline).await.map_err(|full| match full {
            Full::Queue => UpstreamError::Full(full),
            Full::Late => UpstreamError::Deadline,
        })?);
        self.budget.sent();
        let replay = Replay::new(request);
        let tried = Mutex::new(Tried::default());
        let call = Call { remote: self, replay: &replay, tried: &tried, slot: &slot, how };
        let most = if how.manner.waits { 1 } else { self.config.tries };
        let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut may_have_been_seen = None;
        let mut tries = 1;
        loop {
            let last = call.make(tries == 1).await;
            let verdict = outcome::judge(&last, &replay);
            let again = match verdict {
                Verdict::Again { not_before } if tries < most => self.pause(&call, not_before, &mut pauses),
                Verdict::Again { .. } | Verdict::Final => None,
            };
            let Some(pause) = again else { return finish(last, may_have_been_seen) };
            match last {
                Err(error) if !error.is_unseen() => may_have_been_seen = Some(error),
                Err(_) => {}
                Ok(_) => may_have_been_seen = None,
            }
            self.meter.retries.increment(1);
            tries += 1;
            sleep(pause).await;
        }
    }

    /// How long to wait before another attempt; `None` when there is to be none.
    fn pause(&self, call: &Call<'_>, not_before: Duration, pauses: &mut Backoff) -> Option<Duration> {
        // What an instance asks for holds for that instance.
        let not_before = if call.has_other_instance() { Duration::ZERO } else { not_before };
        let pause = pauses.next_pause().max(not_before);
        if not_before > LONGEST_PAUSE || Instant::now() + pause >= call.how.deadline {
            return None;
        }
        if !self.budget.try_retry() {
            self.meter.retries_refused.increment(1);
            return None;
        }
        Some(pause)
    }
}

/// What the last attempt came to, unless an earlier one may have taken effect and this one says that nobody saw the call.
fn finish(last: Attempted, may_have_been_seen: Option<UpstreamError>) -> Attempted {
    match (last, may_have_been_seen) {
        (Err(error), Some(earlier)) if error.is_unseen() => Err(earlier),
        (last, _) => last,
    }
}

/// A call while it is made.
struct Call<'a> {
    remote: &'a Remote,
    replay: &'a Replay,
    tried: &'a Mutex<Tried>,
    slot: &'a Arc<Slot>,
    how: How,
}

impl Call<'_> {
    /// One attempt, or one with another beside it.
    async fn make(&self, first: bool) -> Attempted {
        let hedge = first && self.how.manner.hedged && self.replay.is_read();
        if !hedge || self.remote.instances.list().len() < 2 {
            return self.attempt().await;
        }
        let made = AtomicBool::new(false);
        let attempt = || {
            if made.swap(true, Relaxed) {
                self.remote.meter.hedges.increment(1);
            }
            self.attempt()
        };
        hedged_within(self.remote.config.hedge_after(), &self.remote.budget, attempt).await
    }

    async fn attempt(&self) -> Attempted {
        let (instance, permit) = self.pick()?;
        let left = self.how.deadline.saturating_duration_since(Instant::now());
        let request = self.replay.attempt(&instance.base, left)?;
        let mut flight = Flight::begin(instance, permit, !self.how.manner.waits);
        let answer = self.answer(request, &mut flight).await;
        match answer {
            Ok(Arrived::Whole(response)) => Ok(response),
            Ok(Arrived::Begun(response)) => {
                // It keeps its place in the bulkhead until its body has ended.
                let under = Under { flight, _slot: self.slot.clone() };
                let pause = self.how.longest_pause;
                Ok(response.map(|body| Body::new(Steady::new(body, pause, under))))
            }
            Err(error) => Err(error),
        }
    }

    /// Sends it, reads what is to be read, and says what that means for the instance.
    async fn answer(&self, request: Request<Body>, flight: &mut Flight) -> Result<Arrived, UpstreamError> {
        let How { deadline, whole, .. } = self.how;
        let config = &self.remote.config;
        let sent = pool::send(request, deadline, config.connect_timeout()).await;
        self.remote.meter.seconds.record(flight.elapsed().as_secs_f64());
        let arrived = match sent {
            Ok(response) if whole => {
                let (head, body) = response.into_parts();
                let body = timeout_at(deadline, read(Body::new(body))).await;
                let body = body.unwrap_or(Err(UpstreamError::Deadline));
                body.map(|body| Arrived::Whole(Response::from_parts(head, Body::from(body))))
            }
            sent => sent.map(Arrived::Begun),
        };
        let slow = flight.elapsed() >= config.slow_after();
        let ending = match &arrived {
            Ok(Arrived::Whole(it)) => outcome::ending(it.status(), it.headers(), slow),
            Ok(Arrived::Begun(it)) => outcome::ending(it.status(), it.headers(), slow),
            Err(error) => outcome::fault(error, slow),
        };
        flight.ended(ending);
        match &arrived {
            Ok(_) => self.remote.meter.answered(),
            Err(error) => self.remote.meter.failed(error),
        }
        arrived
    }

    fn pick(&self) -> Result<(Arc<Instance>, Permit), UpstreamError> {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let (instance, permit) = self.remote.instances.pick(&tried)?;
        tried.add(&instance);
        Ok((instance, permit))
    }

    fn has_other_instance(&self) -> bool {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        self.remote.instances.has_other(&tried)
    }
}

/// What is held until the body of an answer has ended.
struct Under {
    flight: Flight,
    _slot: Arc<Slot>,
}

impl Held for Under {
    fn broke_off(self) {
        self.flight.broke_off();
    }
}

enum Arrived {
    Whole(Response<Body>),
    Begun(Response<hyper::body::Incoming>),
}
