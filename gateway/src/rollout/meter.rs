//! What is counted of the requests of a side or a variant, and how an answer is told from a failure.
//!
//! An error is a status of 500 and above, also the door's own for no answer; how long an answer took is the time until its head.

use axum::response::Response;
use chassis::error::ApiResult;
use metrics::{Counter, Histogram, counter, histogram};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The metrics of a side or a variant. The labels are names of the file.
pub(crate) struct Meter {
    requests: Counter,
    errors: Counter,
    seconds: Histogram,
}

impl Meter {
    /// Of a side of a roll-out.
    pub(crate) fn of_side(route: &Arc<str>, side: &'static str) -> Self {
        let route = || Arc::clone(route);
        Self {
            requests: counter!("gateway_rollout_requests_total", "route" => route(), "side" => side),
            errors: counter!("gateway_rollout_errors_total", "route" => route(), "side" => side),
            seconds: histogram!("gateway_rollout_request_duration_seconds", "route" => route(), "side" => side),
        }
    }

    /// Of a variant.
    pub(crate) fn of_variant(route: &Arc<str>, variant: &str) -> Self {
        let (route, variant) = (|| Arc::clone(route), || variant.to_owned());
        Self {
            requests: counter!("gateway_variant_requests_total", "route" => route(), "variant" => variant()),
            errors: counter!("gateway_variant_errors_total", "route" => route(), "variant" => variant()),
            seconds: histogram!("gateway_variant_request_duration_seconds", "route" => route(), "variant" => variant()),
        }
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Failed,
    /// Who asked left before there was an answer.
    Left,
}

/// A request that is measured, until it has ended or who asked has left.
pub(crate) struct Measuring<'a, F: FnMut(Ended, Duration)> {
    meter: &'a Meter,
    began: Instant,
    deadline: Instant,
    /// Hears how it ended.
    tell: F,
    over: bool,
}

impl<'a, F: FnMut(Ended, Duration)> Measuring<'a, F> {
    pub(crate) fn begin(meter: &'a Meter, deadline: Instant, tell: F) -> Self {
        meter.requests.increment(1);
        Self { meter, began: Instant::now(), deadline, tell, over: false }
    }

    /// There is an answer, or there will be none.
    pub(crate) fn end(mut self, answer: &ApiResult<Response>) {
        let status = match answer {
            Ok(answer) => answer.status(),
            Err(error) => error.status(),
        };
        self.over(if status.is_server_error() { Ended::Failed } else { Ended::Well });
    }

    fn over(&mut self, ended: Ended) {
        self.over = true;
        let took = self.began.elapsed();
        if ended == Ended::Failed {
            self.meter.errors.increment(1);
        }
        if ended != Ended::Left {
            self.meter.seconds.record(took.as_secs_f64());
        }
        (self.tell)(ended, took);
    }
}

impl<F: FnMut(Ended, Duration)> Drop for Measuring<'_, F> {
    fn drop(&mut self) {
        if !self.over {
            // The edge gives up at the deadline; earlier it was who asked.
            let ended = if Instant::now() >= self.deadline { Ended::Failed } else { Ended::Left };
            self.over(ended);
        }
    }
}
