//! Sends a request on to its service, streaming both ways, and says in the common shape when there is no answer.

use crate::headers;
use crate::upgrade::{self, Upgrades};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use chassis::http::Cx;
use chassis::identity::MaybePrincipal;
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
    identity: ApiResult<MaybePrincipal>,
    request: Request<Body>,
) -> Response {
    if let Ok(MaybePrincipal(Some(principal))) = &identity {
        tracing::Span::current().record("user", tracing::field::display(principal.user()));
    }
    if has_dot_segments(request.uri().path()) {
        return ApiError::not_found("route").into_response();
    }
    if !upgrade::is_served(request.method()) {
        return ApiError::new(ErrorCode::MethodNotAllowed, "The gateway does not serve this method.")
            .into_response();
    }
    pass(&upstream, &cx, identity, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn pass(
    upstream: &Upstream,
    cx: &Cx,
    identity: ApiResult<MaybePrincipal>,
    mut request: Request<Body>,
) -> ApiResult<Response> {
    let handshake = upstream.upgrades.take(&mut request, cx, || identity.map(|MaybePrincipal(who)| who))?;
    let authority = request.uri().authority().cloned();
    headers::inbound(request.headers_mut(), authority.as_ref());
    *request.version_mut() = Version::HTTP_11;
    let answer = async {
        let peer = upstream.peer()?;
        match handshake {
            Some(handshake) => upstream.upgrades.pass(handshake, peer, request).await,
            None => ordinary(peer.forward(request).await?),
        }
    };
    let answer = answer.await.map(|answer| received(upstream, answer));
    if answer.is_ok() { &upstream.answered } else { &upstream.failed }.increment(1);
    answer
}

/// Refuses an answer that would have the client's connection speak something else although nobody asked for that.
fn ordinary(response: Response) -> ApiResult<Response> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(UpstreamError::Broken("a 101 that nobody asked for".to_owned()).into());
    }
    Ok(response)
}

/// Prepares an answer for the client.
fn received(upstream: &Upstream, mut response: Response) -> Response {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // The second half of a handshake, which is prepared where it was checked.
        return response;
    }
    headers::outbound(response.headers_mut());
    // How long the body is said to be is settled anew for the client's connection, not taken from the upstream's.
    *response.version_mut() = Version::HTTP_11;
    if is_endless(response.headers()) {
        // The service behind goes on; who follows it comes back to another door, or to this one when it is up again.
        let stopping = upstream.stop.stopping();
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
fn has_dot_segments(path: &str) -> bool {
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
