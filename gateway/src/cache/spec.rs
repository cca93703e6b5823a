//! What a route says about keeping its answers.

use super::tags::Template;
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, HOST, SET_COOKIE};
use metrics::{Counter, counter};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LONGEST_SECS: u64 = 366 * 24 * 60 * 60;
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Headers that a rule may tell answers apart by, and tags that it may give.
const MOST: usize = 16;

/// The number of the next rule.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// `cache = { ... }` of a route. What it leaves out keeps nothing that its origin does not allow.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CacheSpec {
    /// Seconds for which an answer is good whose origin says nothing about that.
    pub(crate) ttl_secs: u64,
    /// `ttl_secs` holds whatever the origin says, except `private`, `Set-Cookie` and what concerns credentials.
    #[serde(rename = "override")]
    pub(crate) overrides: bool,
    /// Seconds for which an answer that is over its time may be given out while it is asked for again, and while the origin
    /// fails: at most that where the origin says it, exactly that where it says nothing.
    pub(crate) max_stale_secs: u64,
    /// Headers of requests that tell answers apart, besides those that the origin names in `Vary`.
    pub(crate) vary: Vec<String>,
    /// What answers can be purged by; `{name}` stands for a parameter of the route's path.
    pub(crate) tags: Vec<String>,
    /// Whether each user's answers are kept apart. Without it an answer to somebody with credentials is kept only when the
    /// origin says that it is for everybody.
    pub(crate) per_user: bool,
    /// Whether cookies say nothing about answers: they are not handed on, and do not count as credentials.
    pub(crate) ignore_cookies: bool,
    /// Whether clients may ask for an answer newer (or older) than the one that is kept. Otherwise anybody could have every
    /// request answered by the origin.
    pub(crate) obey_clients: bool,
    /// Largest body that is kept, in bytes.
    pub(crate) max_body: usize,
}

impl Default for CacheSpec {
    fn default() -> Self {
        Self {
            ttl_secs: 0,
            overrides: false,
            max_stale_secs: 0,
            vary: Vec::new(),
            tags: Vec::new(),
            per_user: false,
            ignore_cookies: false,
            obey_clients: false,
            max_body: 1024 * 1024,
        }
    }
}

