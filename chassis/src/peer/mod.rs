//! Peers: the other services, reached the same way wherever they are.
//!
//! A [`Peer`] is a service in this process, whose edge is called without a socket, or one in other processes. A service asks
//! its context for a typed client ([`contract::client::Caller`]); the gateway forwards whole requests. Every call hands
//! on the ids, the trace, what is left of the deadline, the client's address, the caller's identity, and this service's
//! own credential.
//!
//! A peer elsewhere has one instance or many ([`DiscoveryConfig`] finds them). A call goes to one that is well and not busy,
//! and where that does no harm to another one when it fails ([`CallsConfig`]). A call in the same process needs none of
//! that: only its deadline holds.

mod address;
mod base;
mod board;
mod config;
mod directory;
mod discovery;
mod error;
mod fallback;
mod instance;
mod instances;
mod latency;
mod meter;
mod outcome;
mod pool;
mod remote;
mod replay;
mod steady;
mod upgrade;

pub use address::Catalogue;
pub use base::Base;
pub use board::{Board, Seen, SeenInstance};
pub use config::CallsConfig;
pub use directory::Directory;
pub use discovery::{ByConsul, ByDns, DiscoveryConfig, Source, keep_asking};
pub use error::UpstreamError;
pub use fallback::{Answer, Fallback};
pub use latency::Latency;
pub use replay::Replay;
pub use steady::{Held, Steady, StoodStill};

use crate::clock::Clock;
use crate::http::{
    Caller, Edge, RequestContext, X_CORRELATION_ID, X_FORWARDED_FOR, X_FORWARDED_PROTO, X_REQUEST_ID,
    X_SERVICE_AUTHORIZATION,
};
use crate::identity::ServiceKeys;
use crate::telemetry::origin::Origin;
use ::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, UPGRADE};
use ::http::{Request, Response};
use axum::body::Body;
use bytes::Bytes;
use contract::client::{CallError, Manner, Sending, Transport};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use remote::How;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// The largest answer that a typed client reads.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
/// How long a call outside of any request may take.
const BACKGROUND_TIMEOUT: Duration = Duration::from_secs(30);

/// One service as another one reaches it.
#[derive(Clone)]
pub struct Peer {
    name: &'static str,
    caller: &'static str,
    place: Arc<Place>,
    keys: Arc<ServiceKeys>,
    clock: Clock,
}

/// Where a peer is.
enum Place {
    /// In this process; set when everything is built, so that no order of building matters.
    Local(OnceLock<Box<Edge>>),
    /// In other processes.
    Remote(Box<remote::Remote>),
}

impl Peer {
    /// The peer's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether calls stay in this process.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(*self.place, Place::Local(_))
    }

    /// A typed client's way to this peer.
    #[must_use]
    pub fn caller(&self) -> contract::client::Caller {
        contract::client::Caller::new(Arc::new(self.clone()))
    }

    /// Sends a whole request on and returns the answer as it comes, bodies streaming both ways. The request's own
    /// headers are kept; what every call hands on is put over them.
    ///
    /// One with `Upgrade` may be answered 101; `hyper::upgrade::on` of that answer then gives the connection, wherever the
    /// peer is.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn forward(&self, request: Request<Body>) -> Result<Response<Body>, UpstreamError> {
        self.pass(request, Manner::default(), false).await
    }

    /// `whole`: whether the answer is read before it counts as one, and with it whether a call whose answer breaks off may be
    /// made again.
    async fn pass(
        &self,
        mut request: Request<Body>,
        manner: Manner,
        whole: bool,
    ) -> Result<Response<Body>, UpstreamError> {
        let context = RequestContext::current();
        // What the caller's router noted of its own route would mislead the peer's.
        request.extensions_mut().clear();
        let headers = request.headers_mut();
        match &context {
            Some(context) => hand_on(headers, context),
            None => Origin::current().iter().for_each(|origin| hand_on_cause(headers, origin)),
        }
        match &*self.place {
            Place::Local(edge) => {
                let Some(edge) = edge.get() else {
                    return Err(UpstreamError::Unreachable("it is not built yet".into()));
                };
                let caller = Caller::InProcess(self.caller, context);
                if request.headers().contains_key(UPGRADE) {
                    return upgrade::ask((**edge).clone(), caller, request).await;
                }
                Ok(edge.handle(request, caller).await)
            }
            Place::Remote(remote) => {
                let (deadline, longest_pause) = match &context {
                    Some(context) => (context.deadline, context.edge.config.request_timeout()),
                    None => (Instant::now() + BACKGROUND_TIMEOUT, BACKGROUND_TIMEOUT),
                };
                match self.keys.credential(self.caller, self.name, &self.clock) {
                    Ok(credential) => drop(headers.insert(X_SERVICE_AUTHORIZATION, credential)),
                    Err(error) => return Err(UpstreamError::Broken(error.to_string())),
                }
                let how = How { deadline, longest_pause, whole, manner };
                let answer = remote.send(request, how).await;
                let unable = answer.as_ref().map_or(true, |answer| outcome::is_unable(answer.status()));
                if let (Some(context), true) = (&context, unable) {
                    // Whatever could be tried was: the caller of the request in hand need not try that again.
                    context.retries_spent.store(true, Relaxed);
                }
                answer
            }
        }
    }

    async fn call(
        &self,
        request: contract::client::Request,
    ) -> Result<contract::client::Response, CallError> {
        let context = RequestContext::current();
        let deadline =
            context.as_ref().map_or_else(|| Instant::now() + BACKGROUND_TIMEOUT, |context| context.deadline);
        let manner = request.extensions().get().copied().unwrap_or_default();
        let mut request = request.map(Body::from);
        if let Some(authorization) = context.as_ref().and_then(|context| context.authorization.clone()) {
            request.headers_mut().entry(AUTHORIZATION).or_insert(authorization);
        }
        let answer = async {
            let (head, body) = self.pass(request, manner, true).await?.into_parts();
            let body = read(body).await?;
            Ok(Response::from_parts(head, body))
        };
        tokio::time::timeout_at(deadline, answer)
            .await
            .unwrap_or(Err(UpstreamError::Deadline))
            .map_err(Into::into)
    }
}

async fn read(body: Body) -> Result<Bytes, UpstreamError> {
    match Limited::new(body, ANSWER_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(UpstreamError::Broken("the answer is too large".into()))
        }
        Err(error) => Err(UpstreamError::Broken(error.to_string())),
    }
}

/// What every call hands on of the request in hand: its ids, its trace, and where and how it came in.
pub fn hand_on(headers: &mut HeaderMap, context: &RequestContext) {
    for (name, id) in [(X_REQUEST_ID, &context.request_id), (X_CORRELATION_ID, &context.correlation_id)] {
        if let Ok(value) = HeaderValue::from_str(id) {
            headers.insert(name, value);
        }
    }
    context.trace.inject(headers);
    if let Ok(client) = HeaderValue::try_from(context.client_ip.to_string()) {
        headers.insert(X_FORWARDED_FOR, client);
    }
    let scheme = if context.secure { "https" } else { "http" };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
}

/// What background work, such as the step of a saga, hands on of the request that it goes back to.
fn hand_on_cause(headers: &mut HeaderMap, origin: &Origin) {
    if let Ok(value) = HeaderValue::from_str(&origin.correlation_id) {
        headers.insert(X_CORRELATION_ID, value);
    }
    origin.trace.inject(headers);
}

impl Transport for Peer {
    fn send(&self, request: contract::client::Request) -> Sending<'_> {
        Box::pin(self.call(request))
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("name", &self.name)
            .field("local", &self.is_local())
            .finish_non_exhaustive()
    }
}
