//! Whether a step is well: the decision alone, by what was seen of both sides in it.
//!
//! - *At once* it is broken when that is nearly certain: of at least ten answers so many are errors, or slow, that the true
//!   rate is above the bound with three standard deviations (the lower end of Wilson's interval). A look at every moment would
//!   otherwise find a bad minute in any canary.
//! - *When the step's time has passed* and there were enough answers, what was counted decides as it is: within the bounds it
//!   goes on, above them it is broken. With too few answers it waits for more.
//!
//! 99 of 100 answers are in time exactly when no more than one of 100 is slower: so answers that are slower are counted, which
//! add up over replicas as percentiles do not.

use super::share::Share;
use super::spec::{OnFailure, RolloutSpec};
use std::time::Duration;

/// With fewer answers nothing is said at once.
const FEWEST: u64 = 10;
/// Standard deviations: one in 700 by chance.
const SURE: f64 = 3.0;
/// What 99 of 100 leave.
const SLOW: f64 = 0.01;

/// What was seen of a side in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// Those that took longer than they may.
    pub(crate) slow: u64,
}

/// What must hold in each step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) steps: Vec<Share>,
    pub(crate) every: Duration,
    pub(crate) min_requests: u64,
    pub(crate) max_error_rate: f64,
    pub(crate) max_error_factor: Option<f64>,
    pub(crate) max_p99: Option<Duration>,
    pub(crate) on_failure: OnFailure,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on as it is.
    Stay,
    /// The step was well.
    Well,
    /// It was not, and why.
    Broken(String),
}

impl Bounds {
    pub(crate) fn of(spec: &RolloutSpec) -> Self {
        Self {
            steps: spec.steps.iter().filter_map(|step| Share::of(*step)).collect(),
            every: Duration::from_secs(spec.every_secs),
            min_requests: spec.min_requests,
            max_error_rate: spec.max_error_rate,
            max_error_factor: spec.max_error_factor,
            max_p99: spec.max_p99_ms.map(Duration::from_millis),
            on_failure: spec.on_failure,
        }
    }

    /// The share of a step; of one that the file has no more, the last.
    pub(crate) fn share(&self, step: usize) -> Share {
        self.steps.get(step).or(self.steps.last()).copied().unwrap_or(Share::NONE)
    }

