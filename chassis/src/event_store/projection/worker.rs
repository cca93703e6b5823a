//! The worker of one projection: holds its lease, catches up, builds anew, switches and removes.

use super::store::{self, GenerationState, ProjectionStatus};
use super::{Generation, Projection};
use crate::clock::Ts;
use crate::db::{DbError, Tx};
use crate::event_store::{EventStore, Recorded, Tail};
use crate::stop::Stop;
use anyhow::anyhow;
use futures_util::FutureExt;
use metrics::{counter, gauge};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use uuid::Uuid;

/// Events of one transaction at most.
const BATCH: usize = 200;
/// A transaction takes in no more events after this time: on SQLite others wait for it.
const LONGEST_BATCH: Duration = Duration::from_millis(50);
/// How long a projection is one instance's without a sign of life.
const LEASE: Duration = Duration::from_secs(10);
/// How often an instance that does not work on it looks whether it may.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What is kept of an error.
const LONGEST_ERROR: usize = 1_000;

/// What a look at the projection found.
enum Round {
    /// There may be more to do at once.
    Busy,
    /// Nothing to do until something is appended or this time has passed.
    Idle(Duration),
    /// It is another instance's for this time.
    Standby(Duration),
}

#[derive(Debug, Clone, Copy)]
struct Held {
    fence: i64,
    until: Ts,
}

pub(in crate::event_store) struct Worker<P> {
    store: EventStore,
    projection: P,
    id: Uuid,
    held: Option<Held>,
    tail: Tail,
}

impl<P: Projection> Worker<P> {
    pub(in crate::event_store) fn new(store: EventStore, projection: P) -> Self {
        let tail = store.tail();
        Self { store, projection, id: Uuid::now_v7(), held: None, tail }
    }

    pub(in crate::event_store) async fn run(mut self, stop: Stop) {
        let appended = self.store.0.appended.clone();
        let mut introduced = false;
        while !stop.is_stopping() {
            let mut woken = pin!(appended.woken());
            woken.as_mut().enable();
            let round = self.round(&mut introduced).await;
            if self.held.is_none() {
                self.gauge_nothing();
            }
            let (pause, wakes) = match round {
                Ok(Round::Busy) => continue,
                Ok(Round::Idle(pause)) => (pause, true),
                Ok(Round::Standby(pause)) => (pause, false),
                Err(error) => {
                    self.held = None;
                    tracing::warn!(projection = P::NAME, %error, "the projection cannot be worked on");
                    (FIRST_PAUSE, false)
                }
            };
            tokio::select! {
                () = woken, if wakes => {}
                () = sleep(pause) => {}
                () = stop.stopping() => {}
            }
        }
        self.release().await;
    }

    /// One look at all generations.
    async fn round(&mut self, introduced: &mut bool) -> Result<Round, DbError> {
        let db = &self.store.0.db;
        if !*introduced {
            store::introduce(db, P::NAME, self.now()).await?;
            *introduced = true;
        }
        let Some(fence) = self.hold().await? else {
            let until = store::leased_until(&self.store.0.db, P::NAME).await?;
            return Ok(Round::Standby(until.since(self.now()).clamp(FIRST_PAUSE, LONGEST_LOOK)));
        };
        let generations = store::generations(&self.store.0.db, P::NAME).await?;
        let live = generations.iter().find(|found| found.state == GenerationState::Live);
        if live.is_some_and(|live| live.version > i64::from(P::VERSION)) {
            // Newer code has built it; this process must not write into it, nor keep that code from it.
            self.release().await;
            return Ok(Round::Standby(LEASE));
        }
        if self.begin_generations(fence, &generations).await? {
            return Ok(Round::Busy);
        }
        let mut next = Round::Idle(LEASE / 4);
        for generation in &generations {
            let outcome = match generation.state {
                GenerationState::Retired => self.remove(fence, generation).await?,
                _ => self.catch_up(fence, generation).await?,
            };
            next = match (next, outcome) {
                (Round::Idle(a), Round::Idle(b)) => Round::Idle(a.min(b)),
                _ => Round::Busy,
            };
        }
        Ok(next)
    }

