//! The edge: one piece around a service's router in which everything that holds for every request happens once.
//!
//! In this order: version and ids are read, the context and the span are made, a saturated process refuses what is least
//! important, internal routes are kept from strangers, the body is bounded, the router runs under the deadline with panics caught, the answer is compressed and gets its CORS
//! and security headers where that is asked for, and its metrics and its access line are written. A call from the same
//! process skips what only concerns the outside.

use super::body::{Arriving, BodyFault};
use super::compress::Coding;
use super::cors::Cors;
use super::etag::Conditions;
use super::record::{self, Record};
use super::remember::RememberRoute;
use super::shed::{Place, Shedder};
use super::tls::ClientCert;
use super::{
    API_VERSION, HttpConfig, Lane, Matched, RequestContext, Way, X_CORRELATION_ID, X_FORWARDED_FOR,
    X_FORWARDED_PROTO, X_NO_COMPRESSION, X_REQUEST_ID, X_REQUEST_TIMEOUT_MS, X_RETRIES_SPENT, client_ip,
    compress, guard, version,
};
use crate::clock::Clock;
use crate::error::{ApiError, ApiResult};
use crate::identity::{ServiceKeys, Verifier};
use crate::telemetry::origin;
use crate::telemetry::trace::TraceContext;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use contract::ErrorCode;
use futures_util::FutureExt;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, ORIGIN, REFERRER_POLICY, USER_AGENT, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Request, Response};
use metrics::Gauge;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::Instrument;
use uuid::Uuid;

/// Who brings a request to the edge.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A connection from this address.
    Socket(IpAddr),
    /// A connection over TLS from this address, by a client that may have shown a certificate.
    Secure(IpAddr, Option<Arc<ClientCert>>),
    /// A service in this process, on behalf of the request that it handles (if it does).
    InProcess(&'static str, Option<Arc<RequestContext>>),
}

/// What all requests of a service share.
#[derive(Debug)]
pub struct EdgeShared {
    /// The service's name: the `service` label and field.
    pub service: &'static str,
    /// The settings of the listener.
    pub config: Arc<HttpConfig>,
    /// The clock.
    pub clock: Clock,
    /// Verifies access tokens.
    pub verifier: Arc<Verifier>,
    /// Verifies the credentials of calling services.
    pub service_keys: Arc<ServiceKeys>,
    /// Refuses requests while the process is saturated.
    pub(crate) shedder: Arc<Shedder>,
}

/// A service's router with its edge. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    lane: Option<Arc<dyn Lane>>,
    cors: Arc<Cors>,
    active: Gauge,
    shared: Arc<EdgeShared>,
}

impl Edge {
    /// Puts the edge around a router. Routes must be complete: the fallbacks for unknown paths and methods are added here.
    /// `around` puts layers around all of them, the fallbacks too.
    #[must_use]
    pub fn new(router: Router, shared: EdgeShared, around: impl FnOnce(Router) -> Router) -> Self {
        let router = router
            .route_layer(RememberRoute)
            .fallback(|| async { ApiError::new(ErrorCode::NotFound, "There is no such route.") })
            .method_not_allowed_fallback(|| async {
                ApiError::new(ErrorCode::MethodNotAllowed, "The route does not know this method.")
            });
        let router = around(router);
        origin::tell_requests(RequestContext::tell_current);
        let active = metrics::gauge!("http_active_connections", "service" => shared.service);
        let cors = Arc::new(Cors::new(&shared.config.allowed_origins));
        Self { router, lane: None, cors, active, shared: Arc::new(shared) }
    }

    /// Has a lane asked for the route of each request from outside, before the router is.
    #[must_use]
    pub(crate) fn with_lane(self, lane: Option<Arc<dyn Lane>>) -> Self {
        Self { lane, ..self }
    }