    pub(crate) fn is_last(&self, step: usize) -> bool {
        step + 1 >= self.steps.len()
    }

    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        self.max_p99.is_some_and(|longest| took > longest)
    }

    /// Judges a step that has lasted this long.
    pub(crate) fn judge(&self, lasted: Duration, stable: Seen, canary: Seen) -> Verdict {
        let allowed = self.allowed(stable);
        let fewest = FEWEST.min(self.min_requests);
        let over = lasted >= self.every && canary.requests >= self.min_requests;
        let is_broken = |bad: u64, allowed: f64| {
            canary.requests >= fewest && at_least(bad, canary.requests) > allowed
                || over && rate(bad, canary.requests) > allowed
        };
        if is_broken(canary.errors, allowed) {
            let Seen { errors, requests, .. } = canary;
            let allowed = percent(allowed);
            return Verdict::Broken(format!(
                "{errors} of {requests} answers were errors; {allowed} % may be"
            ));
        }
        if let Some(longest) = self.max_p99
            && is_broken(canary.slow, SLOW)
        {
            let Seen { slow, requests, .. } = canary;
            let longest = longest.as_millis();
            return Verdict::Broken(format!(
                "{slow} of {requests} answers took longer than {longest} ms; 1 % may"
            ));
        }
        if over { Verdict::Well } else { Verdict::Stay }
    }

    /// The rate of errors that there may be. Beside a stable side without any, one more than was seen is taken to be its rate:
    /// a factor of nothing would be nothing.
    fn allowed(&self, stable: Seen) -> f64 {
        let by_factor =
            self.max_error_factor.map(|factor| factor * rate(stable.errors + 1, stable.requests + 1));
        by_factor.map_or(self.max_error_rate, |by_factor| by_factor.min(self.max_error_rate))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits of either")]
fn rate(bad: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { bad as f64 / of as f64 }
}

/// What the true rate is at least (Wilson, 1927).
#[expect(clippy::cast_precision_loss, reason = "as above")]
fn at_least(bad: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    let (seen, of) = (rate(bad, of), of as f64);
    let square = SURE * SURE;
    let middle = seen + square / (2.0 * of);
    let off = SURE * (seen * (1.0 - seen) / of + square / (4.0 * of * of)).sqrt();
    (middle - off) / (1.0 + square / of)
}

fn percent(rate: f64) -> f64 {
    (rate * 100_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounds(more: &str) -> Bounds {
        Bounds::of(&toml::from_str(&format!("to = 'v2'\nsteps = [1, 50, 100]\n{more}")).unwrap())
    }

    fn seen(requests: u64, errors: u64, slow: u64) -> Seen {
        Seen { requests, errors, slow }
    }

    const STABLE: Seen = Seen { requests: 10_000, errors: 0, slow: 0 };
    const EARLY: Duration = Duration::from_secs(1);
    const LATE: Duration = Duration::from_secs(60);

    fn is_broken(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Broken(_))
    }

    #[test]
    fn what_only_fails_is_broken_at_once_and_one_error_is_not() {
        let bounds = bounds("");
        for (canary, broken) in [
            (seen(9, 9, 0), false),
            (seen(10, 10, 0), true),
            (seen(10, 1, 0), false),
            (seen(100, 6, 0), false),
            (seen(100, 7, 0), true),
            (seen(1_000, 30, 0), false),
            (seen(10_000, 260, 0), true),
        ] {
            assert_eq!(is_broken(&bounds.judge(EARLY, STABLE, canary)), broken, "{canary:?}");
        }
    }

    #[test]
    fn when_the_time_has_passed_what_was_counted_decides_if_it_is_enough() {
        let bounds = bounds("");
        assert_eq!(bounds.judge(LATE, STABLE, seen(99, 0, 0)), Verdict::Stay);
        assert_eq!(bounds.judge(LATE, STABLE, seen(100, 2, 0)), Verdict::Well);
        assert_eq!(bounds.judge(EARLY, STABLE, seen(100, 2, 0)), Verdict::Stay);
        let broken = bounds.judge(LATE, STABLE, seen(100, 3, 0));
        assert_eq!(broken, Verdict::Broken("3 of 100 answers were errors; 2 % may be".to_owned()));
    }

    #[test]
    fn one_of_a_hundred_answers_may_be_slow() {
        let bounds = bounds("max_p99_ms = 200");
        assert!(bounds.is_slow(Duration::from_millis(201)) && !bounds.is_slow(Duration::from_millis(200)));
        assert_eq!(bounds.judge(LATE, STABLE, seen(100, 0, 1)), Verdict::Well);
        assert!(is_broken(&bounds.judge(LATE, STABLE, seen(100, 0, 2))));
        assert!(is_broken(&bounds.judge(EARLY, STABLE, seen(10, 0, 10))));
        assert_eq!(super::tests::bounds("").judge(LATE, STABLE, seen(100, 0, 100)), Verdict::Well);
    }

    #[test]
    fn beside_a_factor_the_stable_side_counts_too() {
        let bounds = bounds("max_error_rate = 0.1\nmax_error_factor = 2");
        let at = |stable, errors| is_broken(&bounds.judge(LATE, stable, seen(1_000, errors, 0)));
        assert!(at(seen(9_999, 99, 0), 21) && !at(seen(9_999, 99, 0), 20));
        // Whatever the stable side does, the bound of its own holds.
        assert!(at(seen(100, 50, 0), 101));
        // One that was not seen says nothing.
        assert!(!at(seen(0, 0, 0), 100));
    }

    #[test]
    fn a_step_that_the_file_has_no_more_is_the_last() {
        let bounds = bounds("");
        assert_eq!(bounds.share(7), Share::of(100.0).unwrap());
        assert!(bounds.is_last(2) && bounds.is_last(9) && !bounds.is_last(1));
    }

    proptest! {
        #[test]
        fn what_is_surely_broken_stays_so_with_more_errors(requests in 10_u64..10_000, errors in 0_u64..10_000) {
            let errors = errors.min(requests);
            let more = (errors + 1).min(requests);
            let judge = |errors| is_broken(&bounds("").judge(EARLY, STABLE, seen(requests, errors, 0)));
            prop_assert!(!judge(errors) || judge(more));
            // Never below the bound as it was counted.
            prop_assert!(!judge(errors) || errors * 50 > requests);
        }
    }
}
