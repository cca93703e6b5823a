//! For whom a flag is on.

use crate::config::{Raw, Value};
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::BTreeSet;
use std::fmt;
use uuid::Uuid;

/// Hundredths of a percent in a whole.
const WHOLE: u32 = 10_000;

/// For whom a flag is on: a share of all, and some by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// In hundredths of a percent.
    share: u32,
    ids: BTreeSet<Uuid>,
}

impl Rule {
    /// On or off for everybody.
    #[must_use]
    pub fn of(is_on: bool) -> Self {
        Self { share: if is_on { WHOLE } else { 0 }, ids: BTreeSet::new() }
    }

    /// Whether it is on for everybody.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.share == WHOLE
    }

    /// The share of all for whom it is on, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        f64::from(self.share) / f64::from(WHOLE)
    }

    /// Whether the flag of this name is on for this id.
    #[must_use]
    pub fn is_on_for(&self, flag: &str, id: Uuid) -> bool {
        self.is_on() || self.ids.contains(&id) || (self.share > 0 && place(flag, id) < self.share)
    }
}

/// Where an id stands among all, from 0 to [`WHOLE`]: for each flag elsewhere, and always the same.
fn place(flag: &str, id: Uuid) -> u32 {
    let hash = digest(&SHA256, &[flag.as_bytes(), &[0], id.as_bytes()].concat());
    let first = hash.as_ref().iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    u32::try_from(first % u64::from(WHOLE)).unwrap_or_default()
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share {
            0 => f.write_str("off")?,
            WHOLE => f.write_str("on")?,
            share => write!(f, "{}%", f64::from(share) / 100.0)?,
        }
        self.ids.iter().try_for_each(|id| write!(f, ",{id}"))
    }
}

const ALLOWED: &str =
    "must be `on`, `off`, a share such as `25%`, ids, or a share and ids with commas between";

impl Value for Rule {
    const KIND: &'static str = "on, off, share and ids";

    fn parse(raw: &Raw) -> Result<Self, String> {
        let mut rule = Self::default();
        let mut share = None;
        let items: Vec<&str> = match raw {
            Raw::Boolean(is_on) => return Ok(Self::of(*is_on)),
            Raw::Text(text) => text.split(',').collect(),
            Raw::List(items) => items.iter().map(|item| item.text().unwrap_or_default()).collect(),
            _ => return Err(ALLOWED.to_owned()),
        };
        for item in items.into_iter().map(str::trim) {
            let found = match item.to_ascii_lowercase().as_str() {
                "on" | "true" => Some(WHOLE),
                "off" | "false" => Some(0),
                other => other.strip_suffix('%').and_then(percent),
            };
            match (found, Uuid::try_parse(item)) {
                (Some(_), _) if share.is_some() => return Err("must have one share only".to_owned()),
                (Some(found), _) => share = Some(found),
                (None, Ok(id)) => drop(rule.ids.insert(id)),
                (None, Err(_)) => return Err(ALLOWED.to_owned()),
            }
        }
        rule.share = share.unwrap_or_default();
        Ok(rule)
    }

    fn render(&self) -> String {
        format!("\"{self}\"")
    }
}

/// A percentage in hundredths of a percent.
fn percent(text: &str) -> Option<u32> {
    let percent: f64 = text.trim().parse().ok().filter(|percent| (0.0..=100.0).contains(percent))?;
    let share = (percent * 100.0).round();
    // Between 0 and 10 000, and whole.
    Some(share as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(text: &str) -> Rule {
        Rule::parse(&Raw::Text(text.to_owned())).unwrap()
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for wrong in ["", "maybe", "101%", "-1%", "%", "on,off", "25%,30%", "25%,ada", "nan%"] {
            assert!(Rule::parse(&Raw::Text(wrong.to_owned())).is_err(), "{wrong}");
        }
        assert!(Rule::parse(&Raw::Integer(25)).is_err());
    }

    #[test]
    fn an_id_that_is_named_is_in_and_nobody_else() {
        let (ada, eve) = (Uuid::now_v7(), Uuid::now_v7());
        let named = rule(&format!("off, {ada}"));
        assert!(named.is_on_for("beta", ada) && !named.is_on_for("beta", eve) && !named.is_on());
    }

    #[test]
    fn a_share_of_all_is_about_that_share() {
        let quarter = rule("25%");
        let on = (0..10_000).filter(|_| quarter.is_on_for("beta", Uuid::now_v7())).count();
        assert!((2_200..2_800).contains(&on), "{on}");
    }

    #[test]
    fn who_is_in_is_the_same_in_every_process_and_release() {
        // SHA-256 of flag, zero byte and id; its first eight bytes, modulo 10 000: 7392 and 5679.
        let ada = Uuid::from_u128(0x0199_a6d2_7c51_7a43_9a6f_0f3f_6e1f_9b11);
        assert!(rule("73.93%").is_on_for("beta", ada) && !rule("73.92%").is_on_for("beta", ada));
        assert!(rule("56.8%").is_on_for("gamma", ada) && !rule("56.79%").is_on_for("gamma", ada));
    }

    #[test]
    fn two_flags_choose_independently() {
        let half = rule("50%");
        let both = |_: &u32| {
            let id = Uuid::now_v7();
            half.is_on_for("one", id) && half.is_on_for("other", id)
        };
        let both = (0..10_000).filter(both).count();
        assert!((2_200..2_800).contains(&both), "{both}");
    }

    proptest! {
        #[test]
        fn who_is_in_stays_in_when_the_share_grows(id: u128, small in 0_u32..=100, more in 0_u32..=100) {
            let id = Uuid::from_u128(id);
            let (less, greater) = (rule(&format!("{}%", small.min(more))), rule(&format!("{}%", small.max(more))));
            prop_assert!(!less.is_on_for("beta", id) || greater.is_on_for("beta", id));
        }

        #[test]
        fn a_rule_is_read_as_it_is_written(share in 0_u32..=WHOLE, ids: Vec<u128>) {
            let rule = Rule { share, ids: ids.into_iter().map(Uuid::from_u128).collect() };
            prop_assert_eq!(Rule::parse(&Raw::Text(rule.to_string())).unwrap(), rule);
        }
    }
}
