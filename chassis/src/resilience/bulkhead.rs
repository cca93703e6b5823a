//! At most so many calls at once, so that one slow dependency does not take everything that a process has.

use metrics::{Counter, Gauge, counter, gauge};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkheadConfig {
    /// Calls at once.
    pub concurrent: usize,
    /// Calls that may wait for one of those to end; further ones are refused at once.
    pub queue: usize,
}

/// Why there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// As many calls wait as may.
    #[error("too many calls at once, and too many that wait")]
    Queue,
    /// None ended before the deadline.
    #[error("too many calls at once until the deadline")]
    Late,
}

/// A room for a number of calls, with a queue before its door: first come, first served. Cheap to clone; clones are the same
/// room.
#[derive(Clone)]
pub struct Bulkhead(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    slots: Arc<Semaphore>,
    queue: usize,
    waiting: AtomicUsize,
    in_flight: Gauge,
    refused: Counter,
}

/// A place in the room, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
}

/// One call in the gauge.
struct Counted(Gauge);

impl Bulkhead {
    /// An empty room. The name is the label of its metrics: the dependency that is called, from a closed set.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: BulkheadConfig) -> Self {
        let name = name.into();
        Self(Arc::new(Inner {
            slots: Arc::new(Semaphore::new(config.concurrent.min(Semaphore::MAX_PERMITS))),
            queue: config.queue,
            waiting: AtomicUsize::new(0),
            in_flight: gauge!("bulkhead_in_flight", "name" => name.clone()),
            refused: counter!("bulkhead_refused_total", "name" => name.clone()),
            name,
        }))
    }

    /// Waits for a place. Who goes away while waiting leaves the queue.
    ///
    /// # Errors
    /// At once when the queue is full; at the deadline when no place came free.
    pub async fn enter(&self, deadline: Instant) -> Result<Slot, Full> {
        let permit = match self.0.slots.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait(deadline).await.inspect_err(|_| self.0.refused.increment(1))?,
        };
        self.0.in_flight.increment(1);
        Ok(Slot { _permit: permit, _counted: Counted(self.0.in_flight.clone()) })
    }

    async fn wait(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Full> {
        let _waiting = Waiting::join(&self.0).ok_or(Full::Queue)?;
        match timeout_at(deadline, self.0.slots.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(Full::Late),
        }
    }
}

/// A place in the queue, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(room: &'a Inner) -> Option<Self> {
        let more = |waiting| (waiting < room.queue).then_some(waiting + 1);
        room.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(&room.waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counted")
    }
}

impl std::fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bulkhead")
            .field("name", &self.0.name)
            .field("free", &self.0.slots.available_permits())
            .field("waiting", &self.0.waiting.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::poll;
    use std::pin::pin;
    use std::time::Duration;

    fn room(concurrent: usize, queue: usize) -> Bulkhead {
        Bulkhead::new("tests", BulkheadConfig { concurrent, queue })
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(30)
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn who_finds_room_and_queue_full_is_refused_at_once() {
        let room = room(1, 1);
        let inside = room.enter(later()).await.unwrap();
        let mut second = pin!(room.enter(later()));
        assert!(poll!(&mut second).is_pending());
        assert_eq!(room.enter(later()).now_or_never().unwrap().unwrap_err(), Full::Queue);
        drop(inside);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_is_refused_at_its_deadline() {
        let room = room(1, 1);
        let _inside = room.enter(later()).await.unwrap();
        assert_eq!(room.enter(soon()).await.unwrap_err(), Full::Late);
        assert_eq!(room.0.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_leaves_the_queue() {
        let room = room(1, 1);
        let _inside = room.enter(later()).await.unwrap();
        {
            let mut gone = pin!(room.enter(later()));
            assert!(poll!(&mut gone).is_pending());
        }
        let mut next = pin!(room.enter(later()));
        assert!(poll!(&mut next).is_pending(), "the place in the queue was not given back");
    }

    #[tokio::test]
    async fn who_waited_longest_comes_next() {
        let room = room(1, 2);
        let inside = room.enter(later()).await.unwrap();
        let (mut first, mut second) = (pin!(room.enter(later())), pin!(room.enter(later())));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        drop(inside);
        assert!(poll!(&mut second).is_pending());
        assert!(poll!(&mut first).is_ready());
    }
}