    /// The name of the service behind it.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.shared.service
    }

    /// The settings of the listener.
    #[must_use]
    pub fn config(&self) -> &Arc<HttpConfig> {
        &self.shared.config
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    pub async fn handle(&self, mut request: Request<Body>, caller: Caller) -> Response<Body> {
        let (way, version) = self.find(&mut request, &caller);
        let context = Arc::new(self.context(&request, &caller, way.as_deref()));
        let span = record::span(self.shared.service, &context);
        let handling = async {
            let mut record = Record::begin(self.shared.service, request.method(), self.active.clone());
            let response = match (caller, version) {
                (Caller::Socket(_) | Caller::Secure(..), version) => {
                    self.outside(request, version, way, &context).await
                }
                (Caller::InProcess(..), Ok(_)) => self.run(request, way, &context).await,
                (Caller::InProcess(..), Err(error)) => error.into_response(),
            };
            record.answered(response.status(), response.extensions().get::<ErrorCode>().copied());
            response
        };
        context.clone().scope(handling.instrument(span)).await
    }

    /// The way of a request, and the version that it asks for. A way for the path as it was sent comes before one for the
    /// same path with a version.
    fn find(
        &self,
        request: &mut Request<Body>,
        caller: &Caller,
    ) -> (Option<Arc<dyn Way>>, ApiResult<Option<u32>>) {
        let (Some(lane), Caller::Socket(_) | Caller::Secure(..)) = (&self.lane, caller) else {
            return (None, version::resolve(request));
        };
        if let Some(way) = lane.find(request) {
            return (Some(way), Ok(None));
        }
        let length = request.uri().path().len();
        let version = version::resolve(request);
        let is_rewritten = request.uri().path().len() != length;
        (if is_rewritten { lane.find(request) } else { None }, version)
    }

    /// What only concerns requests that came over a connection.
    async fn outside(
        &self,
        mut request: Request<Body>,
        version: ApiResult<Option<u32>>,
        way: Option<Arc<dyn Way>>,
        context: &Arc<RequestContext>,
    ) -> Response<Body> {
        let of_way = way.clone();
        let cors = of_way.as_ref().and_then(|way| way.cors()).unwrap_or(&self.cors);
        let origin = cors.listed(request.headers());
        let named = version.as_ref().ok().copied().flatten();
        let limit = way.as_ref().and_then(|way| way.body_limit());
        let sound = guard::check(&request);
        let preflight = if sound.is_ok() { cors.preflight(&request) } else { None };
        let entered = sound.and(version).and_then(|_| self.enter(&mut request, limit, context));
        let mut response = match (entered, preflight) {
            (_, Some(preflight)) => preflight,
            (Err(error), None) => error.into_response(),
            (Ok(place), None) => {
                self.shared.shedder.feel(&place).await;
                self.compressed(request, way, context).await
            }
        };
        cors.allow(origin, &mut response);
        if response.status().is_server_error()
            && context.calling_service.is_some()
            && context.retries_spent.load(Relaxed)
        {
            response.headers_mut().insert(X_RETRIES_SPENT, HeaderValue::from_static("1"));
        }
        let differs = (self.shared.config.compression, cors.is_on());
        finish(response.headers_mut(), context, named, differs);
        if of_way.is_none() || response.extensions().get::<ErrorCode>().is_some() {
            // What a way brings from elsewhere may be a page, whose own rules these are.
            secure(response.headers_mut(), context.calling_service.is_some());
        }
        response
    }

    /// Lets a request in, when there is room and it may.
    fn enter(
        &self,
        request: &mut Request<Body>,
        limit: Option<usize>,
        context: &RequestContext,
    ) -> ApiResult<Place<'_>> {
        let place = self.shared.shedder.enter(request, context)?;
        self.admit(request, limit, context)?;
        Ok(place)
    }

    /// Refuses what need not go on, and bounds the body.
    fn admit(
        &self,
        request: &mut Request<Body>,
        limit: Option<usize>,
        context: &RequestContext,
    ) -> ApiResult<()> {
        if context.calling_service.is_none() && request.uri().path().starts_with("/internal/") {
            // Not found, not forbidden: from outside there are no internal routes.
            return Err(ApiError::new(ErrorCode::NotFound, "There is no such route."));
        }
        if http_body::Body::is_end_stream(request.body()) {
            return Ok(());
        }
        let config = &self.shared.config;
        let limit = limit.unwrap_or_else(|| config.limit_of(request.headers()));
        let announced = http_body::Body::size_hint(request.body()).exact();
        if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit)) {
            return Err(BodyFault::TooLarge(limit).into());
        }
        let body = std::mem::take(request.body_mut());
        let patience = Duration::from_millis(config.body_timeout_ms);
        *request.body_mut() = Body::new(Arriving::new(body, limit, patience, config.body_min_rate));
        Ok(())
    }

    async fn compressed(
        &self,
        mut request: Request<Body>,
        way: Option<Arc<dyn Way>>,
        context: &Arc<RequestContext>,
    ) -> Response<Body> {
        let headers = request.headers_mut();
        let known: Vec<_> = headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
        compress::unmark_tags(headers);
        if !headers.contains_key(ACCEPT_ENCODING) || way.as_ref().is_some_and(|way| !way.compresses()) {
            return self.run(request, way, context).await;
        }
        let may = self.shared.config.compression && !headers.contains_key(&X_NO_COMPRESSION);
        let Some(coding) = Coding::of(headers).filter(|_| may) else {
            // Nor is the service behind a gateway to compress.
            headers.remove(ACCEPT_ENCODING);
            return self.run(request, way, context).await;
        };
        // One coding, and so one variant for whatever keeps answers in between.
        headers.insert(ACCEPT_ENCODING, coding.header());
        coding.apply(self.run(request, way, context).await, &known).await
    }

    /// Runs the way, or else the router, under the deadline, panics caught.
    async fn run(
        &self,
        request: Request<Body>,
        way: Option<Arc<dyn Way>>,
        context: &Arc<RequestContext>,
    ) -> Response<Body> {
        let conditions = Conditions::of(&request);
        let running = async {
            match way {
                Some(way) => way.attend(request, context.clone()).await,
                None => unwrap(self.router.clone().oneshot(request).await),
            }
        };
        let running = AssertUnwindSafe(running).catch_unwind();
        match tokio::time::timeout_at(context.deadline, running).await {
            Ok(Ok(mut response)) => {
                conditions.apply(&mut response);
                response
            }
            Ok(Err(panic)) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
                ApiError::internal(anyhow::anyhow!("panic: {text}")).into_response()
            }
            Err(_) => {
                let message = "No answer before the deadline; whether a change took effect is not known.";
                ApiError::new(ErrorCode::DeadlineExceeded, message).into_response()
            }
        }
    }

    fn context(&self, request: &Request<Body>, caller: &Caller, way: Option<&dyn Way>) -> RequestContext {
        let (shared, headers) = (&self.shared, request.headers());
        let parent = match caller {
            Caller::InProcess(_, parent) => parent.as_deref(),
            Caller::Socket(_) | Caller::Secure(..) => None,
        };
        let calling_service = match caller {
            Caller::InProcess(name, _) => Some((*name).into()),
            Caller::Socket(_) | Caller::Secure(..) => {
                shared.service_keys.caller(headers, shared.service, &shared.clock)
            }
        };
        let (secure, client_cert) = match (caller, parent) {
            (Caller::Socket(address), _) => (self.secure(*address, false, headers, &calling_service), None),
            (Caller::Secure(address, client), _) => {
                (self.secure(*address, true, headers, &calling_service), client.clone())
            }
            (_, Some(parent)) => (parent.secure, parent.client_cert.clone()),
            (_, None) => (false, None),
        };
        let client_ip = match (caller, parent) {
            (Caller::Socket(address) | Caller::Secure(address, _), _) => {
                // A line that is no text is nobody's address; it must not make the ones beside it count.
                let forwarded = headers.get_all(&X_FORWARDED_FOR).into_iter();
                let forwarded = forwarded.map(|value| value.to_str().unwrap_or("?"));
                let trusted = &shared.config.trusted_proxies;
                client_ip::client_ip(*address, calling_service.is_some(), forwarded, trusted)
            }
            (_, Some(parent)) => parent.client_ip,
            (_, None) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let request_id = valid_id(headers, &X_REQUEST_ID).unwrap_or_else(new_id);
        let authorization = authorization(headers);
        let principal = OnceLock::new();
        if let Some(parent) = parent
            && let Some(known) = parent.principal.get()
            && parent.authorization == authorization
        {
            // Nobody else can have set it: the cell is a line old.
            drop(principal.set(known.clone()));
        }
        let accept = text(headers, &ACCEPT);
        RequestContext {
            correlation_id: valid_id(headers, &X_CORRELATION_ID).unwrap_or_else(|| request_id.clone()),
            request_id,
            trace: TraceContext::receive(headers),
            deadline: self.deadline(headers, parent, way.and_then(Way::timeout)),
            client_ip,
            secure,
            client_cert,
            user_agent: text(headers, &USER_AGENT).map(|agent| agent.get(..200).unwrap_or(agent).into()),
            wants_problem: accept.is_some_and(|accept| accept.contains("application/problem+json")),
            calling_service,
            method: request.method().clone(),
            path: request.uri().path().into(),
            authorization,
            principal,
            caller: OnceLock::new(),
            route: way
                .map(|way| Matched::Way(way.label().clone()))
                .map_or_else(OnceLock::new, OnceLock::from),
            retries_spent: parent.map(|parent| parent.retries_spent.clone()).unwrap_or_default(),
            edge: shared.clone(),
        }
    }

    /// Whether the client came over HTTPS. Whom we believe about its address we believe about that too; of several proxies
    /// all must have said so.
    fn secure(&self, socket: IpAddr, own: bool, headers: &HeaderMap, service: &Option<Box<str>>) -> bool {
        if service.is_none() && !client_ip::is_trusted(socket, &self.shared.config.trusted_proxies) {
            return own;
        }
        let mut lines = headers.get_all(&X_FORWARDED_PROTO).into_iter().peekable();
        if lines.peek().is_none() {
            return own;
        }
        // The client's own line may stand before those of proxies.
        let mut hops = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        hops.all(|hop| hop.trim_ascii().eq_ignore_ascii_case(b"https"))
    }

    /// The configured time, less when the caller waits less; never later than that of the request in whose course this
    /// one was made.
    fn deadline(
        &self,
        headers: &HeaderMap,
        parent: Option<&RequestContext>,
        of_way: Option<Duration>,
    ) -> Instant {
        let longest = of_way.unwrap_or_else(|| self.shared.config.request_timeout());
        let asked = text(headers, &X_REQUEST_TIMEOUT_MS).and_then(|ms| ms.parse().ok());
        let own = Instant::now() + asked.map_or(longest, |ms| Duration::from_millis(ms).min(longest));
        parent.map_or(own, |parent| own.min(parent.deadline))
    }
}

