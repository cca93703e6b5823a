//! The layer that counts a request before it is handled, and tells in the answer's headers.

use super::Limits;
use super::asked::{Asked, by_token};
use super::headers::tell;
use crate::http::RequestContext;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Request, Response};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Counts the requests to the routes that it stands around. Outside of a request's context it lets everything through.
#[derive(Debug, Clone)]
pub struct LimitLayer {
    limits: Limits,
    which: Which,
}

#[derive(Debug, Clone, Copy)]
enum Which {
    /// What holds for requests from outside.
    General,
    /// The policy at this place; nothing when it is off.
    Policy(Option<usize>),
}

impl LimitLayer {
    pub(super) const fn general(limits: Limits) -> Self {
        Self { limits, which: Which::General }
    }

    pub(super) const fn policy(limits: Limits, place: Option<usize>) -> Self {
        Self { limits, which: Which::Policy(place) }
    }

    fn asked(&self, request: &Request<Body>) -> Asked<'_> {
        let asked = |cx: &RequestContext| match self.which {
            Which::General => Asked::of(self.limits.outside(cx, request).map(by_token), cx, request),
            Which::Policy(place) => {
                let policy = place.and_then(|place| self.limits.shared.policies.get(place));
                Asked::of(policy.map(by_token).into_iter(), cx, request)
            }
        };
        RequestContext::with_current(asked).unwrap_or_default()
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limiting<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Limiting { layer: self.clone(), inner }
    }
}

/// What stands behind a [`LimitLayer`].
#[derive(Debug, Clone)]
pub struct Limiting<S> {
    layer: LimitLayer,
    inner: S,
}

impl<S> Service<Request<Body>> for Limiting<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that was asked whether it is ready is the one that is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let layer = self.layer.clone();
        Box::pin(async move {
            let asked = layer.asked(&request);
            if asked.is_empty() {
                return inner.call(request).await;
            }
            let (told, outcome) = layer.limits.decide(&asked).await;
            let mut response = match outcome {
                Ok(()) => inner.call(request).await?,
                Err(error) => error.into_response(),
            };
            tell(response.headers_mut(), &told);
            Ok(response)
        })
    }
}
