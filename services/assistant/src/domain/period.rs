//! Days and months, by UTC: the periods in which a budget is used up and begins anew.

use chassis::clock::Ts;
use std::time::Duration;
use time::{Month, Time};

/// How long a budget lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl Period {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// The text in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "DAY",
            Self::Month => "MONTH",
        }
    }

    /// When the one began in which `at` is.
    #[must_use]
    pub fn begin(self, at: Ts) -> Ts {
        let midnight = at.to_datetime().replace_time(Time::MIDNIGHT);
        let began = match self {
            Self::Day => midnight,
            // The first is a day of every month.
            Self::Month => midnight.replace_day(1).unwrap_or(midnight),
        };
        Ts::from_datetime(began)
    }

    /// When the one ends in which `at` is, and the next one begins.
    #[must_use]
    pub fn end(self, at: Ts) -> Ts {
        let began = self.begin(at).to_datetime();
        let days = match self {
            Self::Day => 1,
            Self::Month => days_of(began.month(), began.year()),
        };
        Ts::from_datetime(began) + Duration::from_secs(86_400 * days)
    }
}

fn days_of(month: Month, year: i32) -> u64 {
    u64::from(month.length(year))
}

/// The day of a time, as a report writes it: `2026-11-21`.
#[must_use]
pub fn day_of(at: Ts) -> String {
    let date = at.to_datetime().date();
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Ts {
        serde_json::from_str(&format!("\"{text}\"")).unwrap()
    }

    #[test]
    fn a_day_ends_at_midnight_and_a_month_with_its_last_day() {
        let noon = at("2028-02-29T12:00:00Z");
        assert_eq!(Period::Day.begin(noon), at("2028-02-29T00:00:00Z"));
        assert_eq!(Period::Day.end(noon), at("2028-03-01T00:00:00Z"));
        assert_eq!(Period::Month.begin(noon), at("2028-02-01T00:00:00Z"));
        assert_eq!(Period::Month.end(noon), at("2028-03-01T00:00:00Z"));
        assert_eq!(Period::Month.end(at("2026-12-31T23:59:59.999999Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(day_of(noon), "2028-02-29");
    }

    proptest! {
        #[test]
        fn every_time_is_in_one_period_and_the_next_begins_where_it_ends(secs in 0_i64..10_000_000_000) {
            let now = Ts::from_secs(secs);
            for period in Period::ALL {
                let (begin, end) = (period.begin(now), period.end(now));
                prop_assert!(begin <= now && now < end);
                prop_assert_eq!(period.begin(end), end);
                prop_assert_eq!(period.begin(Ts::from_micros(end.micros() - 1)), begin);
            }
        }
    }
}
