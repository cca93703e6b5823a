//! What has happened so far, live: a bar and a line for what somebody just did on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the bar moves although nothing has happened.
const TICK: Duration = Duration::from_millis(120);

/// What has happened so far.
pub(super) struct Tally {
    bar: ProgressBar,
    declined: AtomicUsize,
    reviewed: AtomicUsize,
    /// What should never happen, as it was seen.
    faults: Mutex<Vec<String>>,
}

impl Tally {
    /// The bar of a stage with so many steps.
    pub(super) fn new(what: &'static str, steps: usize) -> Self {
        let bar = ProgressBar::new(u64::try_from(steps).unwrap_or(u64::MAX));
        let template = "{elapsed:>4} {prefix} [{bar:20}] {pos}/{len}  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        bar.enable_steady_tick(TICK);
        Self { bar, declined: AtomicUsize::new(0), reviewed: AtomicUsize::new(0), faults: Mutex::default() }
    }

    /// Shows what somebody just did.
    pub(super) fn say(&self, line: impl Display) {
        self.bar.set_message(line.to_string());
    }

    /// One step more is done.
    pub(super) fn done(&self) {
        self.bar.inc(1);
    }

    pub(super) fn declined(&self) {
        self.declined.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reviewed(&self) {
        self.reviewed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fault(&self, fault: String) {
        self.lock().push(fault);
    }

    /// How many cards were declined and how many reviews were written.
    pub(super) fn counted(&self) -> (usize, usize) {
        (self.declined.load(Ordering::Relaxed), self.reviewed.load(Ordering::Relaxed))
    }

    /// Takes the bar away. What should not have happened.
    pub(super) fn close(&self) -> Vec<String> {
        self.bar.finish_and_clear();
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
