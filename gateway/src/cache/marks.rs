//! Which answers were purged, in constant memory: nothing has to be found for it.
//!
//! Every purge has a number, and paths, addresses and tags share a fixed number of cells that hold the number of their last
//! one. An answer carries the number that was current before its origin was asked, and is good while no cell of its names
//! holds a later one. So an answer that was under way during a purge is not good either, and neither has its origin to name
//! its tags before it is asked. Two names may share a cell: then one is asked for once more than it had to be.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Half a mebibyte.
const CELLS: u32 = 65_536;

/// What an answer can be purged by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// A path, on any host, with any query.
    Path(&'a str),
    /// The same on one host.
    Address(&'a str, &'a str),
    Tag(&'a str),
}

pub(super) struct Marks {
    cells: Box<[AtomicU64]>,
    everything: AtomicU64,
    current: AtomicU64,
    hasher: RandomState,
}

impl Marks {
    pub(super) fn new() -> Self {
        Self {
            cells: (0..CELLS).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
            current: AtomicU64::new(0),
            hasher: RandomState::new(),
        }
    }

    /// What an answer carries whose origin is asked from now on.
    pub(super) fn now(&self) -> u64 {
        self.current.load(Ordering::SeqCst)
    }

    /// The cell of a name.
    pub(super) fn cell(&self, name: Name<'_>) -> u32 {
        let hash = match name {
            Name::Path(path) => self.hasher.hash_one((0_u8, path)),
            Name::Address(host, path) => self.hasher.hash_one((1_u8, host, path)),
            Name::Tag(tag) => self.hasher.hash_one((2_u8, tag)),
        };
        (hash % u64::from(CELLS)) as u32
    }

    /// Whether nothing of these cells was purged since.
    pub(super) fn hold(&self, cells: &[u32], since: u64) -> bool {
        let read = |cell: &u32| self.cells.get(*cell as usize).map_or(0, |cell| cell.load(Ordering::SeqCst));
        self.everything.load(Ordering::SeqCst) <= since && cells.iter().all(|cell| read(cell) <= since)
    }

    pub(super) fn purge(&self, name: Name<'_>) {
        let number = self.next();
        if let Some(cell) = self.cells.get(self.cell(name) as usize) {
            cell.fetch_max(number, Ordering::SeqCst);
        }
    }

    pub(super) fn purge_everything(&self) {
        let number = self.next();
        self.everything.fetch_max(number, Ordering::SeqCst);
    }

    fn next(&self) -> u64 {
        self.current.fetch_add(1, Ordering::SeqCst) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_before_a_purge_does_not_hold_and_what_is_asked_for_after_it_does() {
        let marks = Marks::new();
        let cells = [marks.cell(Name::Path("/a")), marks.cell(Name::Tag("red"))];
        for purge in [Name::Path("/a"), Name::Tag("red")] {
            let since = marks.now();
            assert!(marks.hold(&cells, since));
            marks.purge(purge);
            assert!(!marks.hold(&cells, since));
            assert!(marks.hold(&cells, marks.now()));
        }
        let since = marks.now();
        marks.purge_everything();
        assert!(!marks.hold(&cells, since) && !marks.hold(&[], since));
        assert!(marks.hold(&cells, marks.now()));
    }

    #[test]
    fn names_of_different_kinds_are_apart() {
        let marks = Marks::new();
        // Sixteen names: that they all share cells by chance does not happen.
        let apart = (0..16).any(|n| {
            let text = n.to_string();
            let (cells, since) = ([marks.cell(Name::Path(&text))], marks.now());
            marks.purge(Name::Tag(&text));
            marks.purge(Name::Address("", &text));
            marks.hold(&cells, since)
        });
        assert!(apart);
    }
}
