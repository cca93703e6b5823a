//! What is counted of the calls to one peer. The handles are kept: a call pays for two atomic operations, not for finding
//! them.

use super::UpstreamError;
use metrics::{Counter, Histogram, counter, histogram};

/// The metrics of one peer.
pub(super) struct Meter {
    answered: Counter,
    unreachable: Counter,
    open: Counter,
    full: Counter,
    broken: Counter,
    deadline: Counter,
    body: Counter,
    pub(super) seconds: Histogram,
    pub(super) retries: Counter,
    pub(super) retries_refused: Counter,
    pub(super) hedges: Counter,
}

impl Meter {
    pub(super) fn new(peer: &'static str) -> Self {
        let outcome = |outcome| counter!("peer_requests_total", "peer" => peer, "outcome" => outcome);
        Self {
            answered: outcome("answered"),
            unreachable: outcome("unreachable"),
            open: outcome("open"),
            full: outcome("full"),
            broken: outcome("broken"),
            deadline: outcome("deadline"),
            body: outcome("body"),
            seconds: histogram!("peer_request_duration_seconds", "peer" => peer),
            retries: counter!("peer_retries_total", "peer" => peer),
            retries_refused: counter!("peer_retries_refused_total", "peer" => peer),
            hedges: counter!("peer_hedges_total", "peer" => peer),
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
            UpstreamError::Open(_) => &self.open,
            UpstreamError::Full(_) => &self.full,
            UpstreamError::Broken(_) => &self.broken,
            UpstreamError::Deadline => &self.deadline,
            UpstreamError::Body(_) => &self.body,
        };
        counter.increment(1);
    }
}
