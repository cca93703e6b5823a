//! A request that can be sent again: its head is kept, and of its body what was passed on, as long as that is little.
//!
//! The first attempt streams as if there were no other. What it took from the body is remembered, up to [`KEPT`] bytes;
//! the next attempt begins with that and goes on with the rest. Once more than that went out there is no other attempt. So
//! a large upload costs no memory, and one whose connection could not be opened can still go elsewhere.

use super::UpstreamError;
use super::base::Base;
use crate::http::X_REQUEST_TIMEOUT_MS;
use ::http::header::HeaderValue;
use ::http::request::Parts;
use ::http::{Method, Request};
use axum::body::Body;
use bytes::Bytes;
use contract::client::IDEMPOTENCY_KEY;
use http_body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// How much of a body is remembered.
const KEPT: usize = 64 * 1024;

/// A request and what is needed to send it again.
pub struct Replay {
    head: Parts,
    /// Whether a second time does no harm, also when the first one took effect.
    harmless: bool,
    body: Option<Arc<Mutex<Shared>>>,
}

/// What the attempts share.
struct Shared {
    rest: Body,
    sent: Vec<Bytes>,
    /// Bytes in `sent`.
    kept: usize,
    /// More went out than is remembered.
    forgotten: bool,
    /// The attempt that may read; an earlier one, whose connection may not know yet that it is given up, may not.
    attempt: u32,
}

impl Replay {
    /// A request of which nothing was sent yet.
    #[must_use]
    pub fn new(request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        let by_method = matches!(
            head.method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
        );
        let harmless = by_method || head.headers.contains_key(&IDEMPOTENCY_KEY);
        let shared = |rest| Shared { rest, sent: Vec::new(), kept: 0, forgotten: false, attempt: 0 };
        let body = (!body.is_end_stream()).then(|| Arc::new(Mutex::new(shared(body))));
        Self { head, harmless, body }
    }