    /// The fence, when the projection is this instance's.
    async fn hold(&mut self) -> Result<Option<i64>, DbError> {
        let (db, now) = (&self.store.0.db, self.now());
        let until = now + LEASE;
        match self.held {
            Some(held) if held.until.since(now) > LEASE / 2 => return Ok(Some(held.fence)),
            Some(Held { fence, .. }) => {
                let mut t = db.begin().await?;
                let is_mine = store::prolong(&mut t, P::NAME, fence, until).await?;
                t.commit().await?;
                self.held = is_mine.then_some(Held { fence, until });
            }
            None => {}
        }
        if self.held.is_none() && store::leased_until(db, P::NAME).await? <= now {
            let fence = store::claim(db, P::NAME, self.id, now, until).await?;
            self.held = fence.map(|fence| Held { fence, until });
        }
        Ok(self.held.map(|held| held.fence))
    }

    async fn release(&mut self) {
        let Some(Held { fence, .. }) = self.held.take() else { return };
        if let Err(error) = store::release(&self.store.0.db, P::NAME, fence, self.now()).await {
            tracing::debug!(projection = P::NAME, %error, "the lease was not given back; it runs out by itself");
        }
    }

    /// A transaction that only the owner gets; it prolongs the lease.
    async fn owned(&mut self, fence: i64) -> Result<Option<Tx>, DbError> {
        let until = self.now() + LEASE;
        let mut t = self.store.0.db.begin().await?;
        if store::prolong(&mut t, P::NAME, fence, until).await? {
            self.held = Some(Held { fence, until });
            return Ok(Some(t));
        }
        self.held = None;
        t.rollback().await?;
        Ok(None)
    }

    /// Adds the first generation, or one beside a live one of an older version. Says whether it did.
    async fn begin_generations(&mut self, fence: i64, known: &[ProjectionStatus]) -> Result<bool, DbError> {
        let version = i64::from(P::VERSION);
        let of = |state| known.iter().find(|found| found.state == state);
        let (live, building) = (of(GenerationState::Live), of(GenerationState::Building));
        let stale = building.filter(|found| found.version != version);
        let is_there = [live, building].into_iter().flatten().any(|found| found.version == version);
        if is_there && stale.is_none() {
            return Ok(false);
        }
        let now = self.now();
        let Some(mut t) = self.owned(fence).await? else { return Ok(true) };
        if let Some(stale) = stale {
            store::retire(&mut t, P::NAME, stale.generation, now).await?;
        }
        if !is_there {
            let state = if live.is_some() { GenerationState::Building } else { GenerationState::Live };
            store::add_generation(&mut t, P::NAME, version, state, now).await?;
        }
        t.commit().await?;
        Ok(true)
    }

    async fn remove(&mut self, fence: i64, retired: &ProjectionStatus) -> Result<Round, DbError> {
        if let Some(pause) = self.pause(retired) {
            return Ok(Round::Idle(pause));
        }
        let Some(mut t) = self.owned(fence).await? else { return Ok(Round::Busy) };
        if let Err(error) = guarded(self.projection.reset(&mut t, Generation(retired.generation))).await {
            t.rollback().await?;
            return self.failed(fence, retired, &error).await;
        }
        store::remove(&mut t, P::NAME, retired.generation).await?;
        t.commit().await?;
        tracing::info!(
            projection = P::NAME,
            generation = retired.generation,
            "an old read model was removed"
        );
        Ok(Round::Busy)
    }

    /// Takes the next events into a generation, and makes it the live one when that was all.
    async fn catch_up(&mut self, fence: i64, generation: &ProjectionStatus) -> Result<Round, DbError> {
        if generation.version != i64::from(P::VERSION) {
            return Ok(Round::Idle(LEASE / 2));
        }
        let age = generation.waiting_since.map_or(Duration::ZERO, |since| self.now().since(since));
        self.gauge(generation.state, generation.lag, age);
        if let Some(pause) = self.pause(generation) {
            return Ok(Round::Idle(pause));
        }
        let batch = self.tail.next(generation.position, BATCH).await?;
        let is_building = generation.state == GenerationState::Building;
        if batch.events.is_empty() && !(is_building && batch.is_last) {
            return Ok(Round::Idle(self.store.0.appended.patience()));
        }
        let mut events = &batch.events[..];
        loop {
            let Some(mut t) = self.owned(fence).await? else { return Ok(Round::Busy) };
            let (done, failure) = self.apply(&mut t, generation, events).await;
            if let Some(error) = failure {
                t.rollback().await?;
                if done == 0 {
                    return self.failed(fence, generation, &error).await;
                }
                // What comes before the event that failed is taken in by itself.
                events = &events[..done];
                continue;
            }
            let now = self.now();
            if let Some(last) = events[..done].last() {
                store::advance(&mut t, P::NAME, generation.generation, last.position, now).await?;
            }
            let has_caught_up = batch.is_last && done == batch.events.len();
            if is_building
                && has_caught_up
                && store::switch(&mut t, P::NAME, generation.generation, now).await?
            {
                self.gauge(GenerationState::Building, 0, Duration::ZERO);
                tracing::info!(
                    projection = P::NAME,
                    generation = generation.generation,
                    "a new read model is live"
                );
            }
            t.commit().await?;
            self.count("projection_events_total", done);
            return Ok(if has_caught_up && !is_building {
                Round::Idle(self.store.0.appended.patience())
            } else {
                Round::Busy
            });
        }
    }

