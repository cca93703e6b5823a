//! What a notification changes of an alert.
//!
//! Alertmanager sends at least once and in no order: repeats every few hours, copies from each of its replicas, the end before
//! the beginning. An alert is one as long as its labels are the same, and each time that it fires has its own beginning
//! (`startsAt`). So the newest beginning counts, and of one beginning the end counts more than the firing, with one exception:
//! when Alertmanager had lost sight of an alert it says that it ended and then fires it again with the same beginning.

use chassis::clock::Ts;
use contract::status::AlertStatus;
use std::time::Duration;

/// So long after an end the same firing is an older notification that comes late. Afterwards it fires again.
pub const LATE: Duration = Duration::from_secs(300);

/// How an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether it fires.
    pub status: AlertStatus,
    /// Since when it fires, or fired last.
    pub starts_at: Ts,
    /// When it last began or ended, by our clock.
    pub changed_at: Ts,
    /// Whether it ended because nobody spoke of it.
    pub expired: bool,
}

/// What a notification changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it was known.
    Nothing,
    /// It fires now and did not, or fires anew.
    Fires,
    /// It has ended.
    Ends,
    /// An earlier time of it has ended, which says nothing about how it is now.
    EarlierEnd,
}

/// What it changes that an alert is said to be `status`, of the time that began at `starts_at`.
#[must_use]
pub fn step(known: Standing, status: AlertStatus, starts_at: Ts, now: Ts) -> Step {
    use AlertStatus::{Firing, Resolved};
    match (status, starts_at.cmp(&known.starts_at)) {
        (Firing, std::cmp::Ordering::Less) => Step::Nothing,
        (Resolved, std::cmp::Ordering::Less) => Step::EarlierEnd,
        (Firing, std::cmp::Ordering::Greater) => Step::Fires,
        (Resolved, std::cmp::Ordering::Greater) => Step::Ends,
        (Firing, std::cmp::Ordering::Equal) => match known.status {
            Firing => Step::Nothing,
            Resolved if known.expired || now.since(known.changed_at) > LATE => Step::Fires,
            Resolved => Step::Nothing,
        },
        (Resolved, std::cmp::Ordering::Equal) => match known.status {
            Firing => Step::Ends,
            Resolved => Step::Nothing,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AlertStatus::{Firing, Resolved};
    use proptest::prelude::*;

    fn at(secs: i64) -> Ts {
        Ts::from_secs(secs)
    }

    fn known(status: AlertStatus, starts: i64, changed: i64) -> Standing {
        Standing { status, starts_at: at(starts), changed_at: at(changed), expired: false }
    }

    #[test]
    fn what_is_sent_again_changes_nothing() {
        assert_eq!(step(known(Firing, 10, 11), Firing, at(10), at(9_000)), Step::Nothing);
        assert_eq!(step(known(Resolved, 10, 20), Resolved, at(10), at(9_000)), Step::Nothing);
    }

    #[test]
    fn a_firing_that_comes_behind_its_end_is_late_and_one_much_later_is_new() {
        let ended = known(Resolved, 10, 100);
        assert_eq!(step(ended, Firing, at(10), at(100 + 300)), Step::Nothing);
        assert_eq!(step(ended, Firing, at(10), at(100 + 301)), Step::Fires);
        let expired = Standing { expired: true, ..ended };
        assert_eq!(step(expired, Firing, at(10), at(101)), Step::Fires);
    }

    #[test]
    fn an_earlier_time_says_nothing_about_how_it_is_now() {
        assert_eq!(step(known(Firing, 50, 51), Resolved, at(10), at(60)), Step::EarlierEnd);
        assert_eq!(step(known(Resolved, 50, 51), Firing, at(10), at(60)), Step::Nothing);
    }

    fn standing_after(known: Standing, step: Step, starts_at: Ts, now: Ts) -> Standing {
        match step {
            Step::Nothing | Step::EarlierEnd => known,
            Step::Fires => Standing { status: Firing, starts_at, changed_at: now, expired: false },
            Step::Ends => Standing { status: Resolved, starts_at, changed_at: now, expired: false },
        }
    }

    proptest! {
        /// Whatever is told in whatever order within the time for copies: how it stands is what the newest beginning came to.
        #[test]
        fn the_order_of_notifications_does_not_matter(
            told in prop::collection::vec((0..5_i64, any::<bool>()), 1..20)
        ) {
            let (first, rest) = told.split_first().unwrap();
            let status = |ended: bool| if ended { Resolved } else { Firing };
            let mut stands = known(status(first.1), first.0, 0);
            for (starts, ended) in rest {
                let told = step(stands, status(*ended), at(*starts), at(1));
                stands = standing_after(stands, told, at(*starts), at(1));
            }
            let newest = told.iter().map(|(starts, _)| *starts).max().unwrap();
            let ended = told.iter().any(|(starts, ended)| *starts == newest && *ended);
            prop_assert_eq!(stands.starts_at, at(newest));
            prop_assert_eq!(stands.status, status(ended));
        }
    }
}
