//! Copies of requests that go to another upstream, whose answers nobody sees.
//!
//! What must hold: the real request waits for nothing of this and fails through nothing of it. So a copy is made of what passes
//! by anyway, is sent when all of the body has passed, and is given up when there are too many of them, when the body is larger
//! than is kept, or after its time.
//!
//! What it does not do: a copy proves nobody. It carries no credential of the door, and neither tokens nor cookies of who asked;
//! it says that it is one (`X-Mirrored: 1`).

use super::share::{Row, Share};
use super::spec::MirrorSpec;
use crate::upstream::{Ask, Upstream};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use chassis::stop::Stop;
use futures_util::StreamExt;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body::{Body as HttpBody, Frame, SizeHint};
use metrics::{Counter, counter};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

const X_MIRRORED: HeaderName = HeaderName::from_static("x-mirrored");
/// What is read of an answer, so that its connection can be used again.
const READ: usize = 1 << 20;

/// Where copies go.
#[derive(Clone)]
pub(crate) struct Mirror(Arc<Inner>);

struct Inner {
    upstream: Arc<Upstream>,
    share: Share,
    row: Row,
    with_unsafe: bool,
    max_body: usize,
    longest: Duration,
    places: Arc<Semaphore>,
    /// Copies under way; they end with the route.
    under_way: Mutex<JoinSet<()>>,
    stop: Stop,
    answered: Counter,
    failed: Counter,
    too_many: Counter,
    too_large: Counter,
}

impl Mirror {
    pub(crate) fn new(route: &Arc<str>, spec: &MirrorSpec, upstream: Arc<Upstream>, stop: Stop) -> Self {
        let outcome = |outcome| counter!("gateway_mirror_requests_total", "route" => Arc::clone(route), "outcome" => outcome);
        Self(Arc::new(Inner {
            upstream,
            share: Share::of(spec.percent).unwrap_or(Share::NONE),
            row: Row::default(),
            with_unsafe: spec.with_unsafe,
            max_body: spec.max_body,
            longest: Duration::from_millis(spec.timeout_ms),
            places: Arc::new(Semaphore::new(spec.concurrency)),
            under_way: Mutex::default(),
            stop,
            answered: outcome("answered"),
            failed: outcome("failed"),
            too_many: outcome("too_many"),
            too_large: outcome("too_large"),
        }))
    }

    /// Whether a copy is made of this request.
    pub(crate) fn wants(&self, request: &Request<Body>) -> bool {
        let Inner { share, row, with_unsafe, max_body, too_large, .. } = &*self.0;
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let wants = (is_safe || *with_unsafe)
            && !request.headers().contains_key(UPGRADE)
            && request.method() != Method::CONNECT
            && share.has(row.next());
        if wants && request.body().size_hint().lower() > *max_body as u64 {
            too_large.increment(1);
            return false;
        }
        wants
    }

    /// Has a copy made of what passes by. `copy` is the head as the other upstream is to see it.
    pub(crate) fn copy(&self, mut copy: Request<()>, request: Request<Body>) -> Request<Body> {
        let headers = copy.headers_mut();
        for name in [AUTHORIZATION, COOKIE, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        headers.insert(X_MIRRORED, HeaderValue::from_static("1"));
        if request.body().is_end_stream() {
            self.send(copy.map(|()| Body::empty()));
            return request;
        }
        let mirror = self.clone();
        request.map(|body| Body::new(Copied { body, kept: BytesMut::new(), copy: Some((mirror, copy)) }))
    }

    fn send(&self, request: Request<Body>) {
        if self.0.stop.is_stopping() {
            return;
        }
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else {
            self.0.too_many.increment(1);
            return;
        };
        let inner = Arc::downgrade(&self.0);
        let mut under_way = self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        while under_way.try_join_next().is_some() {}
        let (upstream, longest) = (Arc::clone(&self.0.upstream), self.0.longest);
        under_way.spawn(async move {
            let _place = place;
            let deadline = Instant::now() + longest;
            let answered = timeout_at(deadline, exchange(&upstream, request, deadline)).await;
            if let Some(inner) = inner.upgrade() {
                let counter = if answered == Ok(true) { &inner.answered } else { &inner.failed };
                counter.increment(1);
            }
        });
    }
}

/// Sends a copy and reads the answer; whether there was one.
async fn exchange(upstream: &Upstream, request: Request<Body>, deadline: Instant) -> bool {
    let ask = Ask { deadline, tries: 1, key: None, sticky: None };
    let Ok(sent) = upstream.send(request, &ask).await else { return false };
    let mut body = sent.response.into_body().into_data_stream();
    let mut read = 0;
    while read < READ
        && let Some(Ok(piece)) = body.next().await
    {
        read += piece.len();
    }
    true
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("upstream", &self.0.upstream).finish_non_exhaustive()
    }
}

/// A body that passes by, and what is kept of it.
struct Copied {
    body: Body,
    kept: BytesMut,
    /// Nothing once the copy was sent, or will not be.
    copy: Option<(Mirror, Request<()>)>,
}

impl Copied {
    fn keep(&mut self, piece: &[u8]) {
        let Some((mirror, _)) = &self.copy else { return };
        if self.kept.len() + piece.len() > mirror.0.max_body {
            mirror.0.too_large.increment(1);
            self.copy = None;
            self.kept = BytesMut::new();
        } else {
            self.kept.extend_from_slice(piece);
        }
    }

    fn passed(&mut self) {
        if let Some((mirror, head)) = self.copy.take() {
            let whole = std::mem::take(&mut self.kept).freeze();
            mirror.send(head.map(|()| Body::from(whole)));
        }
    }
}

impl HttpBody for Copied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    self.keep(piece);
                }
                // Who reads it need not ask again when it knows that this was the end.
                if self.body.is_end_stream() {
                    self.passed();
                }
            }
            Some(Err(_)) => self.copy = None,
            None => self.passed(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
