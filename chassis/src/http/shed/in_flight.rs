//! How many requests are answered at once, and how many may be.
//!
//! Four times a second the limit is set anew: where the process was strained meanwhile, because most requests waited too long
//! for their thread or one too long in a queue, to a part of the requests that were
//! in flight at most, the smaller the more it was strained; else a sixteenth higher. So it falls to what the process can do
//! within a second, and probes upwards from there.

use super::Priority;
use crate::resilience::Monotonic;
use metrics::{Gauge, gauge};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How long the limit stays as it is.
const TURN: Duration = Duration::from_millis(250);
/// After so many turns without a request everything is forgotten.
const FORGOTTEN: u128 = 128;
/// The least and the most by which the limit is divided in a turn in which the process was strained, in percent.
const GENTLE: usize = 125;
const HARSH: usize = 400;
/// One request in so many is a sample.
const SAMPLES: u32 = 32;

/// Between which the limit stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) least: usize,
    pub(super) most: usize,
}

#[derive(Debug)]
pub(super) struct InFlight {
    bounds: Bounds,
    time: Monotonic,
    entered: AtomicU32,
    now: AtomicUsize,
    /// The most since the limit was set.
    peak: AtomicUsize,
    limit: AtomicUsize,
    /// What it was before it was set: until those that were let in by it have gone, it holds for what is critical.
    recent: AtomicUsize,
    /// How long requests that were ready waited for their thread since the limit was set.
    lag: Strain,
    /// How long they waited in queues.
    queue: Strain,
    /// When the limit was set, in microseconds.
    set: AtomicU64,
    gauge: Shown,
}

/// What was waited since the limit was set, by what is bearable.
#[derive(Debug, Default)]
struct Strain {
    /// The longest wait that was not bearable, in percent of what is; 0 when there was none.
    most: AtomicU32,
    /// How many more waits were not bearable than were.
    balance: AtomicI32,
}

struct Shown(Gauge);

/// A request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    in_flight: &'a InFlight,
    sample: bool,
}

impl InFlight {
    pub(super) fn new(bounds: Bounds, time: Monotonic) -> Self {
        let gauge = gauge!("http_in_flight_limit");
        gauge.set(bounds.most as f64);
        Self {
            bounds,
            time,
            entered: AtomicU32::new(0),
            now: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            limit: AtomicUsize::new(bounds.most),
            recent: AtomicUsize::new(bounds.most),
            lag: Strain::default(),
            queue: Strain::default(),
            set: AtomicU64::new(0),
            gauge: Shown(gauge),
        }
    }

    /// Lets a request in, or says of which priority it is. Nobody asks for that, by how many may be in flight, while there is room
    /// for all.
    pub(super) fn enter(&self, rank: impl FnOnce(usize) -> Priority) -> Result<Place<'_>, Priority> {
        self.turn();
        let before = self.now.fetch_add(1, Ordering::Relaxed);
        let place = Place {
            in_flight: self,
            sample: self.entered.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLES),
        };
        let limit = self.limit.load(Ordering::Relaxed);
        if before >= Priority::Low.share(limit) {
            let priority = rank(limit);
            let limit = match priority {
                Priority::Critical => limit.max(self.recent.load(Ordering::Relaxed)),
                Priority::Low | Priority::Normal => limit,
            };
            if before >= priority.share(limit) {
                return Err(priority);
            }
        }
        if before >= self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(before + 1, Ordering::Relaxed);
        }
        Ok(place)
    }

    /// Whether fewer are let in than could be.
    pub(super) fn is_lowered(&self) -> bool {
        self.limit.load(Ordering::Relaxed) < self.bounds.most
    }

    /// Notes for how long a request that was ready waited for its thread.
    pub(super) fn lagged(&self, lag: Duration, bearable: Duration) {
        self.lag.note(lag, bearable);
    }

    /// Notes for how long a request waited in a queue.
    pub(super) fn queued(&self, wait: Duration, bearable: Duration) {
        self.queue.note(wait, bearable);
    }

    /// Sets the limit anew when it is time; one request does it.
    fn turn(&self) {
        let now = u64::try_from(self.time.now().as_micros()).unwrap_or(u64::MAX);
        let set = self.set.load(Ordering::Relaxed);
        let turns = u128::from(now.saturating_sub(set)) / TURN.as_micros();
        let mine = || self.set.compare_exchange(set, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if turns == 0 || !mine() {
            return;
        }
        let peak = self.peak.swap(self.now.load(Ordering::Relaxed), Ordering::Relaxed);
        let ((lag, balance), (queue, _)) = (self.lag.take(), self.queue.take());
        // Many clients that come at once make each other wait, once: only where most requests wait the process is behind.
        let strain = if balance > 0 { lag.max(queue) } else { queue } as usize;
        let before = self.limit.load(Ordering::Relaxed);
        self.recent.store(before, Ordering::Relaxed);
        let Bounds { least, most } = self.bounds;
        let limit = if turns >= FORGOTTEN {
            most
        } else if strain > 0 {
            (before.min(peak) * 100 / strain.clamp(GENTLE, HARSH)).max(least)
        } else {
            (0..turns).fold(before, |limit, _| limit + limit / 16 + 1).min(most)
        };
        if limit != before {
            self.limit.store(limit, Ordering::Relaxed);
            self.gauge.0.set(limit as f64);
        }
        if limit < before && before == most {
            tracing::warn!(limit, "this process does not keep up: it answers fewer requests at once");
        }
    }
}

