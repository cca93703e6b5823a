//! Ninety days of a service as bars: one path for each colour, so that a page of many services is small.

use crate::app::DAYS;
use chassis::clock::Ts;
use contract::status::{Day, Uptime};
use std::collections::HashMap;
use std::fmt::{Result, Write as _};

/// From here on a day was good, and below the second it was bad, in per cent.
const GOOD: f64 = 99.9;
const BAD: f64 = 95.0;

/// Writes the bars, the oldest day first, in a box of 90 by 10.
pub(super) fn write(out: &mut String, days: &[Day], now: Ts) -> Result {
    let known: HashMap<&str, &Uptime> = days.iter().map(|day| (&*day.date, &day.uptime)).collect();
    let mut paths = [("g", String::new()), ("y", String::new()), ("r", String::new()), ("n", String::new())];
    for place in 0..DAYS {
        let date = Ts::from_secs(now.secs() - (DAYS - 1 - place) * 86_400).to_datetime().date().to_string();
        let class = colour(known.get(&*date).copied());
        for (_, path) in paths.iter_mut().filter(|(name, _)| *name == class) {
            write!(path, "M{place} 0h.75v10h-.75z")?;
        }
    }
    for (class, path) in paths.iter().filter(|(_, path)| !path.is_empty()) {
        write!(out, "<path class=\"{class}\" d=\"{path}\"/>")?;
    }
    Ok(())
}

fn colour(uptime: Option<&Uptime>) -> &'static str {
    match uptime.and_then(|uptime| uptime.percent) {
        None => "n",
        Some(percent) if percent >= GOOD => "g",
        Some(percent) if percent >= BAD => "y",
        Some(_) => "r",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_one_bar_in_the_colour_of_what_is_known_of_it() {
        let day = |date: &str, percent| Day {
            date: date.to_owned(),
            uptime: Uptime { percent, known_percent: 100.0 },
        };
        let days =
            [day("2026-03-31", Some(100.0)), day("2026-03-30", Some(99.0)), day("2026-03-29", Some(10.0))];
        let mut out = String::new();
        let now = Ts::from_datetime(time::macros::datetime!(2026-03-31 23:59 UTC));
        write(&mut out, &days, now).unwrap();
        assert!(out.contains("class=\"g\" d=\"M89 0h"), "{out}");
        assert!(out.contains("class=\"y\" d=\"M88 0h") && out.contains("class=\"r\" d=\"M87 0h"), "{out}");
        assert_eq!(out.matches('M').count(), 90);
    }
}