/// Names the request on its answer. `differs`: whether answers differ by compression, and by the page that asks.
fn finish(headers: &mut HeaderMap, context: &RequestContext, version: Option<u32>, differs: (bool, bool)) {
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(X_REQUEST_ID, &context.request_id);
    set(X_CORRELATION_ID, &context.correlation_id);
    if let Some(version) = version {
        headers.insert(API_VERSION, HeaderValue::from(version));
    }
    if headers.contains_key(CACHE_CONTROL) {
        // Somebody may keep it: for whom it is the right answer must stand on it, whoever asked this time.
        let (compression, pages) = differs;
        vary(headers, [(ACCEPT_ENCODING, compression), (ORIGIN, pages)]);
    }
}

fn vary(headers: &mut HeaderMap, differs: [(HeaderName, bool); 2]) {
    for (name, _) in differs.into_iter().filter(|(_, differs)| *differs) {
        let mut named = headers.get_all(VARY).iter().filter_map(|value| value.to_str().ok());
        if !named.any(|line| line.split(',').any(|part| part.trim().eq_ignore_ascii_case(name.as_str()))) {
            headers.append(VARY, HeaderValue::from(name));
        }
    }
}

/// What a browser is told unless a route says otherwise.
fn secure(headers: &mut HeaderMap, for_a_service: bool) {
    for (name, value) in SECURITY {
        if for_a_service && name == CACHE_CONTROL {
            // A handler that says nothing about keeping says nothing to the door either, as in the same process; the door tells
            // the client.
            continue;
        }
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("service", &self.shared.service).finish_non_exhaustive()
    }
}

/// What a browser is told unless a route says otherwise. An API's answers are never framed, sniffed or stored.
const SECURITY: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-site"),
    (CACHE_CONTROL, "no-store"),
];

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// An id from outside is kept only if it cannot do harm in a log: 1 to 64 letters, digits, `.`, `_` or `-`.
fn valid_id(headers: &HeaderMap, name: &HeaderName) -> Option<Box<str>> {
    let id = text(headers, name)?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=64).contains(&id.len()) && id.bytes().all(fine)).then(|| id.into())
}

fn new_id() -> Box<str> {
    let mut text = [0; 36];
    Box::from(&*Uuid::now_v7().hyphenated().encode_lower(&mut text))
}

/// The credentials of the person who asks. Two of them are none that verify: a proxy might read the first and a service
/// the last.
fn authorization(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut all = headers.get_all(AUTHORIZATION).into_iter();
    let first = all.next()?;
    Some(if all.next().is_some() { HeaderValue::from_static("") } else { first.clone() })
}

fn unwrap<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
