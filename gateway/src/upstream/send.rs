//! Sends a request to an instance, and to another one when that may be done.
//!
//! What must hold:
//! - The deadline bounds all of it: waiting, connecting, pauses, every attempt.
//! - What may have taken effect is sent again only when a second time does no harm ([`Replay::is_harmless`]); what nobody saw
//!   may go anywhere. Once the head of an answer has come, that is the answer.
//! - There are at most `tries` attempts, and over all requests no more retries than the budget has.

use super::answer;
use super::connect;
use super::flight::{Ending, Flight};
use super::line::{Line, NoAnswer};
use super::{Ask, Inner, Sent};
use axum::body::Body;
use chassis::peer::{Replay, UpstreamError};
use chassis::resilience::Backoff;
use http::header::HOST;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Before the first retry at most, and before any: there is somebody waiting.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A client may leave a request a millisecond. That it was not answered in it is not the instance's fault.
const LATE: Duration = Duration::from_secs(1);
/// A connection that was used less long ago has hardly been closed meanwhile.
const FRESH: Duration = Duration::from_millis(10);

impl Inner {
    pub(super) async fn send(&self, mut request: Request<Body>, ask: &Ask) -> Result<Sent, UpstreamError> {
        // What was noted of the request on this side of the door is nobody's business on the other.
        request.extensions_mut().clear();
        *request.version_mut() = Version::HTTP_11;
        self.budget.sent();
        let replay = Replay::new(request);
        let mut tried = Vec::new();
        let mut pauses: Option<Backoff> = None;
        let mut tries = 0;
        loop {
            tries += 1;
            let may_try_again = tries < ask.tries && replay.is_whole();
            let instance = self.table.load().pick(&tried).cloned();
            let Some(instance) = instance else {
                return Err(UpstreamError::Unreachable("no instance of it is known".to_owned()));
            };
            let flight = Flight::begin(instance.clone(), Instant::now());
            let made = match may_try_again {
                true => self.attempt(flight, replay.again(), ask).await,
                false => {
                    let made = self.attempt(flight, replay.last(), ask).await;
                    return made.map(|response| Sent {
                        response,
                        instance: instance.name.clone(),
                        stick: None,
                    });
                }
            };
            let error = match made {
                Ok(response) => return Ok(Sent { response, instance: instance.name.clone(), stick: None }),
                Err(error) => error,
            };
            let again = replay.is_whole()
                && match &error {
                    UpstreamError::Unreachable(_) => true,
                    UpstreamError::Broken(_) => replay.is_harmless(),
                    _ => false,
                };
            if !again {
                return Err(error);
            }
            if !self.budget.try_retry() {
                self.meter.retries_refused.increment(1);
                return Err(error);
            }
            tried.push(instance);
            // Another instance has no need of a pause; the same one has.
            if self.table.load().list.len() <= tried.len() {
                let pause =
                    pauses.get_or_insert_with(|| Backoff::new(FIRST_PAUSE, LONGEST_PAUSE)).next_pause();
                if Instant::now() + pause >= ask.deadline {
                    return Err(error);
                }
                sleep(pause).await;
            }
            self.meter.retries.increment(1);
        }
    }

    async fn attempt(
        &self,
        mut flight: Flight,
        mut request: Request<Body>,
        ask: &Ask,
    ) -> Result<Response<Body>, UpstreamError> {
        let instance = flight.instance();
        match instance.target(request.uri()) {
            Ok(None) => {}
            Ok(Some(target)) => *request.uri_mut() = target,
            Err(error) => return Err(UpstreamError::Broken(error.to_string())),
        }
        let host = instance.host.clone();
        request.headers_mut().entry(HOST).or_insert(host);
        let exchanged = self.exchange(&flight, request, ask.deadline).await;
        let took = flight.elapsed();
        let ending = match &exchanged {
            Ok((response, _)) => outcome(response.status()),
            Err(error) => fault(error, took),
        };
        flight.answered(ending, took);
        self.meter.seconds.record(took.as_secs_f64());
        match exchanged {
            Ok((response, line)) => {
                self.meter.answered();
                let longest_pause = self.settings.load().pause();
                Ok(answer::of(response, line, flight, longest_pause, ask.deadline).await)
            }
            Err(error) => {
                self.meter.failed(&error);
                Err(error)
            }
        }
    }

    /// Over a connection that is there, or else a new one.
    async fn exchange(
        &self,
        flight: &Flight,
        mut request: Request<Body>,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Line), UpstreamError> {
        let instance = flight.instance();
        let (idle, connect_timeout) = {
            let settings = self.settings.load();
            (settings.idle(), settings.connect_timeout())
        };
        while let Some(mut line) = instance.idle.take(flight.began(), idle) {
            if !request.method().is_idempotent() && line.idle_since + FRESH < flight.began() {
                // Let the runtime hear first whether the other side has closed it: this request cannot be sent twice.
                tokio::task::yield_now().await;
            }
            match line.ask(request, deadline).await {
                Ok(response) => return Ok((response, line)),
                Err(NoAnswer::Unsent(unsent)) => request = *unsent,
                Err(NoAnswer::Failed(error)) => return Err(error),
            }
        }
        let mut line = connect::open(instance, deadline.min(flight.began() + connect_timeout)).await?;
        self.meter.connections.increment(1);
        match line.ask(request, deadline).await {
            Ok(response) => Ok((response, line)),
            Err(NoAnswer::Unsent(_)) => {
                Err(UpstreamError::Unreachable("it closes connections at once".to_owned()))
            }
            Err(NoAnswer::Failed(error)) => Err(error),
        }
    }
}

/// What an answer says about the instance that gave it.
fn outcome(status: StatusCode) -> Ending {
    match status {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Ending::Failed
        }
        _ => Ending::Well,
    }
}

/// What an error says about the instance.
fn fault(error: &UpstreamError, took: Duration) -> Ending {
    match error {
        UpstreamError::Unreachable(_) | UpstreamError::Broken(_) => Ending::Failed,
        UpstreamError::Deadline if took >= LATE => Ending::Failed,
        _ => Ending::Unknown,
    }
}
