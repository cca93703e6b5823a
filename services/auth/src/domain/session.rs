//! Sessions: how long one lasts and how many a person may have.
//!
//! A session ends when it was not used for a while, at the latest after a fixed time, and when newer ones push it out:
//! the one that was longest unused goes first.

use chassis::clock::Ts;
use contract::ids::SessionId;
use std::time::Duration;

/// Limits of a session's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Ends after this long without use.
    pub idle: Duration,
    /// Ends after this long in any case.
    pub absolute: Duration,
    /// A person has this many at most.
    pub per_user: usize,
}

/// When a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// In any case.
    pub ends_at: Ts,
    /// Unless it is used before; never later than `ends_at`.
    pub expires_at: Ts,
}

impl Limits {
    /// When a session that begins now ends.
    #[must_use]
    pub fn begin(&self, now: Ts) -> Ends {
        self.used(now, now + self.absolute)
    }

    /// When a session that is used now ends.
    #[must_use]
    pub fn used(&self, now: Ts, ends_at: Ts) -> Ends {
        Ends { ends_at, expires_at: (now + self.idle).min(ends_at) }
    }

    /// Which sessions go so that one more can begin; `live` is each session with its last use.
    #[must_use]
    pub fn evict(&self, mut live: Vec<(SessionId, Ts)>) -> Vec<SessionId> {
        let surplus = (live.len() + 1).saturating_sub(self.per_user.max(1));
        live.sort_by_key(|(id, last_used)| (*last_used, *id));
        live.into_iter().take(surplus).map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const LIMITS: Limits = Limits {
        idle: Duration::from_secs(7 * 86_400),
        absolute: Duration::from_secs(30 * 86_400),
        per_user: 3,
    };
    const START: Ts = Ts::from_secs(1_000_000);

    #[test]
    fn use_prolongs_a_session_but_never_beyond_its_end() {
        let begun = LIMITS.begin(START);
        assert_eq!(begun, Ends { ends_at: START + 30 * DAY, expires_at: START + 7 * DAY });
        assert_eq!(LIMITS.used(START + 6 * DAY, begun.ends_at).expires_at, START + 13 * DAY);
        assert_eq!(LIMITS.used(START + 29 * DAY, begun.ends_at).expires_at, begun.ends_at);
    }

    #[test]
    fn the_session_longest_unused_makes_room() {
        let [old, used, new] = [SessionId::new(), SessionId::new(), SessionId::new()];
        let live = vec![(used, START + 2 * DAY), (old, START), (new, START + DAY)];
        assert_eq!(LIMITS.evict(live), [old]);
        assert_eq!(LIMITS.evict(vec![(old, START), (new, START)]), []);
    }

    proptest! {
        #[test]
        fn with_the_new_one_there_are_never_more_than_allowed(count in 0_usize..50, per_user in 0_usize..20) {
            let limits = Limits { per_user, ..LIMITS };
            let live: Vec<_> = (0..count).map(|n| (SessionId::new(), START + Duration::from_secs(n as u64))).collect();
            let evicted = limits.evict(live.clone());
            let left = count - evicted.len() + 1;
            prop_assert!(left <= per_user.max(1));
            prop_assert!(evicted.is_empty() || left == per_user.max(1));
        }

        #[test]
        fn a_session_never_outlives_its_end(idle in 0_u64..1_000_000, absolute in 0_u64..1_000_000, wait in 0_u64..1_000_000) {
            let limits = Limits { idle: Duration::from_secs(idle), absolute: Duration::from_secs(absolute), per_user: 1 };
            let begun = limits.begin(START);
            prop_assert!(limits.used(START + Duration::from_secs(wait), begun.ends_at).expires_at <= begun.ends_at);
        }
    }
}
