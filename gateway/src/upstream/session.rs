//! Connections of HTTP/2: one a thread and instance, which all requests of that thread share.
//!
//! Requests of one connection come and go without each other, so nobody of them can drive it: it is a task of its own, that
//! ends with the connection. One that is being opened is waited for by whoever wants it too.

use super::idle::number;
use super::line::{NoAnswer, Open, chain, told};
use axum::body::Body;
use chassis::peer::UpstreamError;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::rt::Executor;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};

/// How often a connection on which requests wait is asked whether it is alive, and how long it may think about it.
const PROBE: Duration = Duration::from_secs(10);
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// A connection; clones are the same one.
#[derive(Clone)]
pub(super) struct Session {
    sender: http2::SendRequest<Body>,
    /// What it was opened with.
    pub(super) generation: u64,
}

/// Those of one instance, by thread.
pub(super) struct Sessions(Box<[Mutex<Option<Session>>]>);

impl Sessions {
    pub(super) fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| Mutex::default()).collect())
    }

    /// This thread's, when nobody opens it just now.
    pub(super) async fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.0[number() % self.0.len()].lock().await
    }
}

impl Session {
    /// Begins to speak HTTP/2 over a connection.
    pub(super) async fn open<T>(stream: T, open: Open, generation: u64) -> Result<Self, UpstreamError>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let opened = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PROBE)
            .keep_alive_timeout(PROBE_PATIENCE)
            .adaptive_window(true)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = opened.map_err(|error| UpstreamError::Unreachable(chain(&error)))?;
        TokioExecutor::new().execute(async move {
            let _open = open;
            if let Err(error) = connection.await {
                tracing::debug!(error = chain(&error), "a connection to an upstream ended with an error");
            }
        });
        Ok(Self { sender, generation })
    }

    /// Whether a request may be sent over it.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request, whose target is its path so far, and waits for the head of its answer.
    pub(super) async fn ask(
        &mut self,
        mut request: Request<Body>,
        scheme: Scheme,
        deadline: Instant,
    ) -> Result<Response<Incoming>, NoAnswer> {
        address(&mut request, scheme)
            .map_err(|error| NoAnswer::Failed(UpstreamError::Broken(error.to_string())))?;
        match timeout_at(deadline, self.sender.try_send_request(request)).await {
            Err(_) => Err(NoAnswer::Failed(UpstreamError::Deadline)),
            Ok(Ok(response)) => Ok(response),
            Ok(Err(mut error)) => Err(match error.take_message() {
                Some(request) => NoAnswer::Unsent(Box::new(request)),
                None => NoAnswer::Failed(told(&error.into_error())),
            }),
        }
    }
}

/// What HTTP/1.1 says with `Host`, HTTP/2 says with the target (RFC 9113, section 8.3.1).
fn address(request: &mut Request<Body>, scheme: Scheme) -> anyhow::Result<()> {
    *request.version_mut() = Version::HTTP_2;
    if let Some(host) = request.headers_mut().remove(HOST) {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.authority = Some(Authority::try_from(HeaderValue::as_bytes(&host))?);
        parts.scheme = Some(scheme);
        *request.uri_mut() = Uri::from_parts(parts)?;
    }
    Ok(())
}
