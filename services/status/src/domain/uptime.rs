//! What is known of a span of time.
//!
//! A look says how a service is at one moment. What it says holds until the next look, when that comes in time: then the
//! time between is known. When the next look comes late nobody knows what happened, and only as much is known as one look
//! covers. So a prober that was away leaves a gap, which is neither up nor down.

use chassis::clock::Ts;
use contract::status::{ServiceState, Uptime};
use std::time::Duration;

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// How a service was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Ready.
    Operational,
    /// It answers, and is not ready.
    Degraded,
    /// It does not answer.
    Down,
}

impl Found {
    /// As it is shown.
    #[must_use]
    pub const fn state(self) -> ServiceState {
        match self {
            Self::Operational => ServiceState::Operational,
            Self::Degraded => ServiceState::Degraded,
            Self::Down => ServiceState::Down,
        }
    }

    /// From what a store holds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Operational, Self::Degraded, Self::Down].into_iter().find(|it| it.state().as_str() == text)
    }
}

/// After a look at `last`, with looks `every` so often: for how long what it found is known to have held at `now`, and
/// whether anybody knows what happened between.
#[must_use]
pub fn covered(last: Ts, now: Ts, every: Duration) -> (Duration, bool) {
    let between = now.since(last);
    if between <= every * 2 { (between, true) } else { (every, false) }
}

/// For how long a look says how a service is now.
#[must_use]
pub fn holds_for(every: Duration, patience: Duration) -> Duration {
    every * 2 + patience
}

/// The hour of a time, since 1970.
#[must_use]
pub const fn hour_of(at: Ts) -> i64 {
    at.micros().div_euclid(HOUR_MS * 1_000)
}

/// A span, cut into hours since 1970, in milliseconds. What is less than one is left out.
#[must_use]
pub fn by_hour(from: Ts, span: Duration) -> Vec<(i64, i64)> {
    let begin = from.micros().div_euclid(1_000);
    let end = (from + span).micros().div_euclid(1_000);
    let mut parts = Vec::new();
    let mut at = begin;
    while at < end {
        let hour = at.div_euclid(HOUR_MS);
        let until = ((hour + 1) * HOUR_MS).min(end);
        parts.push((hour, until - at));
        at = until;
    }
    parts
}

/// What is known of a span, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Ready.
    pub up: i64,
    /// It answered, and was not ready.
    pub degraded: i64,
    /// It did not answer.
    pub down: i64,
}

impl Sums {
    /// How it was in a span of so many milliseconds.
    #[must_use]
    pub fn of(self, span_ms: i64) -> Uptime {
        let known = self.up + self.degraded + self.down;
        Uptime {
            percent: (known > 0).then(|| percent(self.up, known)),
            known_percent: percent(known.min(span_ms), span_ms),
        }
    }
}

/// Two digits, rounded down: what is not all is never called so.
#[expect(clippy::cast_precision_loss, reason = "ten thousand is not large")]
fn percent(part: i64, whole: i64) -> f64 {
    let hundredths = part.max(0) * 10_000 / whole.max(1);
    hundredths as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERY: Duration = Duration::from_secs(15);

    #[test]
    fn looks_that_follow_each_other_leave_no_gap() {
        let last = Ts::from_secs(1_000);
        assert_eq!(covered(last, last + EVERY, EVERY), (EVERY, true));
        assert_eq!(covered(last, last + EVERY * 2, EVERY), (EVERY * 2, true));
    }

    #[test]
    fn while_nobody_looked_nothing_is_known() {
        let last = Ts::from_secs(1_000);
        let day = Duration::from_secs(86_400);
        assert_eq!(covered(last, last + day, EVERY), (EVERY, false));
    }

    #[test]
    fn what_is_not_all_is_never_a_hundred_per_cent() {
        let day = 24 * HOUR_MS;
        let one_bad_second = Sums { up: 90 * day - 1_000, degraded: 0, down: 1_000 };
        assert_eq!(one_bad_second.of(90 * day), Uptime { percent: Some(99.99), known_percent: 100.0 });
        assert_eq!(Sums::default().of(day), Uptime { percent: None, known_percent: 0.0 });
        let half = Sums { up: day / 4, degraded: day / 8, down: day / 8 };
        assert_eq!(half.of(day), Uptime { percent: Some(50.0), known_percent: 50.0 });
    }

    proptest! {
        #[test]
        fn hours_add_up_to_the_span_and_none_has_more_than_its_time(
            from in 0..4_000_000_000_000_000_i64, secs in 0..90_000_u64
        ) {
            let (from, span) = (Ts::from_micros(from / 1_000 * 1_000), Duration::from_secs(secs));
            let parts = by_hour(from, span);
            prop_assert_eq!(parts.iter().map(|(_, ms)| *ms).sum::<i64>(), secs as i64 * 1_000);
            prop_assert!(parts.iter().all(|(_, ms)| (1..=HOUR_MS).contains(ms)));
            prop_assert!(parts.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1));
            prop_assert!(parts.first().is_none_or(|(hour, _)| *hour == hour_of(from)));
        }

        /// However looks follow each other, what is credited to a service never exceeds the time that went by.
        #[test]
        fn no_time_is_counted_twice(pauses in prop::collection::vec(0..200_u64, 1..30)) {
            let (mut at, begin) = (Ts::from_secs(0), Ts::from_secs(0));
            let mut known = Duration::ZERO;
            for pause in pauses {
                let next = at + Duration::from_secs(pause);
                known += covered(at, next, EVERY).0;
                prop_assert!(known <= next.since(begin));
                at = next;
            }
        }
    }
}
