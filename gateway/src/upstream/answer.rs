//! The body of an answer, whose reader drives the connection that it comes from.
//!
//! The connection goes back to the instance's pool with the last piece of the body, not with the reader's next question. A
//! body may be long but must not stand still: a deadline cannot bound a download, and an instance that stopped in the
//! middle must not hold both connections for ever.

use super::flight::Flight;
use super::line::{Line, told};
use axum::body::Body;
use bytes::Bytes;
use chassis::peer::{Held as _, StoodStill};
use http::{Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

type Piece = Option<Result<Frame<Bytes>, axum::Error>>;
type Raw = Result<Frame<Bytes>, hyper::Error>;

/// A body on its way.
struct Coming {
    body: Incoming,
    /// Came with the head, and has not been read yet.
    first: Option<Raw>,
    /// Nothing when the body has ended.
    held: Option<Held>,
    longest_pause: Duration,
    /// Whether the alarm is set for this pause.
    waiting: bool,
}

/// What is held until the body has ended.
struct Held {
    line: Line,
    flight: Flight,
}

/// The connection ended before the body did.
#[derive(Debug, thiserror::Error)]
#[error("the connection ended before the body")]
struct BrokeOff;

/// Makes an answer of one whose head has come over this connection. What is small has often come with it, and is then a body
/// that needs nothing more.
pub(super) async fn of(
    response: Response<Incoming>,
    line: Line,
    flight: Flight,
    longest_pause: Duration,
    deadline: Instant,
) -> Response<Body> {
    let (head, mut body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        line.end(deadline).await;
        return Response::from_parts(head, Body::empty());
    }
    if body.is_end_stream() {
        flight.over(line);
        return Response::from_parts(head, Body::empty());
    }
    let first = match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(None) => {
            flight.over(line);
            return Response::from_parts(head, Body::empty());
        }
        Poll::Ready(Some(Ok(frame))) if body.is_end_stream() && frame.is_data() => {
            flight.over(line);
            return Response::from_parts(head, Body::from(frame.into_data().unwrap_or_default()));
        }
        Poll::Ready(first) => first,
        Poll::Pending => None,
    };
    let held = Some(Held { line, flight });
    let coming = Coming { body, first, held, longest_pause, waiting: false };
    Response::from_parts(head, Body::new(coming))
}

impl Coming {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        let mut nobody = Context::from_waker(Waker::noop());
        let Some(held) = &mut self.held else { return Poll::Ready(None) };
        held.line.woken();
        let mut body = Pin::new(&mut self.body);
        loop {
            if let Poll::Ready(piece) = body.as_mut().poll_frame(&mut nobody) {
                return Poll::Ready(self.arrived(piece));
            }
            if held.line.is_over() {
                return Poll::Ready(self.failed(BrokeOff));
            }
            held.line.drive(cx);
            if let Poll::Ready(piece) = body.as_mut().poll_frame(&mut nobody) {
                return Poll::Ready(self.arrived(piece));
            }
            if !held.line.is_over() && held.line.may_wait() {
                break;
            }
            held.line.woken();
        }
        if !self.waiting {
            held.line.set_alarm(Instant::now() + self.longest_pause);
            self.waiting = true;
        }
        held.line.poll_alarm().map(|()| self.failed(StoodStill(self.longest_pause)))
    }

    fn arrived(&mut self, piece: Option<Raw>) -> Piece {
        self.waiting = false;
        match piece {
            Some(Ok(frame)) => {
                if self.body.is_end_stream() {
                    self.ended();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => self.failed(told(&error)),
            None => {
                self.ended();
                None
            }
        }
    }

    fn ended(&mut self) {
        if let Some(Held { line, flight }) = self.held.take() {
            flight.over(line);
        }
    }

    /// It did not come whole, which is the instance's fault.
    fn failed(&mut self, why: impl Into<axum::BoxError>) -> Piece {
        if let Some(Held { flight, .. }) = self.held.take() {
            flight.broke_off();
        }
        Some(Err(axum::Error::new(why)))
    }
}

impl http_body::Body for Coming {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Piece> {
        match self.first.take() {
            Some(first) => Poll::Ready(self.arrived(Some(first))),
            None => self.next(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref());
        let first = first.map_or(0, Bytes::len) as u64;
        self.body
            .size_hint()
            .exact()
            .map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + first))
    }
}
