//! Cross-origin requests (Fetch standard, section 3.2): a page of a listed origin may call with its user's credentials,
//! any other origin is told nothing, so that the browser keeps the answer from it.
//!
//! What must hold: never a wildcard; the headers stand on every answer to a listed origin, errors included, because a
//! page can read only those; and a preflight is answered here, so that no route has to know of it.

use axum::body::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use http::{Method, Request, Response, StatusCode};

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str = "accept, authorization, content-type, if-match, if-none-match, idempotency-key, \
                               last-event-id, prefer, api-version, x-api-key, x-cart-token, x-correlation-id, \
                               x-request-id, x-no-compression";
const ANSWER_HEADERS: &str = "etag, idempotency-replayed, location, retry-after, api-version, x-correlation-id, x-request-id, ratelimit, \
                              ratelimit-policy, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";
/// Seconds that a browser may remember a preflight.
const REMEMBERED: &str = "600";

/// The list of origins, and what they are told.
#[derive(Debug, Clone)]
pub struct Cors(Vec<HeaderValue>);

impl Cors {
    /// What pages of these origins are told; each has passed [`check_origin`](super::check_origin).
    #[must_use]
    pub fn new(origins: &[String]) -> Self {
        Self(origins.iter().filter_map(|origin| origin.parse().ok()).collect())
    }

    /// Whether there is any origin that could be answered differently from others.
    pub(super) fn is_on(&self) -> bool {
        !self.0.is_empty()
    }

    /// The origin of a request, when it is listed.
    pub(super) fn listed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if !self.is_on() {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        self.0.iter().find(|listed| *listed == origin).cloned()
    }

    /// The answer to a preflight; the headers that allow something are added by [`Cors::allow`].
    pub(super) fn preflight(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let asks = self.is_on()
            && *request.method() == Method::OPTIONS
            && request.headers().contains_key(ORIGIN)
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.extensions_mut().insert(Preflight);
            response
        })
    }

    /// Tells a listed origin what it may do, and nobody else anything.
    pub(super) fn allow(&self, origin: Option<HeaderValue>, response: &mut Response<Body>) {
        let is_preflight = response.extensions().get::<Preflight>().is_some();
        let headers = response.headers_mut();
        // What stands behind may have an opinion of its own; the edge's is the only one.
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        let Some(origin) = origin else { return };
        let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
        set(ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        if is_preflight {
            set(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            set(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            set(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
        } else {
            set(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// Marks the answer to a preflight.
#[derive(Debug, Clone, Copy)]
struct Preflight;
