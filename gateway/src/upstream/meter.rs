//! What is counted of one upstream: how many requests, how they ended, how long they took.
//!
//! The only label besides the outcome is the upstream's name in the file of routes.

use super::balance::Place;
use super::condition::State;
use chassis::peer::UpstreamError;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tokio::time::Instant;

/// The metrics of one upstream.
pub(super) struct Meter {
    answered: Counter,
    unreachable: Counter,
    refused: Counter,
    broken: Counter,
    deadline: Counter,
    body: Counter,
    pub(super) seconds: Histogram,
    pub(super) connections: Counter,
    pub(super) retries: Counter,
    pub(super) retries_refused: Counter,
    pub(super) held: Counter,
    pub(super) ejections: Counter,
    found: Counter,
    not_found: Counter,
    instances: [(State, Gauge); 4],
}

impl Meter {
    pub(super) fn new(name: &str) -> Self {
        let upstream = || name.to_owned();
        let outcome = |outcome| counter!("gateway_upstream_requests_total", "upstream" => upstream(), "outcome" => outcome);
        let discovered = |outcome| counter!("gateway_upstream_discoveries_total", "upstream" => upstream(), "outcome" => outcome);
        Self {
            answered: outcome("answered"),
            unreachable: outcome("unreachable"),
            refused: outcome("refused"),
            broken: outcome("broken"),
            deadline: outcome("deadline"),
            body: outcome("body"),
            seconds: histogram!("gateway_upstream_request_duration_seconds", "upstream" => upstream()),
            connections: counter!("gateway_upstream_connections_total", "upstream" => upstream()),
            retries: counter!("gateway_upstream_retries_total", "upstream" => upstream()),
            retries_refused: counter!("gateway_upstream_retries_refused_total", "upstream" => upstream()),
            held: counter!("gateway_upstream_held_total", "upstream" => upstream()),
            found: discovered("answered"),
            not_found: discovered("failed"),
            ejections: counter!("gateway_upstream_ejections_total", "upstream" => upstream()),
            instances: State::ALL.map(|state| {
                let gauge =
                    gauge!("gateway_upstream_instances", "upstream" => upstream(), "state" => state.as_str());
                (state, gauge)
            }),
        }
    }

    /// An answer, whatever it says.
    pub(super) fn answered(&self) {
        self.answered.increment(1);
    }

    /// Who knows the instances was asked.
    pub(super) fn discovered(&self, well: bool) {
        if well { &self.found } else { &self.not_found }.increment(1);
    }

    /// No answer.
    pub(super) fn failed(&self, error: &UpstreamError) {
        let counter = match error {
            UpstreamError::Unreachable(_) => &self.unreachable,
            UpstreamError::Open(_) | UpstreamError::Full(_) => &self.refused,
            UpstreamError::Broken(_) => &self.broken,
            UpstreamError::Deadline => &self.deadline,
            UpstreamError::Body(_) => &self.body,
        };
        counter.increment(1);
    }

    /// How many instances are how.
    pub(super) fn show(&self, list: &[Place], now: Instant) {
        for (state, gauge) in &self.instances {
            let count = list.iter().filter(|place| place.instance.condition.state(now) == *state).count();
            gauge.set(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }
}