    /// Whether it may be sent twice although the first time may have taken effect (RFC 9110, section 9.2.2, or a key by which
    /// the peer knows the second time).
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.harmless
    }

    /// Whether it asks for something and changes nothing.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.head.method, Method::GET | Method::HEAD) && self.body.is_none()
    }

    /// Whether all of it can be sent again.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.body.as_ref().is_none_or(|shared| !lock(shared).forgotten)
    }

    /// The next attempt, to this instance, which is told how much time is left.
    pub(super) fn attempt(&self, base: &Base, left: Duration) -> Result<Request<Body>, UpstreamError> {
        let mut request = self.again();
        *request.uri_mut() = base.join(request.uri())?;
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        request.headers_mut().insert(X_REQUEST_TIMEOUT_MS, HeaderValue::from(left));
        Ok(request)
    }

    /// The next attempt as it came, after which there may be another one.
    #[must_use]
    pub fn again(&self) -> Request<Body> {
        Request::from_parts(self.head.clone(), self.body())
    }

    /// The next attempt, which is the last one: nothing is copied for it.
    #[must_use]
    pub fn last(self) -> Request<Body> {
        let body = self.body();
        Request::from_parts(self.head, body)
    }

    fn body(&self) -> Body {
        self.body.as_ref().map_or_else(Body::empty, |shared| Body::new(Attempt::of(shared.clone())))
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of one attempt.
struct Attempt {
    shared: Arc<Mutex<Shared>>,
    number: u32,
    /// How many of the remembered pieces it has passed on.
    place: usize,
    /// What it has yet to pass on, when that is known.
    left: Option<u64>,
}

impl Attempt {
    fn of(shared: Arc<Mutex<Shared>>) -> Self {
        let (number, left) = {
            let mut shared = lock(&shared);
            shared.attempt += 1;
            let rest = shared.rest.size_hint().exact();
            (shared.attempt, rest.map(|rest| rest + shared.kept as u64))
        };
        Self { shared, number, place: 0, left }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut shared = lock(&self.shared);
        if shared.attempt != self.number {
            return Poll::Ready(Some(Err(axum::Error::new(GivenUp))));
        }
        if let Some(piece) = shared.sent.get(self.place) {
            self.place += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        let frame = ready!(Pin::new(&mut shared.rest).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                shared.remember(frame);
                self.place = shared.sent.len();
            }
            // Whoever sent it is at fault, or gone: there is nothing to send again.
            Some(Err(_)) => shared.forget(),
            None => {}
        }
        Poll::Ready(frame)
    }
}

impl Shared {
    fn remember(&mut self, frame: &Frame<Bytes>) {
        match frame.data_ref() {
            Some(piece) if !self.forgotten && self.kept + piece.len() <= KEPT => {
                self.kept += piece.len();
                self.sent.push(piece.clone());
            }
            Some(_) | None => self.forget(),
        }
    }

    fn forget(&mut self) {
        self.forgotten = true;
        self.sent = Vec::new();
        self.kept = 0;
    }
}

/// Another attempt has taken the place of this one.
#[derive(Debug, thiserror::Error)]
#[error("the attempt was given up")]
struct GivenUp;

impl http_body::Body for Attempt {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(self.next(cx));
        if let (Some(Ok(frame)), Some(left)) = (&frame, &mut self.left) {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            *left = left.saturating_sub(length);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let shared = lock(&self.shared);
        self.place >= shared.sent.len() && shared.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;

    fn of(method: Method, body: Body) -> Replay {
        Replay::new(Request::builder().method(method).uri("/things").body(body).unwrap())
    }

    fn pieces(pieces: Vec<Vec<u8>>) -> Body {
        let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
        Body::new(StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>())))
    }

    fn next(replay: &Replay) -> Body {
        let base = Base::parse("http://one").unwrap();
        replay.attempt(&base, Duration::from_secs(1)).unwrap().into_body()
    }

    async fn read(body: Body) -> Vec<u8> {
        body.collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn a_small_body_is_sent_again_as_it_was() {
        let replay = of(Method::PUT, pieces(vec![b"one ".to_vec(), b"two".to_vec()]));
        assert_eq!(read(next(&replay)).await, b"one two");
        assert!(replay.is_whole());
        assert_eq!(read(next(&replay)).await, b"one two");
    }

    #[tokio::test]
    async fn an_attempt_that_stopped_in_the_middle_is_followed_by_a_whole_one() {
        let replay = of(Method::PUT, pieces(vec![b"one ".to_vec(), b"two".to_vec()]));
        let mut first = next(&replay);
        assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
        let second = next(&replay);
        assert!(first.frame().await.unwrap().is_err(), "the one that was given up takes nothing any more");
        assert_eq!(read(second).await, b"one two");
    }

    #[tokio::test]
    async fn a_large_body_is_not_kept_once_it_is_on_its_way() {
        let replay = of(Method::PUT, pieces(vec![vec![b'a'; KEPT], vec![b'b'; 1]]));
        assert!(replay.is_whole(), "nothing of it is gone before it is read");
        assert_eq!(read(next(&replay)).await.len(), KEPT + 1);
        assert!(!replay.is_whole());
        assert_eq!(lock(replay.body.as_ref().unwrap()).sent.len(), 0);
    }

    #[tokio::test]
    async fn each_attempt_says_how_long_it_is() {
        let replay = of(Method::PUT, Body::from("seven b"));
        let mut first = next(&replay);
        assert_eq!(http_body::Body::size_hint(&first).exact(), Some(7));
        first.frame().await.unwrap().unwrap();
        assert_eq!(http_body::Body::size_hint(&first).exact(), Some(0));
        assert_eq!(http_body::Body::size_hint(&next(&replay)).exact(), Some(7));
    }

    #[test]
    fn what_may_be_sent_twice_is_idempotent_or_has_a_key() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            assert!(of(method.clone(), Body::empty()).is_harmless(), "{method}");
        }
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            assert!(!of(method.clone(), Body::empty()).is_harmless(), "{method}");
            let request = Request::builder().method(method).uri("/").header("idempotency-key", "k");
            assert!(Replay::new(request.body(Body::empty()).unwrap()).is_harmless());
        }
    }
}
