//! Requests for the same thing at the same time: one asks the origin, the others wait for what it brings.
//!
//! Who asks does so in the course of its own request. When that ends before there is an answer (its client went away, its
//! deadline passed), those who wait are told, and one of them asks instead.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With an answer that is kept and that everybody may have.
    Kept,
    /// With one that is good for who asked alone.
    NotShared,
    /// Without any.
    Lost,
}

#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Arc<str>, watch::Receiver<Option<Ended>>>>);

/// The part of a request in the flight for its key.
pub(super) enum Role {
    Leads(Lead),
    Follows(Following),
}

/// Asks the origin for all. Dropping it ends the flight.
pub(super) struct Lead {
    flights: Arc<Flights>,
    key: Arc<str>,
    ended: watch::Sender<Option<Ended>>,
}

/// Waits for who leads.
pub(super) struct Following(watch::Receiver<Option<Ended>>);

impl Flights {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Receiver<Option<Ended>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters the flight for a key, or begins it.
    pub(super) fn enter(self: &Arc<Self>, key: &Arc<str>) -> Role {
        match self.lock().entry(Arc::clone(key)) {
            Entry::Occupied(under_way) => Role::Follows(Following(under_way.get().clone())),
            Entry::Vacant(free) => {
                let (ended, following) = watch::channel(None);
                free.insert(following);
                Role::Leads(Lead { flights: Arc::clone(self), key: Arc::clone(key), ended })
            }
        }
    }

    #[cfg(test)]
    fn under_way(&self) -> usize {
        self.lock().len()
    }
}

impl Lead {
    pub(super) fn end(self, how: Ended) {
        self.ended.send_replace(Some(how));
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        // Out of the map first: who is told that it is over must not find it there.
        self.flights.lock().remove(&self.key);
        if self.ended.borrow().is_none() {
            self.ended.send_replace(Some(Ended::Lost));
        }
    }
}

impl Following {
    pub(super) async fn ended(mut self) -> Ended {
        self.0.wait_for(Option::is_some).await.ok().and_then(|ended| *ended).unwrap_or(Ended::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn lead(flights: &Arc<Flights>, key: &Arc<str>) -> Lead {
        match flights.enter(key) {
            Role::Leads(lead) => lead,
            Role::Follows(_) => panic!("somebody else leads"),
        }
    }

    fn follow(flights: &Arc<Flights>, key: &Arc<str>) -> Following {
        match flights.enter(key) {
            Role::Leads(_) => panic!("nobody leads"),
            Role::Follows(following) => following,
        }
    }

    #[tokio::test]
    async fn one_leads_and_the_others_are_told_how_it_ended() {
        let (flights, key) = (Arc::<Flights>::default(), Arc::from("a"));
        let leading = lead(&flights, &key);
        let (one, other) = (follow(&flights, &key), follow(&flights, &key));
        let other_key = lead(&flights, &Arc::from("b"));
        let mut one = std::pin::pin!(one.ended());
        assert_eq!(one.as_mut().now_or_never(), None);
        leading.end(Ended::Kept);
        assert_eq!(one.now_or_never(), Some(Ended::Kept));
        assert_eq!(other.ended().now_or_never(), Some(Ended::Kept));
        drop(other_key);
        assert_eq!(flights.under_way(), 0);
    }

    #[tokio::test]
    async fn when_who_leads_is_gone_another_leads() {
        let (flights, key) = (Arc::<Flights>::default(), Arc::from("a"));
        let leading = lead(&flights, &key);
        let waiting = follow(&flights, &key);
        drop(leading);
        assert_eq!(waiting.ended().now_or_never(), Some(Ended::Lost));
        lead(&flights, &key).end(Ended::NotShared);
    }
}
