//! What is counted of one upstream: how many requests, how they ended, how long they took.
//!
//! The only label besides the outcome is the upstream's name in the file of routes.

use chassis::peer::UpstreamError;
use metrics::{Counter, Histogram, counter, histogram};

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
}

impl Meter {
    pub(super) fn new(name: &str) -> Self {
        let upstream = || name.to_owned();
        let outcome = |outcome| counter!("gateway_upstream_requests_total", "upstream" => upstream(), "outcome" => outcome);
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
        }
    }

    /// An answer, whatever it says.
    pub(super) fn answered(&self) {
        self.answered.increment(1);
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
}
