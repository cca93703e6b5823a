//! Whether an instance is well: what its health checks say, what requests to it came to, and how long it has been back.
//!
//! The three are independent. Checks say ill or well. Failures in a row eject it for a time that grows from one ejection to
//! the next. Whoever is new or comes back gets its share bit by bit.
//!
//! What must hold: a request pays for one load while all is well; a change is noticed once, by whoever made it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::Instant;

/// A share is never less than this: who gets nothing shows nothing.
const LEAST: f64 = 0.05;
/// An ejection lasts at most so many times as long as the first.
const LONGEST: u32 = 16;

const ILL: u32 = 1;
const EJECTED: u32 = 2;
const WARMING: u32 = 4;

/// The condition of one instance.
#[derive(Debug, Default)]
pub(super) struct Condition {
    /// Nothing set: it is well and gets its whole share.
    flags: AtomicU32,
    /// Failures in a row.
    failures: AtomicU32,
    ejected_until: AtomicU64,
    /// Ejections one soon after the other.
    ejections: AtomicU32,
    warm_from: AtomicU64,
    warm_for: AtomicU64,
    /// Checks in a row that say the other thing than what holds.
    streak: AtomicU32,
    checked: AtomicBool,
}

/// In words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Well,
    Warming,
    Ejected,
    Ill,
}

impl State {
    pub(super) const ALL: [Self; 4] = [Self::Well, Self::Warming, Self::Ejected, Self::Ill];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Warming => "warming",
            Self::Ejected => "ejected",
            Self::Ill => "ill",
        }
    }
}

/// Milliseconds since something in this process asked first.
fn millis(now: Instant) -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let origin = ORIGIN.get_or_init(|| now);
    u64::try_from(now.saturating_duration_since(*origin).as_millis()).unwrap_or(u64::MAX)
}

impl Condition {
    fn has(&self, flag: u32) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    /// Whether this call has set it.
    fn set(&self, flag: u32) -> bool {
        self.flags.fetch_or(flag, SeqCst) & flag == 0
    }

    /// Whether this call has taken it away.
    fn clear(&self, flag: u32) -> bool {
        self.flags.fetch_and(!flag, SeqCst) & flag != 0
    }

    /// Whether a request may go to it. An ejection whose time is over ends here.
    pub(super) fn is_usable(&self, now: Instant) -> bool {
        let flags = self.flags.load(Relaxed);
        flags & (ILL | EJECTED) == 0 || (flags & ILL == 0 && millis(now) >= self.ejected_until.load(Relaxed))
    }

    /// Which part of its share it gets, above 0 and at most 1.
    pub(super) fn warmth(&self, now: Instant) -> f64 {
        if !self.has(WARMING) {
            return 1.0;
        }
        let since = millis(now).saturating_sub(self.warm_from.load(Relaxed));
        let whole = self.warm_for.load(Relaxed).max(1);
        (since as f64 / whole as f64).clamp(LEAST, 1.0)
    }

    /// It is new, or back: its share grows for so long.
    pub(super) fn warm_up(&self, now: Instant, time: Duration) {
        if time.is_zero() {
            return;
        }
        self.warm_from.store(millis(now), Relaxed);
        self.warm_for.store(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Relaxed);
        self.set(WARMING);
    }

    /// A request to it did what it should.
    pub(super) fn succeeded(&self) {
        if self.failures.load(Relaxed) != 0 {
            self.failures.store(0, Relaxed);
        }
    }

