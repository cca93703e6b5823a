//! One attempt at one instance: over a connection that is there, or else a new one.

use super::connect::{self, Opened};
use super::flight::Flight;
use super::inner::Inner;
use super::instance::Instance;
use super::line::{Line, NoAnswer};
use super::session::Session;
use axum::body::Body;
use chassis::peer::UpstreamError;
use http::header::UPGRADE;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A connection that was used less long ago has hardly been closed meanwhile.
const FRESH: Duration = Duration::from_millis(10);

/// The head of an answer has come.
pub(super) enum Exchanged {
    /// Over a connection of HTTP/1.1, which its body needs.
    One(Response<Incoming>, Line),
    /// Over one of HTTP/2, which others use too.
    Two(Response<Incoming>),
}

impl Exchanged {
    /// Whether a connection was opened for it.
    pub(super) fn is_first(&self) -> bool {
        matches!(self, Self::One(_, line) if line.is_new)
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::One(response, _) | Self::Two(response) => response.status(),
        }
    }
}

/// What an attempt may take.
struct Bounds {
    deadline: Instant,
    connect_by: Instant,
    idle: Duration,
    most: u32,
}

/// Sends a request and waits for the head of the answer.
pub(super) async fn of(
    upstream: &Inner,
    flight: &Flight,
    request: Request<Body>,
    deadline: Instant,
) -> Result<Exchanged, UpstreamError> {
    let bounds = {
        let settings = upstream.settings.load();
        let connect_by = deadline.min(flight.began() + settings.connect_timeout());
        Bounds { deadline, connect_by, idle: settings.idle(), most: settings.max_connections }
    };
    let way = upstream.way.load();
    let (http2, generation) = (way.http2, way.generation);
    drop(way);
    let request = match over_idle(flight, request, &bounds, generation).await {
        Ok(answered) => return answered,
        Err(request) => *request,
    };
    // A request for another protocol is one of HTTP/1.1.
    if http2 && !request.headers().contains_key(UPGRADE) {
        return Box::pin(over_session(upstream, flight.instance(), request, &bounds)).await;
    }
    let way = upstream.way.load_full();
    // To open one takes far more room than to use one, which every request would have to make.
    let opening = connect::open(flight.instance(), &way, false, bounds.connect_by, bounds.most);
    let opened = Box::pin(opening).await?;
    upstream.meter.connections.increment(1);
    over_new(opened, flight.instance(), request, deadline).await
}

/// Over a connection of HTTP/1.1 that nobody uses; gives the request back when there is none.
async fn over_idle(
    flight: &Flight,
    mut request: Request<Body>,
    bounds: &Bounds,
    generation: u64,
) -> Result<Result<Exchanged, UpstreamError>, Box<Request<Body>>> {
    let instance = flight.instance();
    let take = || {
        let is_full = || bounds.most > 0 && instance.connections() >= bounds.most;
        let others = || is_full().then(|| instance.idle.take_from_others(generation)).flatten();
        instance.idle.take(flight.began(), bounds.idle, generation).or_else(others)
    };
    while let Some(mut line) = take() {
        if !request.method().is_idempotent() && line.idle_since + FRESH < flight.began() {
            // Let the runtime hear first whether the other side has closed it: this request cannot be sent twice.
            tokio::task::yield_now().await;
        }
        match line.ask(request, bounds.deadline).await {
            Ok(response) => return Ok(Ok(Exchanged::One(response, line))),
            Err(NoAnswer::Unsent(unsent)) => request = *unsent,
            Err(NoAnswer::Failed(error)) => return Ok(Err(error)),
        }
    }
    Err(Box::new(request))
}

/// Over a connection of HTTP/2 that this thread has to the instance, or opens.
async fn over_session(
    upstream: &Inner,
    instance: &Arc<Instance>,
    mut request: Request<Body>,
    bounds: &Bounds,
) -> Result<Exchanged, UpstreamError> {
    // One that turns out to be closed is followed by a new one, and that by none.
    for _ in 0..2 {
        let mut kept = instance.sessions.lock().await;
        let way = upstream.way.load_full();
        let open = kept.as_ref().filter(|session| session.is_open() && session.generation == way.generation);
        let mut session: Session = match open {
            Some(session) => session.clone(),
            None => {
                *kept = None;
                let opened = connect::open(instance, &way, true, bounds.connect_by, bounds.most).await?;
                upstream.meter.connections.increment(1);
                match opened {
                    Opened::Two(session) => kept.insert(session).clone(),
                    // It does not speak HTTP/2.
                    one @ Opened::One(_) => {
                        drop(kept);
                        return over_new(one, instance, request, bounds.deadline).await;
                    }
                }
            }
        };
        drop(kept);
        match session.ask(request, instance.base.scheme().clone(), bounds.deadline).await {
            Ok(response) => return Ok(Exchanged::Two(response)),
            Err(NoAnswer::Unsent(unsent)) => request = *unsent,
            Err(NoAnswer::Failed(error)) => return Err(error),
        }
    }
    Err(closes_at_once())
}

/// Over a connection that was opened for it.
pub(super) async fn over_new(
    opened: Opened,
    instance: &Instance,
    request: Request<Body>,
    deadline: Instant,
) -> Result<Exchanged, UpstreamError> {
    let answered = match opened {
        Opened::One(mut line) => {
            line.ask(request, deadline).await.map(|response| Exchanged::One(response, line))
        }
        Opened::Two(mut session) => {
            session.ask(request, instance.base.scheme().clone(), deadline).await.map(Exchanged::Two)
        }
    };
    answered.map_err(|none| match none {
        NoAnswer::Unsent(_) => closes_at_once(),
        NoAnswer::Failed(error) => error,
    })
}

fn closes_at_once() -> UpstreamError {
    UpstreamError::Unreachable("it closes connections at once".to_owned())
}
