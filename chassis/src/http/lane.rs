//! Routes that are not known when a service is built, such as those of a file that may change while it runs.
//!
//! The edge asks the lane of a service, where it has one, before it asks the service's router. A way that is found decides
//! what the edge has to know before a request is let in: its label in metrics and logs, its time, how large a body may be,
//! and which pages may call. Everything else, limits too, the way does itself.

use super::{Cors, RequestContext};
use axum::body::Body;
use http::{Request, Response};
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A request while a [`Way`] answers it.
pub type Attending = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Knows the routes of this moment.
pub trait Lane: Debug + Send + Sync + 'static {
    /// The route of a request; `None` leaves it to the router. It must not wait.
    fn find(&self, request: &Request<Body>) -> Option<Arc<dyn Way>>;
}

/// One of those routes.
pub trait Way: Debug + Send + Sync {
    /// Its name: the label in metrics and logs. It comes from whoever configured the route, never from a request.
    fn label(&self) -> &Arc<str>;

    /// How long a request may take, instead of `http.request_timeout_ms`.
    fn timeout(&self) -> Option<Duration>;

    /// The largest body of a request in bytes, instead of `http.body_limit`.
    fn body_limit(&self) -> Option<usize>;

    /// Which pages may call, instead of those in `http.allowed_origins`.
    fn cors(&self) -> Option<&Cors>;

    /// Whether the answer may be compressed on its way to the client.
    fn compresses(&self) -> bool;

    /// Answers a request. Panics are caught and the deadline is kept around it.
    fn attend(self: Arc<Self>, request: Request<Body>, cx: Arc<RequestContext>) -> Attending;
}
