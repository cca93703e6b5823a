//! The smaller tables of `[upstream.NAME]`.

use super::spec::{Wrong, range};
use http::StatusCode;
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A cookie by which a client's requests come to the same instance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sticky {
    /// Its name.
    pub cookie: String,
    /// Seconds that a client keeps it; without it, as long as the browser is open.
    pub ttl_secs: Option<u64>,
}

/// Questions to every instance whether it is well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// What is asked for.
    pub path: String,
    /// Milliseconds from one question to the next.
    #[serde(default = "every_ms")]
    pub every_ms: u64,
    /// Milliseconds that an answer may take.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// What a well instance answers.
    #[serde(default)]
    pub status: Statuses,
    /// Good answers in a row after which one that was ill is well.
    #[serde(default = "rise")]
    pub rise: u32,
    /// Bad ones in a row after which one that was well is ill.
    #[serde(default = "fall")]
    pub fall: u32,
}

/// When an instance whose requests fail is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ejection {
    /// Failures in a row.
    pub failures: u32,
    /// Milliseconds for the first time; each further time soon after is twice as long, up to sixteen times.
    pub for_ms: u64,
    /// How many percent of the instances may be left alone at once; 0 leaves none alone.
    pub at_most_percent: u32,
}

impl Default for Ejection {
    fn default() -> Self {
        Self { failures: 5, for_ms: 5_000, at_most_percent: 50 }
    }
}

/// Statuses, such as `200`, `200-399`, or `200-299, 401`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=399])
    }
}

impl TryFrom<String> for Statuses {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let one = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
        let part = |part: &str| match part.split_once("..=").or_else(|| part.split_once('-')) {
            Some((from, to)) => Some(one(from)?..=one(to)?).filter(|range| !range.is_empty()),
            None => one(part).map(|status| status..=status),
        };
        let parts: Option<Vec<_>> = text.split(',').map(part).collect();
        parts
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not like \"200\", \"200-399\" or \"200-299, 401\""))
    }
}

impl Statuses {
    pub(super) fn contains(&self, status: StatusCode) -> bool {
        self.0.iter().any(|range| range.contains(&status.as_u16()))
    }
}

const fn every_ms() -> u64 {
    2_000
}

const fn timeout_ms() -> u64 {
    1_000
}

const fn rise() -> u32 {
    2
}

const fn fall() -> u32 {
    2
}

impl Health {
    pub(super) fn check(&self, wrong: &mut Wrong) {
        if !self.path.starts_with('/') || http::uri::PathAndQuery::try_from(self.path.as_str()).is_err() {
            wrong.push(("health.path".to_owned(), format!("`{}` is not a path such as /healthz", self.path)));
        }
        range(wrong, "health.every_ms", self.every_ms, 50, 3_600_000);
        range(wrong, "health.timeout_ms", self.timeout_ms, 10, 60_000);
        range(wrong, "health.rise", self.rise.into(), 1, 1_000);
        range(wrong, "health.fall", self.fall.into(), 1, 1_000);
    }

    pub(super) const fn every(&self) -> Duration {
        Duration::from_millis(self.every_ms)
    }

    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Ejection {
    pub(super) fn check(&self, wrong: &mut Wrong) {
        range(wrong, "ejection.failures", self.failures.into(), 1, 1_000_000);
        range(wrong, "ejection.for_ms", self.for_ms, 10, 3_600_000);
        range(wrong, "ejection.at_most_percent", self.at_most_percent.into(), 0, 100);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_and_ranges_of_them() {
        let statuses = |text: &str| Statuses::try_from(text.to_owned());
        let some = statuses("200-299, 401,301..=302").unwrap();
        let within = [200, 250, 299, 401, 301, 302].map(|status| StatusCode::from_u16(status).unwrap());
        assert!(within.iter().all(|status| some.contains(*status)));
        assert!(!some.contains(StatusCode::MULTIPLE_CHOICES) && !some.contains(StatusCode::FORBIDDEN));
        for text in ["", "fine", "200-", "300-200", "99", "600", "200-299-300"] {
            assert!(statuses(text).is_err(), "{text}");
        }
    }
}