    /// Applies as many events as there is time for. Returns how many, and why the next one failed.
    async fn apply(
        &self,
        t: &mut Tx,
        generation: &ProjectionStatus,
        events: &[Recorded],
    ) -> (usize, Option<anyhow::Error>) {
        let (begun, id) = (Instant::now(), Generation(generation.generation));
        if generation.position == 0
            && let Err(error) = guarded(self.projection.reset(t, id)).await
        {
            return (0, Some(error));
        }
        for (done, event) in events.iter().enumerate() {
            if done > 0 && begun.elapsed() > LONGEST_BATCH {
                return (done, None);
            }
            if let Err(error) = guarded(self.projection.apply(t, id, event)).await {
                return (done, Some(error.context(format!("{} at position {}", event.kind, event.position))));
            }
        }
        (events.len(), None)
    }

    async fn failed(
        &mut self,
        fence: i64,
        generation: &ProjectionStatus,
        error: &anyhow::Error,
    ) -> Result<Round, DbError> {
        let text = format!("{error:#}");
        let text = text.get(..text.floor_char_boundary(LONGEST_ERROR)).unwrap_or_default();
        let pause = pause_after(generation.failures);
        tracing::error!(
            projection = P::NAME, generation = generation.generation, error = text, retry_in = ?pause,
            "the projection has stopped at an event"
        );
        self.count("projection_failures_total", 1);
        let now = self.now();
        if let Some(mut t) = self.owned(fence).await? {
            store::fail(&mut t, P::NAME, generation.generation, text, now + pause, now).await?;
            t.commit().await?;
        }
        Ok(Round::Idle(pause))
    }

    /// How long a generation that failed is left alone yet.
    fn pause(&self, generation: &ProjectionStatus) -> Option<Duration> {
        let pause = generation.retry_at?.since(self.now());
        (!pause.is_zero()).then_some(pause)
    }

    fn gauge(&self, state: GenerationState, lag: i64, age: Duration) {
        let labels = || {
            let service = self.store.0.db.service().to_owned();
            [("service", service), ("projection", P::NAME.to_owned()), ("state", state.as_str().to_owned())]
        };
        gauge!("projection_lag_events", &labels()).set(lag as f64);
        gauge!("projection_lag_seconds", &labels()).set(age.as_secs_f64());
    }

    /// Another instance tells how far it is.
    fn gauge_nothing(&self) {
        self.gauge(GenerationState::Live, 0, Duration::ZERO);
        self.gauge(GenerationState::Building, 0, Duration::ZERO);
    }

    fn count(&self, name: &'static str, by: usize) {
        let by = u64::try_from(by).unwrap_or(u64::MAX);
        counter!(name, "service" => self.store.0.db.service().to_owned(), "projection" => P::NAME)
            .increment(by);
    }

    fn now(&self) -> Ts {
        self.store.0.clock.now()
    }
}

/// A panic of the projection is a failure of it, not of the process.
async fn guarded(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(anyhow!("panicked: {}", text.unwrap_or_default()))
    })
}

/// Half a second after the first failure, then twice as long each time up to a minute.
fn pause_after(failures: i64) -> Duration {
    let doublings = u32::try_from(failures.clamp(0, 16)).unwrap_or_default();
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_minute() {
        assert_eq!(pause_after(0), FIRST_PAUSE);
        assert_eq!(pause_after(3), FIRST_PAUSE * 8);
        assert_eq!(pause_after(i64::MAX), LONGEST_PAUSE);
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let error = guarded(async { panic!("no such order") }).await.unwrap_err();
        assert_eq!(error.to_string(), "panicked: no such order");
    }
}
