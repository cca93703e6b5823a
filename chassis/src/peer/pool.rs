//! Client connections, pooled by the thread that uses them.
//!
//! A connection stays on the core whose request opened it; nothing is shared, so nothing is locked. HTTP/1.1 and, over
//! TLS, HTTP/2.

use super::steady::Steady;
use crate::error::ApiError;
use crate::http::BodyFault;
use ::http::{Request, Response};
use anyhow::anyhow;
use axum::body::Body;
use contract::ErrorCode;
use contract::client::CallError;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::cell::OnceCell;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Longest time that opening a connection may take, within the caller's deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection that nobody uses is kept. Less than a service's own listener keeps it (`http.header_timeout_ms`,
/// 10 s): who closes first decides whether a request can cross the close, and be lost with it.
const IDLE: Duration = Duration::from_secs(8);
/// Seconds between probes of a connection that may be dead.
const PROBE: Duration = Duration::from_secs(60);

type Pool = Client<HttpsConnector<HttpConnector>, Body>;

thread_local! {
    static POOL: OnceCell<Pool> = const { OnceCell::new() };
}

/// Why a peer gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection; the peer did not see the request.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The connection broke off, or what came is not HTTP.
    #[error("broken answer: {0}")]
    Broken(String),
    /// The deadline passed.
    #[error("no answer before the deadline")]
    Deadline,
    /// The body that was to be passed on did not come whole; the peer did not take it for whole either.
    #[error("the request was not passed on: {0}")]
    Body(#[from] BodyFault),
}

impl From<UpstreamError> for CallError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Unreachable(why) => Self::Unreachable(why),
            UpstreamError::Broken(why) => Self::Broken(why),
            UpstreamError::Deadline => Self::Deadline,
            UpstreamError::Body(fault) => Self::Broken(fault.to_string()),
        }
    }
}

impl From<UpstreamError> for ApiError {
    #[track_caller]
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Unreachable(_) => Self::unavailable(anyhow!(error), Duration::from_secs(1)),
            UpstreamError::Broken(_) => {
                Self::new(ErrorCode::BadGateway, "A service broke off its answer.").cause(anyhow!(error))
            }
            UpstreamError::Deadline => {
                let message = "A service did not answer in time; whether a change took effect is not known.";
                Self::new(ErrorCode::DeadlineExceeded, message).cause(anyhow!(error))
            }
            UpstreamError::Body(fault) => fault.into(),
        }
    }
}

/// Sends a request with an absolute URI and waits for the head of the answer, until the deadline at most. Its body may
/// take longer, but not pause for longer than `longest_pause`.
pub(super) async fn send(
    request: Request<Body>,
    deadline: Instant,
    longest_pause: Duration,
) -> Result<Response<Body>, UpstreamError> {
    let sending = POOL.with(|pool| pool.get_or_init(build).request(request));
    match timeout_at(deadline, sending).await {
        Err(_) => Err(UpstreamError::Deadline),
        Ok(Ok(response)) => Ok(response.map(|body| Body::new(Steady::new(body, longest_pause)))),
        Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Unreachable(chain(&error))),
        Ok(Err(error)) => Err(match BodyFault::of(&error) {
            Some(fault) => UpstreamError::Body(fault),
            None => UpstreamError::Broken(chain(&error)),
        }),
    }
}

fn build() -> Pool {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_keepalive(Some(PROBE));
    let tls = HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(tls)
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
