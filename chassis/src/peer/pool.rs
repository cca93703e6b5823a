//! Client connections, pooled by the thread that uses them.
//!
//! A connection stays on the core whose request opened it; nothing is shared, so nothing is locked. HTTP/1.1 and, over
//! TLS, HTTP/2. A request that asks for another protocol (`Upgrade`) is one of HTTP/1.1, so it never gets a connection that
//! speaks HTTP/2.

use super::UpstreamError;
use crate::http::BodyFault;
use ::http::header::UPGRADE;
use ::http::{Request, Response};
use axum::body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::cell::RefCell;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Longest time that opening a connection may take where no setting says otherwise.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection that nobody uses is kept. Less than a service's own listener keeps it (`http.header_timeout_ms`,
/// 10 s): who closes first decides whether a request can cross the close, and be lost with it.
const IDLE: Duration = Duration::from_secs(8);
/// Seconds between probes of a connection that may be dead.
const PROBE: Duration = Duration::from_secs(60);

type Pool = Client<HttpsConnector<HttpConnector>, Body>;

/// What tells pools apart. A process has two or three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    /// The time that opening a connection may take.
    connect_timeout: Duration,
    /// Whether it speaks nothing but HTTP/1.1.
    http1_only: bool,
}

thread_local! {
    static POOLS: RefCell<Vec<(Kind, Pool)>> = const { RefCell::new(Vec::new()) };
}

/// Sends a request with an absolute URI and waits for the head of the answer, until the deadline at most. Opening a
/// connection may take `connect_timeout` of that.
pub(super) async fn send(
    request: Request<Body>,
    deadline: Instant,
    connect_timeout: Duration,
) -> Result<Response<Incoming>, UpstreamError> {
    let kind = Kind { connect_timeout, http1_only: request.headers().contains_key(UPGRADE) };
    let sending = POOLS.with_borrow_mut(|pools| pool(pools, kind).request(request));
    match timeout_at(deadline, sending).await {
        Err(_) => Err(UpstreamError::Deadline),
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Unreachable(chain(&error))),
        Ok(Err(error)) => Err(match BodyFault::of(&error) {
            Some(fault) => UpstreamError::Body(fault),
            None => UpstreamError::Broken(chain(&error)),
        }),
    }
}

fn pool(pools: &mut Vec<(Kind, Pool)>, kind: Kind) -> &Pool {
    let place = pools.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
        pools.push((kind, build(kind)));
        pools.len() - 1
    });
    &pools[place].1
}

fn build(Kind { connect_timeout, http1_only }: Kind) -> Pool {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(connect_timeout));
    connector.set_keepalive(Some(PROBE));
    let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http();
    let tls = match http1_only {
        true => tls.enable_http1().wrap_connector(connector),
        false => tls.enable_all_versions().wrap_connector(connector),
    };
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
