//! What `rollout`, `mirror` and `variants` of a route say.

use super::share::Share;
use crate::upstream::is_cookie_name;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// Variants of one route at most.
const MOST_VARIANTS: usize = 16;
/// Steps of one roll-out at most.
const MOST_STEPS: usize = 32;
const NAME: &str = "must be 1 to 32 small letters, digits, `-`, `_` or `.`";

/// A part of a route's requests goes elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolloutSpec {
    /// Where: an upstream of the file, or a service.
    pub(crate) to: String,
    /// How much of them, in hundredths.
    #[serde(default)]
    pub(crate) percent: Option<f64>,
    /// Requests with this header go there whatever the percentage.
    #[serde(default)]
    pub(crate) header: Option<HeaderSpec>,
    /// The cookie that says `canary` or `stable`; with `by = "cookie"` it also carries what the door assigned.
    #[serde(default)]
    pub(crate) cookie: Option<String>,
    /// Whose requests stay together.
    #[serde(default)]
    pub(crate) by: By,
    /// The percentages that it goes through by itself.
    #[serde(default)]
    pub(crate) steps: Vec<f64>,
    /// How long each of them is watched at least, in seconds.
    #[serde(default = "a_minute")]
    pub(crate) every_secs: u64,
    /// How many answers a step needs before the next.
    #[serde(default = "a_hundred")]
    pub(crate) min_requests: u64,
    /// How many of a hundred parts of them may be errors, as a fraction.
    #[serde(default = "two_percent")]
    pub(crate) max_error_rate: f64,
    /// How many times as many errors as on the stable side there may be.
    #[serde(default)]
    pub(crate) max_error_factor: Option<f64>,
    /// Milliseconds in which 99 of 100 answers must have begun.
    #[serde(default)]
    pub(crate) max_p99_ms: Option<u64>,
    /// What happens when that does not hold.
    #[serde(default)]
    pub(crate) on_failure: OnFailure,
    /// Begins it anew when it changes.
    #[serde(default)]
    pub(crate) generation: u32,
}

/// A header by which somebody asks for the canary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeaderSpec {
    pub(crate) name: String,
    /// `*` is anything.
    #[serde(default = "anything")]
    pub(crate) value: String,
}

/// Whose requests stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// Those of a user or an API key; of who is neither, those of an address.
    #[default]
    User,
    /// Those of an address.
    Ip,
    /// Those of a browser that keeps the cookie which it is given.
    Cookie,
    /// None: each request by itself.
    Request,
}

/// What happens when the bounds are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnFailure {
    /// Everybody goes to the stable side again.
    #[default]
    Back,
    /// It stays where it is until somebody decides.
    Hold,
}

/// Copies of requests go elsewhere, too.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MirrorSpec {
    /// Where: an upstream of the file.
    pub(crate) to: String,
    /// Of how much of them, in hundredths.
    #[serde(default = "all")]
    pub(crate) percent: f64,
    /// Whether requests that may change something are copied as well.
    #[serde(default, rename = "unsafe")]
    pub(crate) with_unsafe: bool,
    /// Copies under way at once; what comes beyond that is not copied.
    #[serde(default = "sixteen")]
    pub(crate) concurrency: usize,
    /// The largest body that is copied, in bytes.
    #[serde(default = "bodies")]
    pub(crate) max_body: usize,
    /// Milliseconds after which a copy is given up.
    #[serde(default = "five_seconds")]
    pub(crate) timeout_ms: u64,
}

/// One of several that share a route's requests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantSpec {
    /// Its label in metrics.
    pub(crate) name: String,
    /// An upstream of the file, or a service.
    pub(crate) to: String,
    /// Its share, beside the weights of the others.
    #[serde(default = "one")]
    pub(crate) weight: u32,
}

fn a_minute() -> u64 {
    60
}

fn a_hundred() -> u64 {
    100
}

fn two_percent() -> f64 {
    0.02
}

fn anything() -> String {
    "*".to_owned()
}

fn all() -> f64 {
    100.0
}

fn sixteen() -> usize {
    16
}

fn bodies() -> usize {
    64 * 1024
}

fn five_seconds() -> u64 {
    5_000
}

fn one() -> u32 {
    1
}

/// What is wrong, by field.
type Wrong = Vec<(String, String)>;

fn add(wrong: &mut Wrong, field: &str, message: &str) {
    wrong.push((field.to_owned(), message.to_owned()));
}

impl RolloutSpec {
    pub(crate) fn check(&self) -> Wrong {
        let mut wrong = Vec::new();
        if let Some(percent) = self.percent {
            if Share::of(percent).is_none() {
                add(&mut wrong, "percent", PERCENT);
            }
            if !self.steps.is_empty() {
                add(&mut wrong, "percent", "goes by itself where there are `steps`: leave one of them out");
            }
        }
        self.check_choice(&mut wrong);
        let shares: Vec<_> = self.steps.iter().map(|step| Share::of(*step)).collect();
        let grow = shares.windows(2).all(|pair| pair[0] < pair[1]);
        if shares.len() > MOST_STEPS || shares.iter().any(|share| !share.is_some_and(Share::is_some)) || !grow
        {
            add(
                &mut wrong,
                "steps",
                "must be at most 32 percentages above 0 that grow, such as [1, 5, 25, 50, 100]",
            );
        }
        if !(1..=86_400).contains(&self.every_secs) {
            add(&mut wrong, "every_secs", "must be 1 to 86400");
        }
        if !(1..=10_000_000).contains(&self.min_requests) {
            add(&mut wrong, "min_requests", "must be 1 to 10000000");
        }
        if !(0.0..=1.0).contains(&self.max_error_rate) {
            add(&mut wrong, "max_error_rate", "must be 0 to 1: 0.02 is two of a hundred");
        }
        if self.max_error_factor.is_some_and(|factor| !(1.0..=1_000.0).contains(&factor)) {
            add(
                &mut wrong,
                "max_error_factor",
                "must be 1 to 1000: 2 is twice as many as on the stable side",
            );
        }
        if self.max_p99_ms.is_some_and(|ms| !(1..=3_600_000).contains(&ms)) {
            add(&mut wrong, "max_p99_ms", "must be 1 to 3600000");
        }
        wrong
    }

