//! How long the next login has to wait after failed ones.
//!
//! There is one counter an account (or what was typed as one: unknown addresses count the same) and one a network
//! address. A person who mistypes is not bothered: some failures are free. From then on each failure doubles the wait,
//! up to a quarter of an hour, and only one attempt at a time is let through, so that many sent at once are not many
//! tries. After a quiet day an account's failures are forgotten. A network address may have many people behind it: it
//! has more free failures and forgets one a minute.
//!
//! Somebody who knows an address can so keep its owner from logging in, a quarter of an hour at a time. Sessions that
//! exist go on, and a mailed link to set a new password clears the counter.

use chassis::clock::Ts;
use std::time::Duration;

/// When failures begin to cost time, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Failures without a wait.
    free: u32,
    /// The first wait; it doubles with each failure.
    first: Duration,
    /// The longest wait.
    cap: Duration,
    /// All is forgotten after this long without a failure.
    forget_all: Duration,
    /// One failure is forgotten each time this passes without one.
    forget_one: Option<Duration>,
}

/// Failures so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many count.
    pub count: u32,
    /// When the last one was.
    pub last: Ts,
    /// No attempt before.
    pub locked_until: Ts,
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Free,
    /// Yes, for the one who moves `locked_until` to this.
    Claim(Ts),
    /// Not for this long.
    Locked(Duration),
}

impl Schedule {
    /// For an account: the 5th failure costs a second, the 15th and later ones a quarter of an hour.
    pub const ACCOUNT: Self = Self {
        free: 4,
        first: Duration::from_secs(1),
        cap: Duration::from_secs(15 * 60),
        forget_all: Duration::from_secs(24 * 3600),
        forget_one: None,
    };

    /// For a network address.
    pub const ADDRESS: Self = Self { free: 30, forget_one: Some(Duration::from_secs(60)), ..Self::ACCOUNT };

    /// The wait after so many failures.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free + 1) else { return Duration::ZERO };
        self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.cap)
    }

    /// How long a counter is worth keeping after its last failure.
    #[must_use]
    pub const fn remembers(&self) -> Duration {
        self.forget_all
    }

    /// How many failures still count.
    #[must_use]
    pub fn counted(&self, failures: Option<Failures>, now: Ts) -> u32 {
        let Some(Failures { count, last, .. }) = failures else { return 0 };
        let quiet = now.since(last);
        if quiet >= self.forget_all {
            return 0;
        }
        let forgotten = self.forget_one.map_or(0, |each| quiet.as_micros() / each.as_micros().max(1));
        count.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    /// Whether an attempt may be made now.
    #[must_use]
    pub fn admit(&self, failures: Option<Failures>, now: Ts) -> Admission {
        let count = self.counted(failures, now);
        let delay = self.delay(count);
        match failures {
            Some(failures) if !delay.is_zero() && failures.locked_until > now => {
                Admission::Locked(failures.locked_until.since(now))
            }
            _ if delay.is_zero() => Admission::Free,
            _ => Admission::Claim(now + delay),
        }
    }

    /// The counter after one more failure.
    #[must_use]
    pub fn fail(&self, failures: Option<Failures>, now: Ts) -> Failures {
        let count = self.counted(failures, now).saturating_add(1);
        Failures { count, last: now, locked_until: now + self.delay(count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Ts = Ts::from_secs(1_000_000);

    fn after(schedule: Schedule, failures: u32) -> Failures {
        let first = schedule.fail(None, START);
        (1..failures).fold(first, |state, _| schedule.fail(Some(state), START))
    }

    #[test]
    fn four_typing_errors_cost_nothing() {
        assert_eq!(Schedule::ACCOUNT.admit(Some(after(Schedule::ACCOUNT, 4)), START), Admission::Free);
    }

    #[test]
    fn from_the_fifth_failure_the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let secs: Vec<u64> = (4..=16).map(|n| Schedule::ACCOUNT.delay(n).as_secs()).collect();
        assert_eq!(secs, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(Schedule::ACCOUNT.delay(u32::MAX).as_secs(), 900);
    }

    #[test]
    fn after_the_wait_one_attempt_is_let_through_and_takes_the_next_wait() {
        let state = after(Schedule::ACCOUNT, 6);
        let later = START + Duration::from_secs(2);
        assert_eq!(Schedule::ACCOUNT.admit(Some(state), START), Admission::Locked(Duration::from_secs(2)));
        let claim = later + Duration::from_secs(2);
        assert_eq!(Schedule::ACCOUNT.admit(Some(state), later), Admission::Claim(claim));
        let claimed = Failures { locked_until: claim, ..state };
        assert_eq!(Schedule::ACCOUNT.admit(Some(claimed), later), Admission::Locked(Duration::from_secs(2)));
    }

    #[test]
    fn an_account_forgets_after_a_quiet_day_and_not_before() {
        let state = Some(after(Schedule::ACCOUNT, 20));
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(Schedule::ACCOUNT.counted(state, START + (day - Duration::from_secs(1))), 20);
        assert_eq!(Schedule::ACCOUNT.counted(state, START + day), 0);
    }

    #[test]
    fn a_network_address_forgets_one_failure_a_minute() {
        let state = Some(after(Schedule::ADDRESS, 31));
        assert!(matches!(Schedule::ADDRESS.admit(state, START), Admission::Locked(_)));
        assert_eq!(Schedule::ADDRESS.admit(state, START + Duration::from_secs(60)), Admission::Free);
        assert_eq!(Schedule::ADDRESS.counted(state, START + Duration::from_secs(3600)), 0);
    }

    proptest! {
        #[test]
        fn one_failure_more_never_shortens_the_wait(n in 0_u32..10_000) {
            for schedule in [Schedule::ACCOUNT, Schedule::ADDRESS] {
                prop_assert!(schedule.delay(n) <= schedule.delay(n + 1));
                prop_assert!(schedule.delay(n) <= schedule.cap);
            }
        }

        #[test]
        fn guessing_without_a_pause_gets_at_most_a_hundred_and_ten_tries_a_day(gaps in prop::collection::vec(0_u64..400, 2000)) {
            let (mut state, mut now, mut tries) = (None, START, 0_u32);
            for gap in gaps {
                now = now + Duration::from_secs(gap);
                if now.since(START) >= Duration::from_secs(24 * 3600) {
                    break;
                }
                match Schedule::ACCOUNT.admit(state, now) {
                    Admission::Locked(_) => {}
                    Admission::Free | Admission::Claim(_) => {
                        tries += 1;
                        state = Some(Schedule::ACCOUNT.fail(state, now));
                    }
                }
            }
            prop_assert!(tries <= 14 + 96, "{tries}");
        }

        #[test]
        fn a_lock_always_ends(n in 1_u32..1000, wait in 0_u64..2000) {
            let state = after(Schedule::ACCOUNT, n);
            let now = START + Duration::from_secs(wait);
            match Schedule::ACCOUNT.admit(Some(state), now) {
                Admission::Locked(left) => prop_assert!(!left.is_zero() && left <= Duration::from_secs(900)),
                Admission::Claim(until) => prop_assert!(until > now),
                Admission::Free => prop_assert!(n <= 4),
            }
        }
    }
}