impl CacheSpec {
    /// Field and what is wrong with it.
    pub(crate) fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut add = |field: &str, what: String| wrong.push((field.to_owned(), what));
        for (field, secs) in [("ttl_secs", self.ttl_secs), ("max_stale_secs", self.max_stale_secs)] {
            if secs > LONGEST_SECS {
                add(field, format!("must be at most {LONGEST_SECS}, which is a year"));
            }
        }
        if self.overrides && self.ttl_secs == 0 {
            add("override", "needs ttl_secs, which is what holds instead of the origin's word".to_owned());
        }
        if self.max_body == 0 || self.max_body > LARGEST_BODY {
            add("max_body", format!("must be between 1 and {LARGEST_BODY} bytes"));
        }
        for (field, list) in [("vary", &self.vary), ("tags", &self.tags)] {
            if list.len() > MOST {
                add(field, format!("has {} entries; at most {MOST} are allowed", list.len()));
            }
        }
        for (at, name) in self.vary.iter().enumerate() {
            match HeaderName::try_from(name.as_str()) {
                Err(_) => add(&format!("vary[{at}]"), format!("`{name}` is not the name of a header")),
                Ok(name) if [AUTHORIZATION, COOKIE, SET_COOKIE, HOST].contains(&name) => {
                    let instead = "hosts are told apart anyway, and people with per_user = true";
                    add(&format!("vary[{at}]"), format!("`{name}` is not for this: {instead}"));
                }
                Ok(_) => {}
            }
        }
        for (at, tag) in self.tags.iter().enumerate() {
            if let Err(what) = Template::parse(tag) {
                add(&format!("tags[{at}]"), what);
            }
        }
        wrong
    }

    /// For a person.
    pub(crate) fn describe(&self) -> String {
        let good = match (self.ttl_secs, self.overrides) {
            (0, _) => "kept for as long as the origin says".to_owned(),
            (secs, false) => format!("kept for as long as the origin says, else {secs} s"),
            (secs, true) => format!("kept for {secs} s whatever the origin says"),
        };
        let whose = if self.per_user { ", for each user apart" } else { "" };
        let old = match self.max_stale_secs {
            0 => String::new(),
            secs => format!(", up to {secs} s longer while it is asked for again"),
        };
        format!("{good}{whose}{old}")
    }

    /// The parameters of the route's path that its tags name.
    pub(crate) fn parameters(&self) -> Vec<String> {
        let templates = self.tags.iter().filter_map(|tag| Template::parse(tag).ok());
        templates.flat_map(|template| template.parameters().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

/// How answers of one route are kept. Cheap to clone.
#[derive(Clone)]
pub(crate) struct CacheRule(pub(super) Arc<Rule>);

pub(super) struct Rule {
    pub(super) route: Box<str>,
    pub(super) ttl: Duration,
    pub(super) overrides: bool,
    pub(super) max_stale: Duration,
    pub(super) vary: Box<[HeaderName]>,
    pub(super) tags: Box<[Template]>,
    pub(super) per_user: bool,
    pub(super) ignore_cookies: bool,
    pub(super) obey_clients: bool,
    pub(super) max_body: usize,
    pub(super) counts: Counts,
}

/// What is counted on the way of every request, looked up once.
pub(super) struct Counts {
    pub(super) hit: Counter,
    pub(super) stale: Counter,
    pub(super) validated: Counter,
    pub(super) miss: Counter,
    pub(super) bypass: Counter,
}

impl CacheRule {
    /// The rule of a route whose specification was checked. Answers are kept under it alone: a new rule begins with none.
    pub(crate) fn new(route: &str, spec: &CacheSpec) -> Self {
        // What was kept by a route before it was changed is none of this one's.
        let route_name = format!("{route}#{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let names = spec.vary.iter().filter_map(|name| HeaderName::try_from(name.as_str()).ok());
        let count = |outcome| counter!("gateway_cache_requests_total", "route" => route.to_owned(), "outcome" => outcome);
        Self(Arc::new(Rule {
            route: route_name.into(),
            ttl: Duration::from_secs(spec.ttl_secs),
            overrides: spec.overrides,
            max_stale: Duration::from_secs(spec.max_stale_secs),
            vary: names.collect(),
            tags: spec.tags.iter().filter_map(|tag| Template::parse(tag).ok()).collect(),
            per_user: spec.per_user,
            ignore_cookies: spec.ignore_cookies,
            obey_clients: spec.obey_clients,
            max_body: spec.max_body,
            counts: Counts {
                hit: count("hit"),
                stale: count("stale"),
                validated: count("validated"),
                miss: count("miss"),
                bypass: count("bypass"),
            },
        }))
    }
}

impl std::fmt::Debug for CacheRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheRule").field("route", &self.0.route).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> CacheSpec {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let spec = read(
            r#"{"ttl_secs": 99999999999, "override": true, "max_body": 0,
                "vary": ["accept-language", "a b", "Cookie"], "tags": ["a", "b c", "d:{"]}"#,
        );
        let fields: Vec<_> = spec.check().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["ttl_secs", "max_body", "vary[1]", "vary[2]", "tags[1]", "tags[2]"]);
        let spec = read(r#"{"override": true}"#);
        assert_eq!(spec.check().first().map(|(field, _)| field.as_str()), Some("override"));
        assert_eq!(CacheSpec::default().check(), []);
        assert!(serde_json::from_str::<CacheSpec>(r#"{"ttl": 1}"#).is_err());
    }

    #[test]
    fn the_parameters_of_tags_are_told_for_the_route_to_check() {
        let spec = read(r#"{"tags": ["products", "product:{id}", "{shop}/{id}"]}"#);
        assert_eq!(spec.check(), []);
        assert_eq!(spec.parameters(), ["id", "shop", "id"]);
    }
}
