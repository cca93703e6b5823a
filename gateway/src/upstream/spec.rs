//! What `[upstream.NAME]` in the file of routes says.

use chassis::peer::Base;
use serde::Deserialize;
use std::time::Duration;

/// An upstream that is not one of Bowline's own services.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSpec {
    /// Where its instances are.
    pub instances: Vec<InstanceSpec>,
    /// Which of them the next request goes to.
    #[serde(default)]
    pub balance: Balance,
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
    /// Of two that are drawn, the one on which it costs less: requests in flight, times how long the last ones took.
    #[default]
    TwoChoices,
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
}

impl UpstreamSpec {
    /// What is wrong with it: field, and what would be right.
    #[must_use]
    pub fn check(&self) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        let mut say = |field: String, what: String| wrong.push((field, what));
        if self.instances.is_empty() {
            say("instances".to_owned(), "name at least one, such as \"http://10.0.0.1:8080\"".to_owned());
        }
        let mut seen: Vec<Base> = Vec::new();
        for (place, instance) in self.instances.iter().enumerate() {
            match Base::parse(instance.url()) {
                Ok(base) if seen.contains(&base) => {
                    say(
                        format!("instances[{place}]"),
                        format!("`{base}` is named twice; give it a weight instead"),
                    );
                }
                Ok(base) => seen.push(base),
                Err(error) => say(format!("instances[{place}]"), format!("{error:#}")),
            }
        }
        let mut range = |field: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                say(field.to_owned(), format!("{value} is not between {least} and {most}"));
            }
        };
        range("connect_timeout_ms", self.connect_timeout_ms, 10, 60_000);
        range("idle_ms", self.idle_ms, 100, 3_600_000);
        range("pause_ms", self.pause_ms, 100, 86_400_000);
        wrong
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
}
