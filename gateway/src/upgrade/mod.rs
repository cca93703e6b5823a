//! WebSockets of the services behind the door (RFC 6455 over HTTP/1.1).
//!
//! A handshake goes through the door as any request does: identity, limits, routing, an instance that is well. When the
//! service accepts, the client's connection and the service's become a tunnel.
//!
//! What must hold:
//! - Nothing is passed on past HTTP unless the service has answered this very handshake with 101 ([`handshake`]). Any other
//!   answer is an ordinary one, and what the client sends after it is read as HTTP by the door.
//! - A tunnel ends with the token or the API key that opened it, when that is revoked, when it is silent for too long, and
//!   when the process stops ([`opener`], [`tunnel`]).
//! - There are at most so many, in all and for one client ([`tunnels`]), and none keeps more than what one read brought in
//!   either direction ([`flow`]).
//! - In one process it is the same: the service gets a connection of its own, never the client's.
//!
//! What it does not do: it does not read messages, does not know who a client is that logs in with its first message (such a
//! tunnel ends when the service ends it), and speaks no WebSocket over HTTP/2 (RFC 8441), which it therefore does not offer:
//! browsers then open a connection of HTTP/1.1.

mod flow;
mod frames;
mod handshake;
mod opener;
mod tunnel;
mod tunnels;

pub(crate) use opener::Opener;
pub(crate) use tunnels::Tunnels;

use crate::headers;
use crate::origin::Origins;
use axum::body::Body;
use axum::response::Response;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{InHand, RequestContext};
use chassis::peer::UpstreamError;
use contract::ErrorCode;
use handshake::{Accept, Asked};
use http::{HeaderMap, Method, Request, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use metrics::{Counter, Gauge, counter, gauge};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::{End, Tunnel};
use tunnels::Place;

/// How long both connections may take to be handed over after the handshake.
const HANDING_OVER: Duration = Duration::from_secs(10);

/// The WebSockets to one service, or through one route of the file.
#[derive(Debug)]
pub(crate) struct Upgrades {
    peer: Arc<str>,
    tunnels: Arc<Tunnels>,
    origins: Origins,
    meter: Meter,
    /// Cancelled when what they lead to is no more.
    gone: CancellationToken,
}

#[derive(Clone)]
struct Meter {
    open: Gauge,
    from_client: Counter,
    from_service: Counter,
}

impl Upgrades {
    pub(crate) fn new(peer: impl Into<Arc<str>>, tunnels: Arc<Tunnels>, origins: Origins) -> Self {
        let peer = peer.into();
        let bytes =
            |from| counter!("gateway_tunnel_bytes_total", "peer" => Arc::clone(&peer), "from" => from);
        let meter = Meter {
            open: gauge!("gateway_tunnels", "peer" => Arc::clone(&peer)),
            from_client: bytes("client"),
            from_service: bytes("service"),
        };
        Self { peer, tunnels, origins, meter, gone: CancellationToken::new() }
    }

    /// Ends those that are open: what they lead to is no more.
    pub(crate) fn end(&self) {
        self.gone.cancel();
    }

    /// Takes a request that asks for a WebSocket; gives any other one back.
    ///
    /// # Errors
    /// When it is not the handshake of one, may not be, or there is no room.
    pub(crate) fn take(
        &self,
        request: &mut Request<Body>,
        cx: &RequestContext,
        opener: impl FnOnce(&HeaderMap) -> ApiResult<Option<Opener>>,
    ) -> ApiResult<Option<Handshake>> {
        let begun = handshake::asked(request).and_then(|asked| match asked {
            Asked::Nothing => Ok(None),
            Asked::WebSocket(accept) => self.begin(request, cx, opener, accept).map(Some),
        });
        begun.inspect_err(|_| self.count("refused"))
    }

    fn begin(
        &self,
        request: &mut Request<Body>,
        cx: &RequestContext,
        opener: impl FnOnce(&HeaderMap) -> ApiResult<Option<Opener>>,
        accept: Accept,
    ) -> ApiResult<Handshake> {
        let client = request.extensions_mut().remove::<OnUpgrade>();
        let client = client.ok_or_else(|| {
            ApiError::new(ErrorCode::Validation, "There is no connection that could become a WebSocket.")
        })?;
        if !self.origins.may(request, cx.secure) {
            let message = "A page of this origin may not open a WebSocket here.";
            return Err(ApiError::new(ErrorCode::Forbidden, message));
        }
        let (place, over) = self.tunnels.enter(cx, opener(request.headers())?)?;
        Ok(Handshake { client, accept, place, over })
    }

    /// Passes a handshake on. A service that accepts it has the connection from then on.
    pub(crate) async fn pass(
        &self,
        handshake: Handshake,
        mut request: Request<Body>,
        send: impl AsyncFnOnce(Request<Body>) -> Result<Response, UpstreamError>,
    ) -> ApiResult<Response> {
        handshake::mark(request.headers_mut());
        let answer = send(request).await;
        let mut response = answer.map_err(ApiError::from).inspect_err(|_| self.count("failed"))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            self.count("declined");
            return Ok(response);
        }
        let service = response.extensions_mut().remove::<OnUpgrade>();
        let service = service.filter(|_| handshake.accept.is_shown_by(response.headers()));
        let Some(service) = service else {
            self.count("failed");
            let what = "a 101 that does not answer the handshake".to_owned();
            return Err(UpstreamError::Broken(what).into());
        };
        self.count("opened");
        self.open(handshake, service);
        let (mut head, _) = response.into_parts();
        headers::outbound(&mut head.headers);
        handshake::mark(&mut head.headers);
        head.version = Version::HTTP_11;
        Ok(Response::from_parts(head, Body::empty()))
    }

    fn open(&self, handshake: Handshake, service: OnUpgrade) {
        let Handshake { client, place, over, .. } = handshake;
        let (tunnels, meter, peer) = (Arc::clone(&self.tunnels), self.meter.clone(), Arc::clone(&self.peer));
        let gone = self.gone.clone();
        let carried = async move {
            let _place = place;
            let _open = Counted::new(meter.open);
            let both = async { tokio::join!(client, service) };
            let (client, service) = match timeout(HANDING_OVER, both).await {
                Ok((Ok(client), Ok(service))) => (TokioIo::new(client), TokioIo::new(service)),
                Ok(_) | Err(_) => return ended(peer, End::Broken, (0, 0)),
            };
            let mut tunnel =
                Tunnel::new((client, meter.from_client), (service, meter.from_service), tunnels.patience);
            let end = tunnel.run(until(over, &tunnels, &gone)).await;
            ended(peer, end, tunnel.passed());
        };
        self.tunnels.tasks.spawn(InHand::current().go_on(carried));
    }

    fn count(&self, outcome: &'static str) {
        counter!("gateway_upgrades_total", "peer" => Arc::clone(&self.peer), "outcome" => outcome)
            .increment(1);
    }
}

