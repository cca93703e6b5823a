//! The edge: one piece around a service's router in which everything that holds for every request happens once.
//!
//! In this order: version and ids are read, the context and the span are made, the size is checked, CORS and compression
//! are added where the request asks for them, the router runs under the deadline with panics caught, and the answer gets
//! its headers, its metrics and its access line. A call from the same process skips what only concerns the outside.

use super::record::Record;
use super::{
    API_VERSION, HttpConfig, RequestContext, X_CORRELATION_ID, X_FORWARDED_FOR, X_NO_COMPRESSION,
    X_REQUEST_ID, X_REQUEST_TIMEOUT_MS, client_ip, etag, json, version,
};
use crate::clock::Clock;
use crate::error::{ApiError, ApiResult};
use crate::identity::{ServiceKeys, Verifier};
use crate::telemetry::trace::{self, TraceContext};
use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::IntoResponse;
use contract::ErrorCode;
use futures_util::FutureExt;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, ETAG,
    HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Limited;
use metrics::Gauge;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;
use uuid::Uuid;

/// Who brings a request to the edge.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A connection from this address.
    Socket(IpAddr),
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
}

/// A service's router with its edge. Cheap to clone.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    cors: CorsLayer,
    active: Gauge,
    shared: Arc<EdgeShared>,
}

impl Edge {
    /// Puts the edge around a router. Routes must be complete: the fallbacks for unknown paths and methods are added here.
    #[must_use]
    pub fn new(router: Router, shared: EdgeShared) -> Self {
        let router = router
            .route_layer(RememberRoute)
            .fallback(|| async { ApiError::new(ErrorCode::NotFound, "There is no such route.") })
            .method_not_allowed_fallback(|| async {
                ApiError::new(ErrorCode::MethodNotAllowed, "The route does not know this method.")
            });
        let active = metrics::gauge!("http_active_connections", "service" => shared.service);
        Self { router, cors: cors(&shared.config), active, shared: Arc::new(shared) }
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
        let version = version::resolve(&mut request);
        let context = Arc::new(self.context(request.headers(), &caller));
        let span = self.span(&request, &context);
        let handling = async {
            let mut record = Record::begin(
                self.shared.service,
                request.method(),
                self.active.clone(),
                tracing::Span::current(),
            );
            let inside = matches!(caller, Caller::InProcess(..));
            let conditions = Conditions::of(&request);
            let mut response = match version.as_ref() {
                Ok(_) => self.respond(request, inside, &context).await,
                Err(_) => Response::new(Body::empty()),
            };
            let version = match version {
                Ok(version) => version,
                Err(error) => {
                    response = error.into_response();
                    None
                }
            };
            conditions.apply(&mut response);
            self.finish(response.headers_mut(), &context, version, inside);
            record.answered(response.status(), response.extensions().get::<ErrorCode>().copied());
            response
        };
        context.clone().scope(handling.instrument(span)).await
    }

