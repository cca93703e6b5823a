//! A rule as it is written in the settings: `5 per 15m by ip`.

use crate::config::{Raw, Value};
use std::fmt;
use std::time::Duration;

const ALLOWED: &str =
    "must be like `5 per 15m by ip` (by ip, user, key or route, several joined by `+`), or `off`";
const QUOTA: &str = "must be like `30 per 1m by user` (by ip, user, key or route, several joined by `+`)";
const NAMED: &str = "must be like `search: 30 per 1m by user at /api/v1/users`";
const LONGEST: u64 = 366 * 86_400;
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// By what requests are told apart: all that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// The client's address; of IPv6 its first 64 bits.
    pub ip: bool,
    /// Who is logged in, or was let in by the route otherwise. Nobody is not limited by it.
    pub user: bool,
    /// The API key, within the client's address.
    pub key: bool,
    /// Method and template of the route.
    pub route: bool,
}

impl By {
    const NOTHING: Self = Self { ip: false, user: false, key: false, route: false };
    /// By address.
    pub const IP: Self = Self { ip: true, ..Self::NOTHING };
    /// By user.
    pub const USER: Self = Self { user: true, ..Self::NOTHING };

    fn parse(text: &str) -> Option<Self> {
        let mut by = Self::NOTHING;
        for part in text.split('+') {
            let named = match part {
                "ip" => &mut by.ip,
                "user" => &mut by.user,
                "key" => &mut by.key,
                "route" => &mut by.route,
                _ => return None,
            };
            if std::mem::replace(named, true) {
                return None;
            }
        }
        Some(by)
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [("ip", self.ip), ("user", self.user), ("key", self.key), ("route", self.route)];
        let named: Vec<_> = all.into_iter().filter(|(_, named)| *named).map(|(name, _)| name).collect();
        f.write_str(&named.join("+"))
    }
}

/// So many in this time, told apart by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many, at least 1.
    pub limit: u32,
    /// In which time: whole seconds, from one to a year's.
    pub window: Duration,
    /// By what.
    pub by: By,
}

impl Quota {
    fn parse(words: &[&str]) -> Option<Self> {
        let [limit, "per", window, "by", by] = words else { return None };
        let limit = limit.parse().ok().filter(|limit| *limit > 0)?;
        let unit = window.chars().next_back()?;
        let (_, secs) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        let count: u64 = window.strip_suffix(unit)?.parse().ok()?;
        let secs = count.checked_mul(secs).filter(|secs| (1..=LONGEST).contains(secs))?;
        // More than one in a microsecond cannot be counted.
        let fits = u64::from(limit) <= secs * 1_000_000;
        fits.then_some(Self { limit, window: Duration::from_secs(secs), by: By::parse(by)? })
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.window.as_secs();
        let (unit, size) = UNITS.into_iter().find(|(_, size)| secs.is_multiple_of(*size)).unwrap_or(('s', 1));
        write!(f, "{} per {}{unit} by {}", self.limit, secs / size, self.by)
    }
}

/// The rule of a policy, or that it is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule(Option<Quota>);

impl Rule {
    /// No rule.
    pub const OFF: Self = Self(None);

    /// At most `limit` in `window`.
    #[must_use]
    pub const fn per(limit: u32, window: Duration, by: By) -> Self {
        Self(Some(Quota { limit, window, by }))
    }

    /// What it says; nothing when it is off.
    #[must_use]
    pub const fn quota(&self) -> Option<Quota> {
        self.0
    }
}

impl std::str::FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(&text.split_whitespace().collect::<Vec<_>>()).ok_or(QUOTA)
    }
}

impl Value for Rule {
    const KIND: &'static str = "rule such as `5 per 15m by ip`, or `off`";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let words: Vec<_> = raw.text().unwrap_or_default().split_whitespace().collect();
        match *words {
            ["off"] => Ok(Self::OFF),
            _ => Quota::parse(&words).map(|quota| Self(Some(quota))).ok_or_else(|| ALLOWED.to_owned()),
        }
    }

    fn render(&self) -> String {
        self.0.map_or_else(|| "\"off\"".to_owned(), |quota| format!("\"{quota}\""))
    }
}

