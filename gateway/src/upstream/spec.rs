//! What `[upstream.NAME]` in the file of routes says.

use super::found::MOST;
use super::hash::{HashBy, is_cookie_name};
use super::settings::{Ejection, Health, Sticky};
use super::tls::TlsSpec;
use chassis::peer::Base;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// An upstream that is not one of Bowline's own services.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSpec {
    /// Where its instances are.
    #[serde(default)]
    pub instances: Vec<InstanceSpec>,
    /// A URL whose host has an address for every instance, by the system's resolver; it names a port.
    pub dns: Option<String>,
    /// A name with SRV records, such as `_http._tcp.shop.example`; with `tls`, instances are spoken to over TLS.
    pub srv: Option<String>,
    /// The server of DNS that is asked for SRV records; without it, those of `/etc/resolv.conf`.
    pub resolver: Option<SocketAddr>,
    /// A service in Consul, such as `http://127.0.0.1:8500/shop?tag=live`.
    pub consul: Option<String>,
    /// A file with the token that Consul's API wants to see.
    pub consul_token_file: Option<PathBuf>,
    /// Seconds between two questions to DNS. A question to Consul waits for this long for news.
    #[serde(default = "refresh_secs")]
    pub refresh_secs: u64,
    /// Which of them the next request goes to.
    #[serde(default)]
    pub balance: Balance,
    /// What a consistent hash goes by.
    pub hash_by: Option<HashBy>,
    /// A cookie by which a client's requests come to the same instance.
    pub sticky: Option<Sticky>,
    /// Questions to every instance whether it is well.
    pub health: Option<Health>,
    /// When an instance whose requests fail is left alone.
    #[serde(default)]
    pub ejection: Ejection,
    /// Milliseconds in which the share of a new instance grows to a whole one; 0 gives it at once.
    #[serde(default)]
    pub slow_start_ms: u64,
    /// Milliseconds that a request is held while no instance can take it, before it fails; 0 holds none.
    #[serde(default = "hold_ms")]
    pub hold_ms: u64,
    /// Connections to one instance at once; 0 sets no limit.
    #[serde(default)]
    pub max_connections: u32,
    /// Whether HTTP/2 is spoken: over TLS when the instance agrees, else without asking.
    #[serde(default)]
    pub http2: bool,
    /// TLS to instances whose URL begins with https.
    pub tls: Option<TlsSpec>,
    /// Milliseconds that opening a connection may take.
    #[serde(default = "connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds after which a connection that nobody uses is closed.
    #[serde(default = "idle_ms")]
    pub idle_ms: u64,
    /// Milliseconds that the body of an answer may stand still.
    #[serde(default = "pause_ms")]
    pub pause_ms: u64,
}

/// Where an instance is: a URL, or a URL and how much it is to do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a URL such as \"http://10.0.0.1:8080\", or { url = \"..\", weight = 3 }")]
pub enum InstanceSpec {
    /// As much as any other.
    Url(String),
    /// So many times what one of weight 1 does.
    Weighted(Weighted),
}

/// An instance and its weight.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Where it is.
    pub url: String,
    /// How much it is to do beside others.
    #[serde(default = "one")]
    pub weight: u32,
}

/// Which instance the next request goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// One after the other, those with a greater weight more often.
    Weighted,
    /// The one with the fewest requests in flight for its weight.
    LeastConnections,
    /// Of two that are drawn, the one on which it costs less: requests in flight, times how long the last ones took.
    #[default]
    TwoChoices,
    /// Always the same one for the same key; few keys move when an instance comes or goes.
    ConsistentHash,
}

const fn refresh_secs() -> u64 {
    10
}

const fn hold_ms() -> u64 {
    250
}

const fn connect_timeout_ms() -> u64 {
    1_000
}

/// Less than most servers keep a connection: who closes first decides whether a request can cross the close.
const fn idle_ms() -> u64 {
    8_000
}

const fn pause_ms() -> u64 {
    60_000
}

const fn one() -> u32 {
    1
}

impl InstanceSpec {
    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        match self {
            Self::Url(url) | Self::Weighted(Weighted { url, .. }) => url,
        }
    }

    /// How much it is to do beside others.
    #[must_use]
    pub const fn weight(&self) -> u32 {
        match self {
            Self::Url(_) => 1,
            Self::Weighted(Weighted { weight, .. }) => *weight,
        }
    }
}

/// What is wrong, as it is found.
pub(super) type Wrong = Vec<(String, String)>;

/// Says so when a number is not between two others.
pub(super) fn range(wrong: &mut Wrong, field: &str, value: u64, least: u64, most: u64) {
    if !(least..=most).contains(&value) {
        wrong.push((field.to_owned(), format!("{value} is not between {least} and {most}")));
    }
}

