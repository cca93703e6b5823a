//! Tells whether something was invalidated since a load of it began, in constant memory.
//!
//! Keys and tags share a fixed number of counters. An invalidation moves those of its keys and tags on; a copy carries
//! their values from before its load began and is good while they stand. Two names may share a counter: then one of them
//! is loaded once more than it had to be. So whatever arrives late carries old values and is not good, and nothing has to
//! be found or removed.

use crate::state::Invalidation;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

/// 256 KiB a service. With a hundred invalidations a second one copy in ten is lost to another's within a minute.
const COUNTERS: u32 = 65_536;

pub(super) struct Epochs {
    counters: Box<[AtomicU32]>,
    everything: AtomicU32,
    hasher: RandomState,
}

/// The counters of a key and its tags, and what they said.
#[derive(Debug, Clone)]
pub(super) struct Stamps {
    everything: u32,
    /// The first is that of the key.
    of: Box<[(u32, u32)]>,
}

impl Epochs {
    pub(super) fn new() -> Self {
        Self {
            counters: (0..COUNTERS).map(|_| AtomicU32::new(0)).collect(),
            everything: AtomicU32::new(0),
            hasher: RandomState::new(),
        }
    }

    /// What a load that begins now must carry.
    pub(super) fn stamps(&self, key: &str, tags: &[String]) -> Stamps {
        let everything = self.everything.load(Ordering::SeqCst);
        let names = std::iter::once(self.of_key(key)).chain(tags.iter().map(|tag| self.of_tag(tag)));
        Stamps { everything, of: names.map(|counter| (counter, self.read(counter))).collect() }
    }

    /// Whether nothing was invalidated since.
    pub(super) fn hold(&self, stamps: &Stamps) -> bool {
        self.everything.load(Ordering::SeqCst) == stamps.everything
            && stamps.of.iter().all(|(counter, value)| self.read(*counter) == *value)
    }

    pub(super) fn forget(&self, invalidation: &Invalidation) {
        for key in &invalidation.keys {
            self.advance(self.of_key(key));
        }
        for tag in &invalidation.tags {
            self.advance(self.of_tag(tag));
        }
    }

    pub(super) fn forget_everything(&self) {
        self.everything.fetch_add(1, Ordering::SeqCst);
    }

    /// Invalidates the key if nothing has been since, and tells what a copy must carry that is right from now on.
    pub(super) fn succeed(&self, stamps: &Stamps) -> Option<Stamps> {
        let (counter, value) = *stamps.of.first()?;
        let next = value.wrapping_add(1);
        let cell = self.counters.get(counter as usize)?;
        if !self.hold(stamps)
            || cell.compare_exchange(value, next, Ordering::SeqCst, Ordering::SeqCst).is_err()
        {
            return None;
        }
        let mut stamps = stamps.clone();
        // A tag may share the counter of its key.
        stamps.of.iter_mut().filter(|(same, _)| *same == counter).for_each(|(_, value)| *value = next);
        Some(stamps)
    }

    fn of_key(&self, key: &str) -> u32 {
        self.counter("key", key)
    }

    fn of_tag(&self, tag: &str) -> u32 {
        self.counter("tag", tag)
    }

    fn counter(&self, kind: &str, name: &str) -> u32 {
        (self.hasher.hash_one((kind, name)) % u64::from(COUNTERS)) as u32
    }

    fn read(&self, counter: u32) -> u32 {
        self.counters.get(counter as usize).map_or(0, |cell| cell.load(Ordering::SeqCst))
    }

    fn advance(&self, counter: u32) {
        if let Some(cell) = self.counters.get(counter as usize) {
            cell.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> Invalidation {
        Invalidation { keys: vec![key.to_owned()], tags: Vec::new() }
    }

    #[test]
    fn what_carries_the_epochs_of_before_an_invalidation_does_not_hold() {
        let epochs = Epochs::new();
        let tags = ["red".to_owned(), "blue".to_owned()];
        let (one, other) = (epochs.stamps("a", &tags), epochs.stamps("b", &[]));
        assert!(epochs.hold(&one) && epochs.hold(&other));
        epochs.forget(&key("a"));
        assert!(!epochs.hold(&one));
        let again = epochs.stamps("a", &tags);
        epochs.forget(&Invalidation { keys: Vec::new(), tags: vec!["blue".to_owned()] });
        assert!(!epochs.hold(&again));
        let again = epochs.stamps("a", &tags);
        epochs.forget_everything();
        assert!(!epochs.hold(&again) && !epochs.hold(&other));
    }

    #[test]
    fn a_key_and_a_tag_of_one_name_are_apart() {
        let epochs = Epochs::new();
        // Sixteen names: that they all share counters by chance does not happen.
        let apart = (0..16).any(|n| {
            let stamps = epochs.stamps(&n.to_string(), &[]);
            epochs.forget(&Invalidation { keys: Vec::new(), tags: vec![n.to_string()] });
            epochs.hold(&stamps)
        });
        assert!(apart);
    }

    #[test]
    fn of_two_writers_at_once_none_succeeds_the_other() {
        let epochs = Epochs::new();
        epochs.forget(&key("a"));
        let first = epochs.stamps("a", &[]);
        epochs.forget(&key("a"));
        let second = epochs.stamps("a", &[]);
        assert!(epochs.succeed(&first).is_none());
        let kept = epochs.succeed(&second).unwrap();
        assert!(epochs.hold(&kept) && !epochs.hold(&second));
    }
}
