//! Reads the key and the body before a handler runs, and looks after the key when it has ended.

use super::Idempotency;
use super::key::{IDEMPOTENCY_KEY, Key};
use super::request::Keyed;
use crate::error::ApiResult;
use crate::http::read_body;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::{BoxFuture, Either};
use http::Request;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Put around the routes of a service, inside of the edge.
#[derive(Debug, Clone)]
pub(crate) struct KeyedLayer(pub(crate) Idempotency);

impl<S> Layer<S> for KeyedLayer {
    type Service = KeyedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedService { keys: self.0.clone(), inner }
    }
}

/// One route with the layer around it.
#[derive(Debug, Clone)]
pub(crate) struct KeyedService<S> {
    keys: Idempotency,
    inner: S,
}

impl<S> Service<Request<Body>> for KeyedService<S>
where
    S: Service<Request<Body>, Response = Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // What changes nothing has nothing to repeat.
        if request.method().is_safe() || !request.headers().contains_key(IDEMPOTENCY_KEY) {
            return Either::Left(self.inner.call(request));
        }
        // The one that said that it is ready is the one to call.
        let other = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, other);
        Either::Right(Box::pin(serve(self.keys.clone(), inner, request)))
    }
}

async fn serve<S>(keys: Idempotency, mut inner: S, request: Request<Body>) -> Result<Response, S::Error>
where
    S: Service<Request<Body>, Response = Response>,
{
    let (request, keyed) = match read(keys, request).await {
        Ok(read) => read,
        Err(error) => return Ok(error.into_response()),
    };
    let ending = Ending(keyed);
    let response = inner.call(request).await?;
    ending.0.end(response.status()).await;
    Ok(response)
}

/// The request with its key, the body read.
async fn read(keys: Idempotency, request: Request<Body>) -> ApiResult<(Request<Body>, Keyed)> {
    let key = Key::of(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let body = read_body(&parts.headers, body).await?;
    let keyed = Keyed::new(keys, key, &parts, &body);
    parts.extensions.insert(keyed.clone());
    Ok((Request::from_parts(parts, Body::from(body)), keyed))
}

/// Dropped with the request: a handler that panicked, a client that went away, a deadline.
struct Ending(Keyed);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
