//! The instances of one peer, and which of them the next call goes to.
//!
//! Of two that are drawn, the one on which the call costs less (power of two choices): as good as knowing all of them,
//! without everybody running to the same one. Whoever's breaker is not closed is left out, except for the few calls that
//! find out whether it is well again. When that is all of them, the call is refused: sending it into a peer that is down
//! only keeps it down.

use super::base::Base;
use super::instance::Instance;
use crate::resilience::{BreakerConfig, BreakerState, Open, Permit};
use arc_swap::ArcSwap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// The instances of one peer as they are known now.
pub(super) struct Instances {
    peer: &'static str,
    breaker: BreakerConfig,
    list: ArcSwap<Vec<Arc<Instance>>>,
    known: watch::Sender<bool>,
}

/// The instances, by their slots, that a call has been at.
#[derive(Debug, Default, Clone)]
pub(super) struct Tried(Vec<usize>);

impl Tried {
    pub(super) fn add(&mut self, instance: &Instance) {
        self.0.push(instance.slot);
    }

    fn contains(&self, instance: &Instance) -> bool {
        self.0.contains(&instance.slot)
    }
}

/// What a change of the list was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) new: usize,
    pub(super) gone: usize,
    pub(super) all: usize,
}

impl Instances {
    pub(super) fn new(peer: &'static str, breaker: BreakerConfig) -> Self {
        let list = ArcSwap::from_pointee(Vec::new());
        Self { peer, breaker, list, known: watch::Sender::new(false) }
    }

    /// Takes over what is there now; `None` when that is what was known. Those that stay keep what is known of them. An
    /// empty list is not believed: whoever gives the addresses of a peer may be as ill as the peer, and a call to an
    /// instance that is gone fails no worse than one to nobody.
    pub(super) fn learn(&self, mut bases: Vec<Base>) -> Option<Change> {
        let before = self.list.load_full();
        bases.sort_by_cached_key(ToString::to_string);
        bases.dedup();
        let is_known = |base: &Base| before.iter().any(|instance| instance.base == *base);
        let gone = before.iter().filter(|instance| !bases.contains(&instance.base)).count();
        let new = bases.iter().filter(|base| !is_known(base)).count();
        if bases.is_empty() || (gone == 0 && new == 0) {
            return None;
        }
        let mut list: Vec<Arc<Instance>> =
            before.iter().filter(|instance| bases.contains(&instance.base)).cloned().collect();
        // A newcomer is taken to be as fast as the others, so that they do not all run to it.
        let micros = list.iter().map(|instance| instance.micros()).sum::<f64>() / list.len().max(1) as f64;
        for base in bases.into_iter().filter(|base| !is_known(base)) {
            let slot = (0..).find(|slot| list.iter().all(|instance| instance.slot != *slot)).unwrap_or(0);
            list.push(Arc::new(Instance::new(self.peer, base, slot, self.breaker, micros)));
        }
        list.sort_by_key(|instance| instance.slot);
        let all = list.len();
        self.list.store(Arc::new(list));
        self.known.send_replace(true);
        Some(Change { new, gone, all })
    }

    /// Waits until instances are known, until the deadline at most.
    pub(super) async fn known(&self, deadline: Instant) -> bool {
        if *self.known.borrow() {
            return true;
        }
        let mut news = self.known.subscribe();
        timeout_at(deadline, news.wait_for(|known| *known)).await.is_ok_and(|heard| heard.is_ok())
    }

    pub(super) fn list(&self) -> Arc<Vec<Arc<Instance>>> {
        self.list.load_full()
    }

    /// Whether there is an instance that this call has not been at.
    pub(super) fn has_other(&self, tried: &Tried) -> bool {
        self.list.load().iter().any(|instance| !tried.contains(instance))
    }

    /// The instance for the next attempt: not one that was tried if there is another.
    ///
    /// # Errors
    /// When every breaker refuses, with the shortest time until one may not.
    pub(super) fn pick(&self, tried: &Tried) -> Result<(Arc<Instance>, Permit), Open> {
        let list = self.list.load();
        if let [only] = &***list {
            return only.permit().map(|permit| (only.clone(), permit));
        }
        let untried: Vec<&Arc<Instance>> = list.iter().filter(|instance| !tried.contains(instance)).collect();
        let picked = Self::choose(untried).or_else(|| Self::choose(list.iter().collect()));
        picked.map_or_else(|| Self::ask_all(&list), Ok)
    }

    fn choose(mut from: Vec<&Arc<Instance>>) -> Option<(Arc<Instance>, Permit)> {
        let mut place = 0;
        while let Some(instance) = from.get(place) {
            if instance.state() == BreakerState::Closed {
                place += 1;
                continue;
            }
            if let Some(permit) = instance.probe() {
                return Some(((*instance).clone(), permit));
            }
            from.swap_remove(place);
        }
        while !from.is_empty() {
            let place = cheaper_of_two(&from);
            let instance = from.swap_remove(place);
            if let Ok(permit) = instance.permit() {
                return Some((instance.clone(), permit));
            }
        }
        None
    }

    /// Every breaker refuses this call, and counts that. (One that has changed its mind meanwhile takes it.)
    fn ask_all(list: &[Arc<Instance>]) -> Result<(Arc<Instance>, Permit), Open> {
        let mut retry_after: Option<Duration> = None;
        for instance in list {
            match instance.permit() {
                Ok(permit) => return Ok((instance.clone(), permit)),
                Err(open) => {
                    retry_after =
                        Some(retry_after.map_or(open.retry_after, |soonest| soonest.min(open.retry_after)));
                }
            }
        }
        Err(Open { retry_after: retry_after.unwrap_or_default() })
    }
}

/// The place of the cheaper one of two that are drawn; `from` is not empty.
fn cheaper_of_two(from: &[&Arc<Instance>]) -> usize {
    if from.len() < 2 {
        return 0;
    }
    // Two halves of one random number: the keys of a new state are other ones each time.
    let random = RandomState::new().hash_one(0_u8);
    let below = |number: u64, bound: usize| usize::try_from(number % bound as u64).unwrap_or(0);
    let first = below(random >> 32, from.len());
    let second = (first + 1 + below(random & 0xFFFF_FFFF, from.len() - 1)) % from.len();
    match (from.get(first), from.get(second)) {
        (Some(one), Some(other)) if other.cost() < one.cost() => second,
        _ => first,
    }
}

#[cfg(test)]
#[path = "instances_tests.rs"]
mod tests;