    async fn respond(
        &self,
        mut request: Request<Body>,
        inside: bool,
        context: &RequestContext,
    ) -> Response<Body> {
        if !inside && let Err(error) = self.bound(&mut request) {
            return error.into_response();
        }
        if request.headers().contains_key(&X_NO_COMPRESSION) || !self.shared.config.compression {
            request.headers_mut().remove(ACCEPT_ENCODING);
        }
        let headers = request.headers();
        let plain = inside || !(headers.contains_key(ORIGIN) || headers.contains_key(ACCEPT_ENCODING));
        let running = AssertUnwindSafe(self.route(request, plain)).catch_unwind();
        match tokio::time::timeout_at(context.deadline, running).await {
            Ok(Ok(response)) => response,
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

    /// Runs the router; through CORS and compression only when the request asks for one of them.
    async fn route(&self, request: Request<Body>, plain: bool) -> Response<Body> {
        let router = self.router.clone();
        if plain {
            return unwrap(router.oneshot(request).await);
        }
        let compressed = CompressionLayer::new().layer(router);
        unwrap(self.cors.layer(compressed).oneshot(request).await).map(Body::new)
    }

    /// Refuses a body that says it is too large, and bounds one that does not say.
    fn bound(&self, request: &mut Request<Body>) -> ApiResult<()> {
        let limit = self.shared.config.body_limit;
        let length = request
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        match length {
            Some(length) if length > limit => Err(json::too_large(limit)),
            Some(_) => Ok(()),
            None => {
                if !http_body::Body::is_end_stream(request.body()) {
                    let body = std::mem::take(request.body_mut());
                    *request.body_mut() = Body::new(Limited::new(body, limit));
                }
                Ok(())
            }
        }
    }

    fn context(&self, headers: &HeaderMap, caller: &Caller) -> RequestContext {
        let shared = &self.shared;
        let (parent, calling_service, socket) = match caller {
            Caller::InProcess(name, parent) => (parent.as_ref(), Some((*name).into()), None),
            Caller::Socket(address) => {
                (None, shared.service_keys.caller(headers, shared.service, &shared.clock), Some(*address))
            }
        };
        let request_id =
            valid_id(headers, &X_REQUEST_ID).unwrap_or_else(|| Uuid::now_v7().to_string().into());
        let correlation_id = valid_id(headers, &X_CORRELATION_ID).unwrap_or_else(|| request_id.clone());
        let client_ip = match (socket, parent) {
            (Some(address), _) => {
                let forwarded =
                    headers.get_all(&X_FORWARDED_FOR).into_iter().filter_map(|value| value.to_str().ok());
                client_ip::client_ip(
                    address,
                    calling_service.is_some(),
                    forwarded,
                    &shared.config.trusted_proxies,
                )
            }
            (None, Some(parent)) => parent.client_ip,
            (None, None) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let asked =
            text(headers, &X_REQUEST_TIMEOUT_MS).and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
        let longest = shared.config.request_timeout();
        let principal = OnceLock::new();
        if let Some(known) = parent.and_then(|parent| parent.principal.get()) {
            // Nobody else can have set it: the cell is a line old.
            drop(principal.set(known.clone()));
        }
        RequestContext {
            request_id,
            correlation_id,
            trace: TraceContext::receive(headers),
            deadline: Instant::now() + asked.map_or(longest, |asked| asked.min(longest)),
            client_ip,
            user_agent: text(headers, &USER_AGENT)
                .map(|agent| agent.chars().take(200).collect::<String>().into()),
            wants_problem: text(headers, &ACCEPT)
                .is_some_and(|accept| accept.contains("application/problem+json")),
            calling_service,
            authorization: headers.get(AUTHORIZATION).cloned(),
            principal,
            route: OnceLock::new(),
            edge: shared.clone(),
        }
    }

    fn span(&self, request: &Request<Body>, context: &RequestContext) -> tracing::Span {
        let span = tracing::info_span!(
            "request",
            service = self.shared.service,
            request_id = %context.request_id,
            correlation_id = %context.correlation_id,
            trace_id = %context.trace.trace_id(),
            method = %request.method(),
            path = request.uri().path(),
            user = tracing::field::Empty,
        );
        trace::export_as(&span, &context.trace);
        span
    }

    fn finish(&self, headers: &mut HeaderMap, context: &RequestContext, version: Option<u32>, inside: bool) {
        if inside {
            return;
        }
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
        for (name, value) in SECURITY {
            if !headers.contains_key(&name) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
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

/// The conditions of a read, taken before the request goes into the router.
struct Conditions(Option<HeaderMap>);

impl Conditions {
    fn of(request: &Request<Body>) -> Self {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let known = reads.then(|| request.headers().get_all(http::header::IF_NONE_MATCH));
        let mut kept = HeaderMap::new();
        for value in known.into_iter().flatten() {
            kept.append(http::header::IF_NONE_MATCH, value.clone());
        }
        Self((!kept.is_empty()).then_some(kept))
    }

    fn apply(&self, response: &mut Response<Body>) {
        let Some(headers) = &self.0 else { return };
        let known = response.headers().get(ETAG).is_some_and(|tag| etag::is_known(headers, tag));
        if response.status() == StatusCode::OK && known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::empty();
            response.headers_mut().remove(CONTENT_LENGTH);
            response.headers_mut().remove(http::header::CONTENT_TYPE);
        }
    }
}

fn cors(config: &HttpConfig) -> CorsLayer {
    let origins: Vec<HeaderValue> =
        config.allowed_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    let headers = [
        ACCEPT,
        AUTHORIZATION,
        http::header::CONTENT_TYPE,
        http::header::IF_MATCH,
        http::header::IF_NONE_MATCH,
        HeaderName::from_static("idempotency-key"),
        API_VERSION,
        X_CORRELATION_ID,
        X_REQUEST_ID,
        X_NO_COMPRESSION,
    ];
    let exposed = [
        ETAG,
        http::header::LOCATION,
        http::header::RETRY_AFTER,
        API_VERSION,
        X_CORRELATION_ID,
        X_REQUEST_ID,
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(headers)
        .expose_headers(exposed)
        .max_age(Duration::from_secs(600))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// An id from outside is kept only if it cannot do harm in a log: 1 to 64 letters, digits, `.`, `_` or `-`.
fn valid_id(headers: &HeaderMap, name: &HeaderName) -> Option<Box<str>> {
    let id = text(headers, name)?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=64).contains(&id.len()) && id.bytes().all(fine)).then(|| id.into())
}

fn unwrap<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Tells the context which route matched; the router keeps that to itself otherwise.
#[derive(Clone)]
struct RememberRoute;

impl<S> Layer<S> for RememberRoute {
    type Service = Remembering<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Remembering(inner)
    }
}

#[derive(Clone)]
struct Remembering<S>(S);

impl<S: Service<Request<Body>>> Service<Request<Body>> for Remembering<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if let Some(matched) = request.extensions().get::<MatchedPath>() {
            RequestContext::with_current(|context| {
                // A nested router may match again; the first, whole template is kept.
                drop(context.route.set(matched.clone()));
            });
        }
        self.0.call(request)
    }
}