impl UpstreamSpec {
    /// What is wrong with it: field, and what would be right.
    #[must_use]
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Wrong::new();
        self.check_source(&mut wrong);
        self.check_instances(&mut wrong);
        let mut say = |field: &str, what: &str| wrong.push((field.to_owned(), what.to_owned()));
        match (self.balance, &self.hash_by) {
            (Balance::ConsistentHash, None) => {
                say("hash_by", "say what the hash goes by: ip, user, path, header:NAME or cookie:NAME");
            }
            (Balance::ConsistentHash, Some(_)) | (_, None) => {}
            (_, Some(_)) => say("hash_by", "nothing is hashed unless balance = \"consistent_hash\""),
        }
        if self.sticky.as_ref().is_some_and(|sticky| !is_cookie_name(&sticky.cookie)) {
            say(
                "sticky.cookie",
                "a cookie's name has letters, digits, and of other signs - _ . and a few more",
            );
        }
        if let Some(health) = &self.health {
            health.check(&mut wrong);
        }
        if let Some(tls) = &self.tls {
            tls.check(&mut wrong);
        }
        self.ejection.check(&mut wrong);
        range(&mut wrong, "slow_start_ms", self.slow_start_ms, 0, 3_600_000);
        range(&mut wrong, "hold_ms", self.hold_ms, 0, 60_000);
        range(&mut wrong, "max_connections", self.max_connections.into(), 0, 100_000);
        range(&mut wrong, "connect_timeout_ms", self.connect_timeout_ms, 10, 60_000);
        range(&mut wrong, "idle_ms", self.idle_ms, 100, 3_600_000);
        range(&mut wrong, "pause_ms", self.pause_ms, 100, 86_400_000);
        wrong
    }

    fn check_instances(&self, wrong: &mut Wrong) {
        let mut say = |field: String, what: String| wrong.push((field, what));
        if self.instances.is_empty() && self.dns.is_none() && self.srv.is_none() && self.consul.is_none() {
            let what =
                "name at least one, such as \"http://10.0.0.1:8080\", or who knows them: dns, srv, consul";
            say("instances".to_owned(), what.to_owned());
        }
        if self.instances.len() > MOST {
            say("instances".to_owned(), format!("there may be {MOST} at most"));
        }
        let mut seen: Vec<Base> = Vec::new();
        for (place, instance) in self.instances.iter().enumerate() {
            match Base::parse(instance.url()) {
                Ok(base) if seen.contains(&base) => {
                    let what = format!("`{base}` is named twice; give it a weight instead");
                    say(format!("instances[{place}]"), what);
                }
                Ok(base) => seen.push(base),
                Err(error) => say(format!("instances[{place}]"), format!("{error:#}")),
            }
            if !(1..=100).contains(&instance.weight()) {
                let what = format!("{} is not between 1 and 100", instance.weight());
                say(format!("instances[{place}].weight"), what);
            }
            if instance.weight() != 1 && self.balance == Balance::RoundRobin {
                let what = "round_robin gives each the same; use balance = \"weighted\"".to_owned();
                say(format!("instances[{place}].weight"), what);
            }
        }
    }

    pub(super) const fn refresh(&self) -> Duration {
        Duration::from_secs(self.refresh_secs)
    }

    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) const fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }

    pub(super) const fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }

    pub(super) const fn hold(&self) -> Duration {
        Duration::from_millis(self.hold_ms)
    }

    /// In what time the share of a new instance grows.
    pub(super) const fn slow_start(&self) -> Duration {
        Duration::from_millis(self.slow_start_ms)
    }

    /// In what time the share of one grows that was left alone.
    pub(super) const fn return_in(&self) -> Duration {
        let ms = if self.slow_start_ms > 0 { self.slow_start_ms } else { self.ejection.for_ms };
        Duration::from_millis(ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn wrong(settings: Value) -> Vec<String> {
        let spec: UpstreamSpec = serde_json::from_value(settings).unwrap();
        spec.check().into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn what_is_wrong_is_said_by_field() {
        assert_eq!(
            wrong(json!({ "instances": ["http://a:1", { "url": "http://b:2", "weight": 3 }] })),
            [""; 0]
        );
        assert_eq!(wrong(json!({})), ["instances"]);
        assert_eq!(
            wrong(json!({ "instances": ["http://a", "a:1", "http://a"] })),
            ["instances[1]", "instances[2]"]
        );
        let weights = json!([{ "url": "http://a", "weight": 0 }, { "url": "http://b", "weight": 2 }]);
        assert_eq!(
            wrong(json!({ "instances": weights, "balance": "round_robin" })),
            ["instances[0].weight", "instances[0].weight", "instances[1].weight"]
        );
        assert_eq!(wrong(json!({ "instances": ["http://a"], "balance": "consistent_hash" })), ["hash_by"]);
        assert_eq!(wrong(json!({ "instances": ["http://a"], "hash_by": "ip" })), ["hash_by"]);
        assert_eq!(wrong(json!({ "dns": "http://a", "srv": "a b" })), ["srv", "dns", "srv"]);
        assert_eq!(
            wrong(json!({ "dns": "http://a:1", "instances": ["http://a"], "resolver": "127.0.0.1:53" })),
            ["instances", "resolver"]
        );
        assert_eq!(wrong(json!({ "consul": "http://a:1/x y" })), ["consul"]);
        for fine in [
            json!({ "dns": "http://a:1" }),
            json!({ "srv": "_http._tcp.a" }),
            json!({ "consul": "http://a:1/x" }),
        ] {
            assert_eq!(wrong(fine), [""; 0]);
        }
        let health = json!({ "path": "healthz", "every_ms": 1, "status": "200" });
        let sticky = json!({ "cookie": "a b", "ttl_secs": 60 });
        let ejection = json!({ "failures": 0, "for_ms": 1, "at_most_percent": 101 });
        assert_eq!(
            wrong(json!({
                "instances": ["http://a"], "health": health, "sticky": sticky, "ejection": ejection,
                "hold_ms": 60_001, "idle_ms": 1,
            })),
            [
                "sticky.cookie",
                "health.path",
                "health.every_ms",
                "ejection.failures",
                "ejection.for_ms",
                "ejection.at_most_percent",
                "hold_ms",
                "idle_ms"
            ]
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for settings in [
            json!({ "instances": [], "colour": "red" }),
            json!({ "instances": [{ "url": "http://a", "wait": 1 }] }),
            json!({ "instances": [1] }),
            json!({ "balance": "fastest" }),
            json!({ "health": { "path": "/", "status": "fine" } }),
        ] {
            assert!(serde_json::from_value::<UpstreamSpec>(settings.clone()).is_err(), "{settings}");
        }
    }
}