    /// Who is chosen.
    fn check_choice(&self, wrong: &mut Wrong) {
        if let Some(header) = &self.header {
            if header.name.parse::<HeaderName>().is_err() {
                add(wrong, "header", &format!("`{}` is no name of a header", header.name));
            }
            if HeaderValue::from_str(&header.value).is_err() {
                add(wrong, "header", "its value has letters that no header has");
            }
        }
        if self.cookie.as_deref().is_some_and(|cookie| !is_cookie_name(cookie) || cookie.len() > 64) {
            add(wrong, "cookie", "must be a name of at most 64 letters, digits, `-` and `_`");
        }
        if self.by == By::Cookie && self.cookie.is_none() {
            add(wrong, "by", "\"cookie\" needs the name of one: cookie = \"canary\"");
        }
        if self.percent.is_none() && self.steps.is_empty() && self.header.is_none() && self.cookie.is_none() {
            add(wrong, "percent", "nobody would go there: write `percent`, `steps`, `header` or `cookie`");
        }
    }
}

const PERCENT: &str = "must be 0 to 100, with at most four decimals";

impl MirrorSpec {
    pub(crate) fn check(&self) -> Wrong {
        let mut wrong = Vec::new();
        if Share::of(self.percent).is_none() {
            add(&mut wrong, "percent", PERCENT);
        }
        if !(1..=10_000).contains(&self.concurrency) {
            add(&mut wrong, "concurrency", "must be 1 to 10000");
        }
        if self.max_body > 16 << 20 {
            add(
                &mut wrong,
                "max_body",
                "must be at most 16777216: bodies that are copied are held in memory",
            );
        }
        if !(1..=600_000).contains(&self.timeout_ms) {
            add(&mut wrong, "timeout_ms", "must be 1 to 600000");
        }
        wrong
    }
}

/// What is wrong with variants of a route.
pub(crate) fn check_variants(variants: &[VariantSpec]) -> Wrong {
    let mut wrong = Vec::new();
    if !(2..=MOST_VARIANTS).contains(&variants.len()) {
        add(&mut wrong, "", "must be 2 to 16");
    }
    for (place, variant) in variants.iter().enumerate() {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if !(1..=32).contains(&variant.name.len()) || !variant.name.bytes().all(fine) {
            add(&mut wrong, "name", &format!("`{}` {NAME}", variant.name));
        }
        if variants[..place].iter().any(|earlier| earlier.name == variant.name) {
            add(&mut wrong, "name", &format!("`{}` is there twice", variant.name));
        }
        if variant.weight > 1_000_000 {
            add(&mut wrong, "weight", "must be 0 to 1000000");
        }
    }
    if variants.iter().all(|variant| variant.weight == 0) {
        add(&mut wrong, "weight", "must be more than 0 for one of them");
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Vec<String> {
        let spec: RolloutSpec = toml::from_str(text).unwrap();
        spec.check().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_makes_no_sense_is_told_by_field() {
        for (text, fields) in [
            ("percent = 5", &[][..]),
            ("steps = [1, 5, 100]", &[]),
            ("percent = 0", &[]),
            ("header = { name = 'x-canary' }", &[]),
            ("", &["percent"]),
            ("percent = 101", &["percent"]),
            ("percent = -1", &["percent"]),
            ("percent = 0.00001", &["percent"]),
            ("percent = nan", &["percent"]),
            ("percent = 5\nsteps = [5]", &["percent"]),
            ("steps = [5, 5]", &["steps"]),
            ("steps = [0, 5]", &["steps"]),
            ("steps = [5, 1]", &["steps"]),
            ("percent = 5\nby = 'cookie'", &["by"]),
            ("percent = 5\ncookie = 'a b'", &["cookie"]),
            ("percent = 5\nheader = { name = 'a b' }", &["header"]),
            ("percent = 5\nevery_secs = 0\nmin_requests = 0", &["every_secs", "min_requests"]),
            (
                "percent = 5\nmax_error_rate = 2\nmax_error_factor = 0.5",
                &["max_error_rate", "max_error_factor"],
            ),
            ("percent = 5\nmax_p99_ms = 0", &["max_p99_ms"]),
        ] {
            assert_eq!(wrong(&format!("to = 'x'\n{text}")), fields, "{text}");
        }
        assert!(toml::from_str::<RolloutSpec>("to = 'x'\npercentage = 5").is_err());
    }

    #[test]
    fn variants_have_names_of_their_own_and_weights() {
        let variant = |name: &str, weight| VariantSpec { name: name.to_owned(), to: "x".to_owned(), weight };
        assert_eq!(check_variants(&[variant("a", 1), variant("b", 0)]), []);
        for bad in [
            vec![variant("a", 1)],
            vec![variant("a", 1), variant("a", 1)],
            vec![variant("A", 1), variant("b", 1)],
            vec![variant("a", 0), variant("b", 0)],
        ] {
            assert_eq!(check_variants(&bad).len(), 1, "{bad:?}");
        }
    }
}