    /// A request to it failed; how many in a row that makes.
    pub(super) fn failed(&self) -> u32 {
        self.failures.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// Ejects it for `time`, or a multiple of that when it was ejected not long ago; for how long, when this call did it.
    pub(super) fn eject(&self, now: Instant, time: Duration) -> Option<Duration> {
        let (now, time) = (millis(now), u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let quiet_since = self.ejected_until.load(Relaxed);
        let again =
            self.ejections.load(Relaxed) > 0 && now.saturating_sub(quiet_since) < time.saturating_mul(4);
        let times = if again { self.ejections.load(Relaxed).saturating_mul(2).min(LONGEST) } else { 1 };
        let long = time.saturating_mul(u64::from(times));
        if self.has(EJECTED) {
            return None;
        }
        // Before the flag: who sees the flag must not see a time that is over.
        self.ejected_until.store(now.saturating_add(long), SeqCst);
        let ejected = self.set(EJECTED);
        if ejected {
            self.ejections.store(times, Relaxed);
            self.failures.store(0, Relaxed);
        }
        ejected.then(|| Duration::from_millis(long))
    }

    pub(super) fn is_ejected(&self) -> bool {
        self.has(EJECTED)
    }

    /// Ends an ejection whose time is over, after which its share grows for `warm`; whether this call did it.
    pub(super) fn come_back(&self, now: Instant, warm: Duration) -> bool {
        let over = self.has(EJECTED) && millis(now) >= self.ejected_until.load(Relaxed);
        if !over {
            return false;
        }
        self.warm_up(now, warm);
        self.clear(EJECTED)
    }

    /// Forgets that it is new or was ill; when its whole share is due; whether this call did it.
    pub(super) fn is_warm_now(&self, now: Instant) -> bool {
        self.warmth(now) >= 1.0 && self.clear(WARMING)
    }

    /// What a health check said. `Some` when that turns it well (`true`) or ill (`false`).
    pub(super) fn checked(&self, well: bool, rise: u32, fall: u32) -> Option<bool> {
        let first = !self.checked.swap(true, Relaxed);
        if well != self.has(ILL) {
            self.streak.store(0, Relaxed);
            return None;
        }
        let streak = self.streak.fetch_add(1, Relaxed) + 1;
        // Of one that nobody knows yet the first word counts.
        let enough = if well { streak >= rise } else { first || streak >= fall };
        if !enough {
            return None;
        }
        self.streak.store(0, Relaxed);
        let turned = if well { self.clear(ILL) } else { self.set(ILL) };
        turned.then_some(well)
    }

    /// No check says anything any more.
    pub(super) fn unchecked(&self) {
        self.clear(ILL);
        self.checked.store(false, Relaxed);
        self.streak.store(0, Relaxed);
    }

    pub(super) fn state(&self, now: Instant) -> State {
        let flags = self.flags.load(Relaxed);
        match () {
            () if flags & ILL != 0 => State::Ill,
            () if flags & EJECTED != 0 && millis(now) < self.ejected_until.load(Relaxed) => State::Ejected,
            () if self.warmth(now) < 1.0 => State::Warming,
            () => State::Well,
        }
    }

    /// How long its ejection still lasts.
    pub(super) fn ejected_for(&self, now: Instant) -> Duration {
        Duration::from_millis(self.ejected_until.load(Relaxed).saturating_sub(millis(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn an_ejection_ends_by_itself_and_the_share_grows_afterwards() {
        let condition = Condition::default();
        assert_eq!(condition.eject(Instant::now(), SECOND), Some(SECOND));
        assert_eq!(condition.eject(Instant::now(), SECOND), None, "it is ejected already");
        assert!(!condition.is_usable(Instant::now()));
        assert!(!condition.come_back(Instant::now(), SECOND));
        advance(SECOND).await;
        assert!(condition.is_usable(Instant::now()));
        assert!(condition.come_back(Instant::now(), 10 * SECOND));
        assert!(!condition.come_back(Instant::now(), 10 * SECOND), "only one noticed");
        assert_eq!(condition.state(Instant::now()), State::Warming);
        assert!(condition.warmth(Instant::now()) < 0.1);
        advance(5 * SECOND).await;
        assert!((0.45..0.55).contains(&condition.warmth(Instant::now())));
        advance(5 * SECOND).await;
        assert!(condition.is_warm_now(Instant::now()));
        assert_eq!(condition.state(Instant::now()), State::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_again_and_again_is_ejected_for_longer_and_longer() {
        let condition = Condition::default();
        let mut lasted = Vec::new();
        for _ in 0..6 {
            let long = condition.eject(Instant::now(), SECOND).unwrap();
            advance(long).await;
            assert!(condition.come_back(Instant::now(), SECOND));
            lasted.push(long.as_secs());
        }
        assert_eq!(lasted, [1, 2, 4, 8, 16, 16]);
        advance(4 * SECOND).await;
        assert_eq!(condition.eject(Instant::now(), SECOND), Some(SECOND), "that was long ago");
    }

    #[test]
    fn checks_have_to_agree_before_they_turn_anything() {
        let condition = Condition::default();
        let checked = |well| condition.checked(well, 2, 3);
        assert_eq!(checked(true), None);
        assert_eq!([checked(false), checked(false), checked(false)], [None, None, Some(false)]);
        assert_eq!(
            [checked(true), checked(false), checked(true), checked(true)],
            [None, None, None, Some(true)]
        );
        assert_eq!([checked(false), checked(false), checked(true), checked(false)], [None; 4]);
    }

    #[test]
    fn of_a_newcomer_the_first_check_counts() {
        assert_eq!(Condition::default().checked(false, 2, 3), Some(false));
    }
}