/// A handshake that may be passed on.
#[derive(Debug)]
pub(crate) struct Handshake {
    client: OnUpgrade,
    accept: Accept,
    place: Place,
    over: Option<oneshot::Receiver<End>>,
}

/// Resolves when a tunnel has to end although both sides would go on.
async fn until(over: Option<oneshot::Receiver<End>>, tunnels: &Tunnels, gone: &CancellationToken) -> End {
    let over = async {
        match over {
            Some(over) => over.await,
            None => std::future::pending().await,
        }
    };
    let stopped = async {
        tunnels.stop.stopping().await;
        // A service that stops too may say goodbye itself.
        sleep(tunnels.grace).await;
    };
    tokio::select! {
        Ok(why) = over => why,
        () = stopped => End::Stopping,
        () = gone.cancelled() => End::Gone,
    }
}

fn ended(peer: Arc<str>, end: End, (from_client, from_service): (u64, u64)) {
    counter!("gateway_tunnels_ended_total", "peer" => peer, "by" => end.as_str()).increment(1);
    tracing::debug!(end = end.as_str(), from_client, from_service, "a tunnel has ended");
}

/// Whether the door answers requests of this method at all. `CONNECT` asks for a tunnel to anywhere, and `TRACE` for what the
/// inside has added to a request.
pub(crate) fn is_served(method: &Method) -> bool {
    !matches!(*method, Method::CONNECT | Method::TRACE)
}

/// One in a gauge, until it is dropped.
struct Counted(Gauge);

impl Counted {
    fn new(gauge: Gauge) -> Self {
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter")
    }
}
