//! A request to a service in this process that asks to speak another protocol afterwards (RFC 9110, section 7.8).
//!
//! What such a request asks for is the connection, and within a process there is none. So it gets one of its own: a pipe in
//! memory with HTTP/1.1 on both ends. The service answers 101 and takes over its end as it would that of a socket, and who
//! asked gets the other end; neither can tell whether the other is in the same process. Each direction holds at most
//! [`PIPE`] bytes that were not read yet, and nothing while it is silent.

use super::UpstreamError;
use crate::http::{Caller, Edge};
use ::http::uri::PathAndQuery;
use ::http::{Request, Response, Uri};
use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;

/// Bytes on their way in one direction at most.
const PIPE: usize = 16 * 1024;

/// Asks a service over a pipe.
pub(super) async fn ask(
    edge: Edge,
    caller: Caller,
    mut request: Request<Body>,
) -> Result<Response<Body>, UpstreamError> {
    let target = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    let (near, far) = tokio::io::duplex(PIPE);
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (edge, caller) = (edge.clone(), caller.clone());
        async move { Ok::<_, Infallible>(edge.handle(request.map(Body::new), caller).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(far), answer)
        .with_upgrades();
    let (mut sender, asked) = hyper::client::conn::http1::handshake(TokioIo::new(near))
        .await
        .map_err(|error| UpstreamError::Broken(error.to_string()))?;
    let asked = asked.with_upgrades();
    spawn(async move {
        let (served, asked) = tokio::join!(served, asked);
        for error in [served.err(), asked.err()].into_iter().flatten() {
            tracing::debug!(%error, "a pipe to a service of this process ended with an error");
        }
    });
    let response = sender.send_request(request).await;
    response.map(|response| response.map(Body::new)).map_err(|error| UpstreamError::Broken(error.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "it ends with the request, or with what both ends became")]
fn spawn(carried: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(carried);
}
