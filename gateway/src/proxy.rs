//! Sends a request on to its service, streaming both ways, and says in the common shape when there is no answer.

use crate::headers;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use chassis::http::Cx;
use chassis::peer::Peer;
use http::{Request, Version};
use metrics::Counter;
use std::sync::Arc;
use std::time::Duration;

/// A service as the door sees it.
#[derive(Debug)]
pub(crate) struct Upstream {
    name: &'static str,
    peer: Option<Peer>,
    answered: Counter,
    failed: Counter,
}

impl Upstream {
    pub(crate) fn new(name: &'static str, peer: Option<Peer>) -> Self {
        let counter = |outcome| metrics::counter!("gateway_upstream_requests_total", "peer" => name, "outcome" => outcome);
        Self { name, peer, answered: counter("answered"), failed: counter("failed") }
    }

    fn peer(&self) -> ApiResult<&Peer> {
        self.peer.as_ref().ok_or_else(|| {
            let cause = anyhow::anyhow!(
                "{0} is neither a target of this process nor has a URL in peers.{0}",
                self.name
            );
            ApiError::unavailable(cause, Duration::from_secs(5))
        })
    }
}

pub(crate) async fn forward(
    State(upstream): State<Arc<Upstream>>,
    cx: Cx,
    mut request: Request<Body>,
) -> Response {
    headers::inbound(request.headers_mut(), &cx);
    *request.version_mut() = Version::HTTP_11;
    if let Some(principal) = cx.principal() {
        tracing::Span::current().record("user", tracing::field::display(principal.user()));
    }
    match send(&upstream, request).await {
        Ok(response) => {
            upstream.answered.increment(1);
            response
        }
        Err(error) => {
            upstream.failed.increment(1);
            error.into_response()
        }
    }
}

async fn send(upstream: &Upstream, request: Request<Body>) -> ApiResult<Response> {
    let mut response = upstream.peer()?.forward(request).await?;
    headers::outbound(response.headers_mut());
    Ok(response)
}
