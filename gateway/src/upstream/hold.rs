//! Requests that wait because no instance can take them: all are being replaced, ill, or full.
//!
//! What must hold: a request is held for the time that the settings say at most, and there are never more than so many. Who
//! is held tries again when there is news, and now and then in case there was none to hear.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Requests that are held at once at most.
const MOST: usize = 1_024;
/// The first pause; each is twice as long as the one before.
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(200);

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Held {
    news: Notify,
    waiting: AtomicUsize,
}

/// One request that waits, from its first pause to its last.
pub(super) struct Patience<'a> {
    held: &'a Held,
    until: Instant,
    pause: Duration,
}

impl Held {
    /// Something has changed for the better: whoever waits tries again.
    pub(super) fn news(&self) {
        self.news.notify_waiters();
    }

    /// Lets one more wait, until the deadline and for `longest` at most; nothing when too many do.
    pub(super) fn begin(&self, longest: Duration, deadline: Instant) -> Option<Patience<'_>> {
        if longest.is_zero() {
            return None;
        }
        let patience = Patience { held: self, until: deadline.min(Instant::now() + longest), pause: FIRST };
        // Counted first and then looked at; who is too many takes itself out again by being dropped.
        (self.waiting.fetch_add(1, Relaxed) < MOST).then_some(patience)
    }
}

impl Patience<'_> {
    /// Waits for news, or a little; whether there is time for another try.
    pub(super) async fn wait(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        let news = self.held.news.notified();
        drop(timeout_at(self.until.min(now + self.pause), news).await);
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        self.held.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_held_is_held_no_longer_than_was_said() {
        let held = Held::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        let began = Instant::now();
        let mut patience = held.begin(Duration::from_millis(500), deadline).unwrap();
        let mut tries = 0;
        while patience.wait().await {
            tries += 1;
        }
        assert_eq!(began.elapsed(), Duration::from_millis(500));
        assert!((4..10).contains(&tries), "{tries}");
        assert!(held.begin(Duration::ZERO, deadline).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_held_than_there_is_room_for() {
        let held = Held::default();
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut all: Vec<_> =
            (0..MOST).map_while(|_| held.begin(deadline - Instant::now(), deadline)).collect();
        assert_eq!(all.len(), MOST);
        assert!(held.begin(Duration::from_secs(1), deadline).is_none());
        all.pop();
        assert!(held.begin(Duration::from_secs(1), deadline).is_some());
    }
}