/// A policy with a name of the operator's choosing, for the requests below a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRule {
    /// 1 to 32 small letters, digits or `-`.
    pub name: String,
    /// What it says.
    pub quota: Quota,
    /// The path; it holds for all below it.
    pub at: String,
}

impl Value for NamedRule {
    const KIND: &'static str = "policy such as `search: 30 per 1m by user at /api/v1/users`";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let parsed = raw.text().and_then(|text| {
            let (name, rule) = text.trim().split_once(':')?;
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let named = (1..=32).contains(&name.len()) && name.bytes().all(plain);
            let words: Vec<_> = rule.split_whitespace().collect();
            let (rule, at) = words.split_at_checked(5)?;
            let ["at", at] = *at else { return None };
            let quota = Quota::parse(rule)?;
            let fine = named && at.starts_with('/') && !at.contains(['"', '\\']);
            fine.then(|| Self { name: name.to_owned(), quota, at: at.to_owned() })
        });
        parsed.ok_or_else(|| NAMED.to_owned())
    }

    fn render(&self) -> String {
        format!("\"{}: {} at {}\"", self.name, self.quota, self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(text: &str) -> Result<Rule, String> {
        Rule::parse(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        let quota = rule("5 per 15m by ip").unwrap().quota().unwrap();
        assert_eq!(quota, Quota { limit: 5, window: Duration::from_secs(900), by: By::IP });
        let quota = rule(" 20  per 2h by user+route ").unwrap().quota().unwrap();
        assert!(quota.by.user && quota.by.route && !quota.by.ip && !quota.by.key);
        assert_eq!(rule("off").unwrap(), Rule::OFF);
    }

    #[test]
    fn what_can_never_be_meant_is_refused() {
        for wrong in [
            "",
            "5",
            "5 per 15m",
            "5 per 15 by ip",
            "0 per 1m by ip",
            "-1 per 1m by ip",
            "5 per 0s by ip",
            "5 per 400d by ip",
            "5 per 15m by",
            "5 per 15m by address",
            "5 per 15m by ip+ip",
            "5 per 15m by ip+",
            "5 in 15m by ip",
            "5 per 15m by ip at /x",
            "OFF",
            "2000000 per 1s by ip",
            "5 per 99999999999999999999d by ip",
        ] {
            assert!(rule(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_policy_has_a_name_and_a_path() {
        let named = |text: &str| NamedRule::parse(&Raw::Text(text.to_owned()));
        let search = named("search: 30 per 1m by user at /api/v1/users").unwrap();
        assert_eq!((&*search.name, search.quota.limit, &*search.at), ("search", 30, "/api/v1/users"));
        assert_eq!(search.render(), "\"search: 30 per 1m by user at /api/v1/users\"");
        for wrong in [
            "30 per 1m by user at /",
            "search: 30 per 1m by user",
            "search: 30 per 1m by user at api",
            "Search: 30 per 1m by user at /",
            ": 30 per 1m by user at /",
            "a b: 30 per 1m by user at /",
            "search: off at /",
            "search: 30 per 1m by user at / more",
            "\"x: 30 per 1m by user at /",
        ] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_as_it_was(
            limit in 1_u32..1_000_000, secs in 1_u64..LONGEST, flags in 1_u8..16,
        ) {
            let by = By { ip: flags & 1 > 0, user: flags & 2 > 0, key: flags & 4 > 0, route: flags & 8 > 0 };
            let rule = Rule::per(limit, Duration::from_secs(secs), by);
            let written = rule.render();
            prop_assert_eq!(Rule::parse(&Raw::Text(written.trim_matches('"').to_owned())), Ok(rule));
        }

        #[test]
        fn no_text_is_too_strange_to_be_refused(text in ".{0,40}") {
            drop(rule(&text));
            drop(NamedRule::parse(&Raw::Text(text)));
        }
    }
}
