//! Time, handed in so that a test can move it.
//!
//! [`Ts`] is the platform's point in time: microseconds since 1970 in UTC. It sorts and compares the same in memory, on
//! SQLite (INTEGER) and on PostgreSQL (TIMESTAMPTZ), which a text of varying width does not.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time, microseconds since 1970 in UTC. On the wire RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ts(i64);

impl Ts {
    /// From microseconds since 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds since 1970, as in a token's claims.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long after `earlier` this is; zero when it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The calendar date and time of it.
    #[must_use]
    pub fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The point in time of a calendar date; what is finer than a microsecond is cut off.
    #[must_use]
    pub fn from_datetime(datetime: OffsetDateTime) -> Self {
        Self(i64::try_from(datetime.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or(i64::MAX))
    }
}

impl std::ops::Add<Duration> for Ts {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Ts {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().format(&Rfc3339).unwrap_or_default())
    }
}

impl Serialize for Ts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let parsed = OffsetDateTime::parse(&text, &Rfc3339);
        parsed
            .map(Self::from_datetime)
            .map_err(|_| serde::de::Error::custom("expected an RFC 3339 date and time"))
    }
}

/// Tells the time: the system's, or one that a test sets.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it; clones share it.
    #[must_use]
    pub fn manual(start: Ts) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.0))))
    }

    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
    pub fn now(&self) -> Ts {
        match &self.0 {
            Some(micros) => Ts(micros.load(Ordering::SeqCst)),
            None => Ts::from_datetime(OffsetDateTime::now_utc()),
        }
    }

    /// Moves a manual clock forward. The system's clock is left alone.
    pub fn advance(&self, span: Duration) {
        if let Some(micros) = &self.0 {
            micros.fetch_add(i64::try_from(span.as_micros()).unwrap_or(0), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_second_sorts_behind_the_whole_second() {
        let whole: Ts = serde_json::from_str("\"2026-01-01T00:00:00Z\"").unwrap();
        let half: Ts = serde_json::from_str("\"2026-01-01T00:00:00.5Z\"").unwrap();
        assert!(whole < half);
    }

    #[test]
    fn an_offset_does_not_change_the_order() {
        let with_offset: Ts = serde_json::from_str("\"2026-01-01T10:00:00+02:00\"").unwrap();
        let utc: Ts = serde_json::from_str("\"2026-01-01T09:00:00Z\"").unwrap();
        assert!(with_offset < utc);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Ts::from_secs(100));
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Ts::from_secs(105));
    }
}