impl Strain {
    fn note(&self, wait: Duration, bearable: Duration) {
        if wait <= bearable {
            self.balance.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let percent = wait.as_micros() * 100 / bearable.as_micros().max(1);
        self.most.fetch_max(u32::try_from(percent).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.balance.fetch_add(1, Ordering::Relaxed);
    }

    /// The longest wait and the balance, which begin anew with this.
    fn take(&self) -> (u32, i32) {
        (self.most.swap(0, Ordering::Relaxed), self.balance.swap(0, Ordering::Relaxed))
    }
}

impl Place<'_> {
    /// Whether this is one of the few whose progress is measured.
    pub(super) const fn is_sample(&self) -> bool {
        self.sample
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.in_flight.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEARABLE: Duration = Duration::from_millis(100);

    fn in_flight() -> (InFlight, Monotonic) {
        let time = Monotonic::manual();
        (InFlight::new(Bounds { least: 10, most: 100 }, time.clone()), time)
    }

    /// Lets in as many as there is room for.
    fn fill(in_flight: &InFlight, priority: Priority) -> Vec<Place<'_>> {
        std::iter::from_fn(|| in_flight.enter(|_| priority).ok()).take(1_000).collect()
    }

    #[test]
    fn the_less_important_meets_its_bound_first() {
        let (in_flight, _) = in_flight();
        let low = fill(&in_flight, Priority::Low);
        assert_eq!(low.len(), 50);
        let normal = fill(&in_flight, Priority::Normal);
        assert_eq!(normal.len(), 30);
        let critical = fill(&in_flight, Priority::Critical);
        assert_eq!(critical.len(), 20);
        drop((low, normal, critical));
        assert_eq!(fill(&in_flight, Priority::Critical).len(), 100, "places come back");
    }

    #[test]
    fn while_strained_the_limit_falls_to_the_least_and_grows_back_afterwards() {
        let (in_flight, time) = in_flight();
        let room = |lag: u32| {
            let places = fill(&in_flight, Priority::Normal);
            let more = fill(&in_flight, Priority::Critical);
            assert!(!more.is_empty(), "what is critical finds room in every turn");
            in_flight.lagged(lag * BEARABLE / 10, BEARABLE);
            time.advance(TURN);
            places.len()
        };
        assert_eq!([room(11), room(11), room(20), room(90)], [80, 64, 51, 25]);
        assert_eq!([room(90), room(0)], [8, 8]);
        assert_eq!([room(10), room(0)], [8, 9]);
        let turns = std::iter::repeat_with(|| room(0)).take_while(|room| *room < 80).count();
        assert!((20..40).contains(&turns), "{turns} turns");
    }

    #[test]
    fn strain_with_few_in_flight_leaves_room_for_few() {
        let (in_flight, time) = in_flight();
        let few: Vec<_> = (0..20).map(|_| in_flight.enter(|_| Priority::Normal).unwrap()).collect();
        in_flight.lagged(2 * BEARABLE, BEARABLE);
        time.advance(TURN);
        drop(few);
        assert_eq!(fill(&in_flight, Priority::Normal).len(), 8);
    }

    #[test]
    fn what_comes_at_once_and_is_over_is_no_strain_on_a_thread_and_a_queue_is_one_all_the_same() {
        let (in_flight, time) = in_flight();
        let turn = |late: u32, soon: u32| {
            (0..late).for_each(|_| in_flight.lagged(2 * BEARABLE, BEARABLE));
            (0..soon).for_each(|_| in_flight.lagged(BEARABLE, BEARABLE));
            time.advance(TURN);
            drop(fill(&in_flight, Priority::Critical));
            in_flight.is_lowered()
        };
        assert!(!turn(0, 0));
        assert!(!turn(16, 100), "a crowd came, and was answered");
        assert!(!turn(16, 16));
        in_flight.queued(2 * BEARABLE, BEARABLE);
        assert!(turn(0, 100), "who waits in a queue is not helped by those who need not");
        time.advance(TURN * 200);
        drop(fill(&in_flight, Priority::Critical));
        assert!(turn(17, 16), "most of them wait");
    }

    #[test]
    fn a_long_silence_forgets_the_strain() {
        let (in_flight, time) = in_flight();
        in_flight.lagged(2 * BEARABLE, BEARABLE);
        time.advance(TURN);
        drop(fill(&in_flight, Priority::Critical));
        time.advance(TURN * 200);
        assert_eq!(fill(&in_flight, Priority::Critical).len(), 100);
    }

    #[test]
    fn while_there_is_room_for_all_nobody_asks_for_the_priority() {
        let (in_flight, _) = in_flight();
        in_flight.enter(|_| panic!("asked")).unwrap();
    }

    #[test]
    fn one_request_in_some_is_a_sample() {
        let (in_flight, _) = in_flight();
        let samples = (0..320).filter(|_| in_flight.enter(|_| Priority::Normal).unwrap().is_sample()).count();
        assert_eq!(samples, 10);
    }
}
