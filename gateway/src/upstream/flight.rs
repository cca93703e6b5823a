//! A request in the hands of an instance, from the choice of the instance to the last byte of its answer.

use super::instance::Instance;
use super::line::Line;
use chassis::peer::Held;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Counted as in flight until it is dropped.
pub(super) struct Flight {
    instance: Arc<Instance>,
    began: Instant,
    answered: bool,
}

/// How an attempt ended, as far as it says something about the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It did what it should.
    Well,
    /// The same, over a connection that had to be opened first: how long it took is not how fast it is.
    WellAtFirst,
    /// It did not, and that is its fault.
    Failed,
    /// Nothing can be said of it.
    Unknown,
}

impl Flight {
    /// Takes off; `now` is when.
    pub(super) fn begin(instance: Arc<Instance>, now: Instant) -> Self {
        instance.took_one();
        Self { instance, began: now, answered: false }
    }

    pub(super) fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// When it took off.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) fn since_began(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// Says how it went until now. Its body may still be under way.
    pub(super) fn answered(&mut self, ending: Ending, now: Instant) {
        self.answered = true;
        self.instance.ended(ending, self.since_began(now), now);
    }

    /// The exchange is over, and the connection free for another one when hyper says so.
    pub(super) fn over(self, line: Line) {
        self.instance.park(line);
    }
}

impl Held for Flight {
    fn broke_off(self) {
        self.instance.ended(Ending::Failed, Duration::ZERO, Instant::now());
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.instance.gave_back_one();
        if !self.answered {
            // Nobody waited for the answer: the client went away.
            let now = Instant::now();
            self.instance.ended(Ending::Unknown, self.since_began(now), now);
        }
    }
}
