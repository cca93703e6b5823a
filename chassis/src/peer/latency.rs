//! How fast an instance has been answering: an average in which what is long ago weighs little.
//!
//! Two rules make it fit for choosing between instances. An answer moves the average by an eighth. And what was measured
//! halves every few seconds in which nothing is: an instance that was slow once and is not asked any more is tried again.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// In how long an average halves when nothing is added to it.
const HALF_LIFE: f64 = 5.0;
/// What one answer weighs.
const WEIGHT: f64 = 0.125;

/// An average in microseconds. Two that add to it at once may lose one of the two: it is an estimate.
#[derive(Debug)]
pub struct Latency {
    origin: Instant,
    micros: AtomicU64,
    changed: AtomicU64,
}

impl Latency {
    /// Begins with an estimate.
    #[must_use]
    pub fn new(micros: f64) -> Self {
        Self { origin: Instant::now(), micros: AtomicU64::new(micros.to_bits()), changed: AtomicU64::new(0) }
    }

    /// The average now, in microseconds.
    #[must_use]
    pub fn micros(&self) -> f64 {
        self.micros_at(Instant::now())
    }

    /// The same, for who knows what time it is.
    #[must_use]
    pub fn micros_at(&self, now: Instant) -> f64 {
        let since = self.since_origin(now).saturating_sub(self.changed.load(Relaxed));
        let micros = f64::from_bits(self.micros.load(Relaxed));
        // Within a millisecond it does not halve by anything that counts.
        if since < 1_000 {
            return micros;
        }
        micros * (-Duration::from_micros(since).as_secs_f64() / HALF_LIFE).exp2()
    }

    /// An answer took this long.
    pub fn took(&self, time: Duration) {
        self.took_at(Instant::now(), time);
    }

    /// The same, for who knows what time it is.
    pub fn took_at(&self, now: Instant, time: Duration) {
        let before = self.micros_at(now);
        let micros = before + WEIGHT * (time.as_secs_f64() * 1e6 - before);
        self.changed.store(self.since_origin(now), Relaxed);
        self.micros.store(micros.to_bits(), Relaxed);
    }

    /// No answer came within this time; how long it would have taken is not known.
    pub fn took_longer_than(&self, time: Duration) {
        if time.as_secs_f64() * 1e6 > self.micros() {
            self.took(time);
        }
    }

    fn since_origin(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.origin).as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn it_moves_towards_what_is_measured() {
        let latency = Latency::new(0.0);
        (0..50).for_each(|_| latency.took(10 * MS));
        assert!((9_900.0..10_000.0).contains(&latency.micros()), "{}", latency.micros());
        (0..50).for_each(|_| latency.took(2 * MS));
        assert!((2_000.0..2_100.0).contains(&latency.micros()), "{}", latency.micros());
    }

    #[tokio::test(start_paused = true)]
    async fn it_halves_while_nothing_is_measured() {
        let latency = Latency::new(8_000.0);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!((1_999.0..2_001.0).contains(&latency.micros()), "{}", latency.micros());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_not_waited_for_never_makes_it_faster() {
        let latency = Latency::new(8_000.0);
        latency.took_longer_than(MS);
        assert!(latency.micros() > 7_999.0, "{}", latency.micros());
        latency.took_longer_than(80 * MS);
        assert!(latency.micros() > 16_000.0, "{}", latency.micros());
    }
}
