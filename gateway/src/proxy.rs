//! Sends a request on to its service, streaming both ways, and says in the common shape when there is no answer.

use crate::access::Admitted;
use crate::explain;
use crate::headers;
use crate::upgrade::{self, Opener, Upgrades};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cx, RequestContext};
use chassis::peer::{Peer, UpstreamError};
use chassis::stop::Stop;
use contract::ErrorCode;
use futures_util::StreamExt;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Request, StatusCode, Version};
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
    upgrades: Upgrades,
    stop: Stop,
}

impl Upstream {
    pub(crate) fn new(name: &'static str, peer: Option<Peer>, upgrades: Upgrades, stop: Stop) -> Self {
        let counter = |outcome| metrics::counter!("gateway_upstream_requests_total", "peer" => name, "outcome" => outcome);
        Self { name, peer, answered: counter("answered"), failed: counter("failed"), upgrades, stop }
    }

    /// The same service through a route of its own, with tunnels of its own.
    pub(crate) fn through(&self, upgrades: Upgrades) -> Self {
        let Self { name, peer, answered, failed, stop, .. } = self;
        let (peer, stop) = (peer.clone(), stop.clone());
        Self { name, peer, answered: answered.clone(), failed: failed.clone(), upgrades, stop }
    }

    /// Whether it runs here or has a URL.
    pub(crate) fn is_installed(&self) -> bool {
        self.peer.is_some()
    }

    /// Ends the tunnels to it.
    pub(crate) fn end_tunnels(&self) {
        self.upgrades.end();
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
    if explain::wanted(request.headers()) && explain::is_heard(request.headers_mut(), &cx) {
        let explanation = explain::of_service(upstream.name, &request);
        let mut response =
            pass(&upstream, &cx, None, request).await.unwrap_or_else(IntoResponse::into_response);
        explain::tell(explanation, &mut response);
        return response;
    }
    if has_dot_segments(request.uri().path()) {
        return ApiError::not_found("route").into_response();
    }
    pass(&upstream, &cx, None, request).await.unwrap_or_else(IntoResponse::into_response)
}

/// Sends a request on to its service; `admitted` is who was let in by a route of the file.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn pass(
    upstream: &Upstream,
    cx: &RequestContext,
    admitted: Option<&Admitted>,
    mut request: Request<Body>,
) -> ApiResult<Response> {
    let identity = cx.maybe_principal();
    if let Ok(Some(principal)) = &identity {
        tracing::Span::current().record("user", tracing::field::display(principal.user()));
    }
    if !upgrade::is_served(request.method()) {
        let message = "The gateway does not serve this method.";
        return Err(ApiError::new(ErrorCode::MethodNotAllowed, message));
    }
    let opener = |headers: &HeaderMap| {
        let user = identity?.and_then(|principal| Opener::user(principal, headers));
        Ok(admitted.and_then(|admitted| admitted.opener(headers)).or(user))
    };
    let handshake = upstream.upgrades.take(&mut request, cx, opener)?;
    let authority = request.uri().authority().cloned();
    headers::inbound(request.headers_mut(), authority.as_ref());
    *request.version_mut() = Version::HTTP_11;
    let answer = async {
        let peer = upstream.peer()?;
        match handshake {
            Some(handshake) => {
                upstream.upgrades.pass(handshake, request, |request| peer.forward(request)).await
            }
            None => ordinary(peer.forward(request).await?),
        }
    };
    let answer = answer.await.map(|answer| received(&upstream.stop, answer));
    if answer.is_ok() { &upstream.answered } else { &upstream.failed }.increment(1);
    answer
}

/// Refuses an answer that would have the client's connection speak something else although nobody asked for that.
pub(crate) fn ordinary(response: Response) -> ApiResult<Response> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpstreamError::Broken("a 101 that nobody asked for".to_owned()).into());
    }
    Ok(response)
}

/// Prepares an answer for the client.
pub(crate) fn received(stop: &Stop, mut response: Response) -> Response {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // The second half of a handshake, which is prepared where it was checked.
        return response;
    }
    headers::outbound(response.headers_mut());
    // How long the body is said to be is settled anew for the client's connection, not taken from the upstream's.
    *response.version_mut() = Version::HTTP_11;
    if is_endless(response.headers()) {
        // The service behind goes on; who follows it comes back to another door, or to this one when it is up again.
        let stopping = stop.stopping();
        return response.map(|body| Body::from_stream(body.into_data_stream().take_until(stopping)));
    }
    response
}

/// Whether an answer goes on until somebody ends it: a stop would wait for it to its deadline.
fn is_endless(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"))
}

/// Whether something behind the door could read another path than the one that was routed. Clients resolve such
/// segments themselves (RFC 3986, section 5.2.4); who sends them on means to reach what is not meant to be reached.
pub(crate) fn has_dot_segments(path: &str) -> bool {
    let dots = |segment: &str| {
        // Some servers take what stands behind a semicolon for a parameter of the segment.
        let name = segment.split(';').next().unwrap_or_default();
        matches!(&*name.to_ascii_lowercase().replace("%2e", "."), "." | "..")
    };
    (path.contains("/.") || path.contains("/%2")) && path.split('/').any(dots)
}

#[cfg(test)]
mod tests {
    use super::has_dot_segments;

    #[test]
    fn a_path_that_climbs_is_seen_however_it_is_written() {
        for climbs in
            ["/api/v1/a/../b", "/api/v1/a/..", "/a/./b", "/a/%2e%2E/b", "/a/.%2e", "/a/%2e", "/a/..;x/b"]
        {
            assert!(has_dot_segments(climbs), "{climbs}");
        }
        for plain in ["/api/v1/a", "/a/b..c", "/a/x.json", "/a/%20b", "/a/%2eb", "/.well-known/jwks.json"] {
            assert!(!has_dot_segments(plain), "{plain}");
        }
    }
}
