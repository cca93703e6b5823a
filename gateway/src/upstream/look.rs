//! An upstream as it is seen from here, and what would become of a request, for `explain`.

use super::Ask;
use super::balance::{Table, Want, Why};
use super::condition::State;
use super::inner::Inner;
use super::spec::Balance;
use serde::Serialize;
use tokio::time::Instant;

/// An upstream as it is seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// Its name.
    pub upstream: String,
    /// Its instances.
    pub instances: Vec<LookInstance>,
    /// The instance that a request would be sent to now.
    pub taken: Option<String>,
    /// Why that one.
    pub why: String,
}

/// An instance as it is seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LookInstance {
    /// Where it is.
    pub url: String,
    /// How much it is to do beside others.
    pub weight: u32,
    /// `well`; `warming`: it gets less than its share; `ejected`: requests to it failed; `ill`: its health checks say so.
    pub state: &'static str,
    /// Seconds until it is asked again, when it is ejected.
    pub ejected_for_secs: f64,
    /// Which part of its share it gets, in percent.
    pub share_percent: f64,
    /// Requests under way.
    pub in_flight: u32,
    /// Connections that are open.
    pub connections: u32,
    /// How long answers took lately, in milliseconds.
    pub latency_ms: f64,
}

/// Two places behind the point.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

impl Inner {
    pub(super) fn look(&self, ask: &Ask) -> Look {
        let (table, now) = (self.table.load(), Instant::now());
        let instances = table.list.iter().map(|place| {
            let (instance, condition) = (&place.instance, &place.instance.condition);
            let ejected = condition.state(now) == State::Ejected;
            LookInstance {
                url: instance.name.to_string(),
                weight: place.weight,
                state: condition.state(now).as_str(),
                ejected_for_secs: if ejected {
                    rounded(condition.ejected_for(now).as_secs_f64())
                } else {
                    0.0
                },
                share_percent: if condition.is_usable(now) {
                    rounded(condition.warmth(now) * 100.0)
                } else {
                    0.0
                },
                in_flight: instance.in_flight(),
                connections: instance.connections(),
                latency_ms: rounded(instance.micros() / 1_000.0),
            }
        });
        let instances = instances.collect();
        let want = Want { now, key: ask.key, sticky: ask.token(), tried: &[], only_looks: true };
        let picked = table.pick(&want);
        Look {
            upstream: self.name.to_string(),
            instances,
            taken: picked.map(|(instance, _)| instance.name.to_string()),
            why: why(&table, ask, picked.map(|(_, why)| why)),
        }
    }
}

fn why(table: &Table, ask: &Ask, why: Option<Why>) -> String {
    let why = match why {
        None if table.list.is_empty() => "no instance is known",
        None => "no instance can take a request: each is ill, ejected or full",
        Some(Why::Only) => "it is the only one",
        Some(Why::Sticky) => "the client's cookie names it",
        Some(Why::Remains) => "it is the only one that can take the request",
        Some(Why::Rule) => match table.rule {
            Balance::RoundRobin => "round_robin: its turn",
            Balance::Weighted => "weighted: its turn",
            Balance::LeastConnections => {
                "least_connections: it has the fewest requests in flight for its weight"
            }
            Balance::TwoChoices => {
                "two_choices: of two that were drawn, a request costs less on it (requests in flight, times latency)"
            }
            Balance::ConsistentHash if ask.key.is_some() => {
                "consistent_hash: the key of the request is its own"
            }
            Balance::ConsistentHash => "consistent_hash: the request has no key, so it was drawn",
        },
    };
    why.to_owned()
}
