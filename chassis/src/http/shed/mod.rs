//! Refuses requests while the process is saturated, the least important first.
//!
//! Requests from outside of the process are counted while they are answered. There may be so many at once; that number
//! falls when the process shows that it cannot keep up, and grows back when it can ([`in_flight`]). Work of low priority may
//! take half of it, ordinary work four fifths, and what is critical all of it, so that the first meets its bound first.
//!
//! What must hold:
//! - A refusal costs next to nothing: it comes before the body is read, and waits for nothing.
//! - A call within the process belongs to a request that was let in: it is neither counted nor refused.
//! - Where it is getting tight, a client that has more requests in hand than its part were of all that may be gets no more room
//!   than what is one step less important: one client cannot take the room of all others. Calls of services are on behalf of
//!   many clients, who were looked at where they came in.
//! - A client can make its request less important (`Priority: u=5` and above, RFC 9218), never more.
//!
//! What it does not do: it does not protect a dependency. A slow dependency leaves this process idle, and is for its breaker
//! and its bulkhead; here only `http.max_in_flight` bounds how many requests wait for it.

mod clients;
mod in_flight;
mod priority;

pub use priority::Priority;

use super::{HttpConfig, RequestContext, X_BUSY};
use crate::error::{ApiError, ApiResult};
use crate::resilience::Monotonic;
use clients::{Clients, Seat};
use contract::ErrorCode;
use http::{HeaderValue, Request};
use in_flight::{Bounds, InFlight};
use metrics::{Counter, Histogram, counter, histogram};
use priority::Priorities;
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use utoipa::openapi::OpenApi;

/// Decides for all services of a process.
#[derive(Debug)]
pub(crate) struct Shedder {
    in_flight: InFlight,
    clients: Clients,
    priorities: Priorities,
    most_lag: Duration,
    most_wait: Duration,
    metrics: Metrics,
}

/// A request in flight, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    in_flight: in_flight::Place<'a>,
    _seat: Option<Seat<'a>>,
}

struct Metrics {
    refused: [Counter; 3],
    lag: Histogram,
}

impl Shedder {
    /// For the services that these documents describe: an operation with `x-priority` has that priority.
    ///
    /// # Errors
    /// When one of them has a priority that does not exist.
    pub(crate) fn new(config: &HttpConfig, documents: &[OpenApi]) -> anyhow::Result<Self> {
        let bounds = Bounds { least: config.min_in_flight, most: config.max_in_flight };
        let refused =
            Priority::ALL.map(|priority| counter!("http_shed_total", "priority" => priority.as_str()));
        Ok(Self {
            in_flight: InFlight::new(bounds, Monotonic::system()),
            clients: Clients::new(),
            priorities: Priorities::read(documents)?,
            most_lag: Duration::from_millis(config.shed_lag_ms),
            most_wait: Duration::from_millis(config.shed_wait_ms),
            metrics: Metrics { refused, lag: histogram!("http_loop_lag_seconds") },
        })
    }

    /// Lets a request from outside of the process in.
    pub(super) fn enter<B>(&self, request: &Request<B>, context: &RequestContext) -> ApiResult<Place<'_>> {
        let from_service = context.calling_service.is_some();
        let seat = (!from_service).then(|| self.clients.enter(context.client_ip));
        let rank = |limit| {
            let priority = self.priorities.of(request, from_service);
            let greedy = seat.as_ref().is_some_and(|seat| seat.is_greedy(limit));
            if greedy { priority.lower() } else { priority }
        };
        let entered = self.in_flight.enter(rank);
        let entered = entered.map(|in_flight| Place { in_flight, _seat: seat });
        entered.map_err(|priority| {
            self.metrics.refused[priority as usize].increment(1);
            let message = "Too many requests at the moment. Try again shortly.";
            let refusal = ApiError::new(ErrorCode::Overloaded, message).retry_after(priority.retry_after());
            match &context.calling_service {
                // Its breaker is not to take this for a fault: what is more important is answered.
                Some(_) => refusal.header(X_BUSY, HeaderValue::from_static("1")),
                None => refusal,
            }
        })
    }

    /// Waits until everything that is ready on this thread has had its turn, and takes the time: with one request in some, and
    /// with all while the process is saturated. Then those that wait for the thread are counted before the first of them
    /// goes on; a request that never waits for anything else would otherwise be alone each time.
    pub(super) async fn feel(&self, place: &Place<'_>) {
        if !place.in_flight.is_sample() && !self.in_flight.is_lowered() {
            return;
        }
        let began = Instant::now();
        yield_now().await;
        let lag = began.elapsed();
        self.metrics.lag.record(lag);
        self.in_flight.lagged(lag, self.most_lag);
    }

    /// Notes how long a request waited in a queue of this process for something that it then got.
    pub(crate) fn waited(&self, wait: Duration) {
        self.in_flight.queued(wait, self.most_wait);
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
