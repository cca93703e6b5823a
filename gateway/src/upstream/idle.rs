//! Connections that nobody uses at the moment, kept apart by the thread that used them last.
//!
//! A thread takes what it put there: the locks are its own, and so are the connections, which wake the runtime that opened
//! them. They belong to the instance and not to the thread, so that they end with the instance, and so that one task can
//! look after all of them.

use super::line::Line;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The idle connections to one instance.
pub(super) struct Idle {
    shelves: Box<[Shelf]>,
}

/// Those of one thread, in cache lines of their own. The one that was used last is taken first.
#[repr(align(128))]
#[derive(Default)]
struct Shelf(Mutex<Vec<Line>>);

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// The number of this thread among those that use upstreams.
pub(super) fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let known = NUMBER.get();
    if known != usize::MAX {
        return known;
    }
    let number = NEXT.fetch_add(1, Relaxed);
    NUMBER.set(number);
    number
}

/// How many threads are kept apart. One or two besides those of the listener ask too.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get) + 2
}

impl Idle {
    pub(super) fn new() -> Self {
        Self { shelves: (0..threads()).map(|_| Shelf::default()).collect() }
    }

    fn shelf(&self) -> MutexGuard<'_, Vec<Line>> {
        // There is at least one, so the remainder is a place.
        self.shelves[number() % self.shelves.len()].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that was used less than `longest` ago, and opened with the settings of this generation.
    pub(super) fn take(&self, now: Instant, longest: Duration, generation: u64) -> Option<Line> {
        let mut shelf = self.shelf();
        let line = loop {
            let line = shelf.pop()?;
            if line.generation == generation {
                break line;
            }
        };
        if now.saturating_duration_since(line.idle_since) < longest {
            return Some(line);
        }
        // The others have been there for longer.
        shelf.clear();
        None
    }

    /// One that another thread has put there.
    pub(super) fn take_from_others(&self, generation: u64) -> Option<Line> {
        let mut shelves = self.shelves.iter();
        let line = shelves.find_map(|shelf| shelf.0.lock().unwrap_or_else(PoisonError::into_inner).pop());
        line.filter(|line| line.generation == generation)
    }

    pub(super) fn put(&self, line: Line) {
        self.shelf().push(line);
    }

    /// Closes those that nobody has used for `longest`, and those that the other side has closed.
    pub(super) fn sweep(&self, now: Instant, longest: Duration) {
        for shelf in &self.shelves {
            let mut shelf = shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
            shelf.retain_mut(|line| {
                now.saturating_duration_since(line.idle_since) < longest && line.is_still_open()
            });
        }
    }
}
