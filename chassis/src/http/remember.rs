//! Which route of a router matched: the router keeps that to itself otherwise.

use super::{Matched, RequestContext};
use axum::body::Body;
use axum::extract::MatchedPath;
use http::Request;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Tells the context which route matched; the router keeps that to itself otherwise.
#[derive(Clone)]
pub(super) struct RememberRoute;

impl<S> Layer<S> for RememberRoute {
    type Service = Remembering<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Remembering(inner)
    }
}

#[derive(Clone)]
pub(super) struct Remembering<S>(S);

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
                drop(context.route.set(Matched::Router(matched.clone())));
            });
        }
        self.0.call(request)
    }
}
