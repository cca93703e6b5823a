//! How long to wait after a failure.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// The longest pause of work that goes on by itself when a database or a bus is back.
pub(super) const LONGEST: Duration = Duration::from_secs(2);

/// The pauses of a worker whose database or bus is away: short, so that service is normal soon after they are back.
pub(super) fn after_failures() -> backon::ExponentialBackoff {
    growing(Duration::from_millis(20), LONGEST).build()
}

/// The pause before the next try of an event that has failed `attempts` times.
pub(super) fn before_retry(attempts: i64, first: Duration, longest: Duration) -> Duration {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    growing(first, longest).build().nth(place).unwrap_or(longest)
}

fn growing(first: Duration, longest: Duration) -> ExponentialBuilder {
    let pauses = ExponentialBuilder::new().with_factor(2.0).with_min_delay(first).with_max_delay(longest);
    pauses.without_max_times().with_jitter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_of_an_event_doubles_up_to_the_longest() {
        let (first, longest) = (Duration::from_millis(200), Duration::from_secs(60));
        let pause = |attempts| before_retry(attempts, first, longest);
        assert!((first..=2 * first).contains(&pause(1)), "{:?}", pause(1));
        assert!(pause(4) >= 8 * first);
        assert!((longest..=2 * longest).contains(&pause(1_000)));
    }
}
