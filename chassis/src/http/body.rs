//! The body of a request as it arrives from outside: no larger than allowed, no slower than allowed.
//!
//! Both bounds hold for whoever reads it, an extractor or a peer that it is passed on to, because the body itself keeps
//! them. What went wrong stays recognisable through every error that is wrapped around it ([`BodyFault::of`]).

use crate::error::ApiError;
use axum::body::Body;
use bytes::Bytes;
use contract::error::ErrorCode;
use http_body::{Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Why a request's body did not come whole. The fault is the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// It is larger than this many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// It did not arrive in time.
    #[error("the body came too slowly")]
    Slow,
    /// The client went away in the middle of it.
    #[error("the body broke off")]
    BrokenOff,
}

impl BodyFault {
    /// The fault behind an error of whoever read the body.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(fault) = error.downcast_ref() {
                return Some(*fault);
            }
            next = error.source();
        }
        None
    }
}

impl From<BodyFault> for ApiError {
    #[track_caller]
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TooLarge(limit) => {
                Self::new(ErrorCode::PayloadTooLarge, format!("The body is larger than {limit} bytes."))
            }
            BodyFault::Slow => Self::new(ErrorCode::RequestTimeout, "The body came too slowly."),
            BodyFault::BrokenOff => Self::new(ErrorCode::Validation, "The body broke off."),
        }
    }
}

/// Keeps the bounds of a body while it is read.
pub(super) struct Arriving {
    body: Body,
    limit: usize,
    left: usize,
    deadline: Instant,
    /// Bytes for which there is a second more; 0 for none.
    rate: u64,
    /// Made when the reader has to wait for the first time, which most bodies never cause.
    slow: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// `limit` is in bytes; `patience` counts from now until the last byte, and a second more for each `rate` bytes that came.
    pub(super) fn new(body: Body, limit: usize, patience: Duration, rate: u64) -> Self {
        Self { body, limit, left: limit, deadline: Instant::now() + patience, rate, slow: None }
    }

    /// When the body has to be whole, by what has come of it.
    fn due(&self) -> Instant {
        let came = u64::try_from(self.limit - self.left).unwrap_or(u64::MAX);
        let earned = came.saturating_mul(1_000).checked_div(self.rate).unwrap_or(0);
        self.deadline.checked_add(Duration::from_millis(earned)).unwrap_or(self.deadline)
    }
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let due = this.due();
            let slow = this.slow.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if slow.deadline() < due {
                slow.as_mut().reset(due);
            }
            ready!(slow.as_mut().poll(cx));
            return Poll::Ready(Some(Err(BodyFault::Slow)));
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|_| BodyFault::BrokenOff)?;
            let length = frame.data_ref().map_or(0, Bytes::len);
            this.left = this.left.checked_sub(length).ok_or(BodyFault::TooLarge(this.limit))?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, StreamBody};
    use std::convert::Infallible;

    fn of(chunks: &[&'static str]) -> Body {
        let frames: Vec<Result<_, Infallible>> =
            chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))).collect();
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    async fn read(body: Arriving) -> Result<Bytes, BodyFault> {
        Body::new(body).collect().await.map(|whole| whole.to_bytes()).map_err(|error| {
            BodyFault::of(&error).expect("the fault is behind whatever is wrapped around it")
        })
    }

    #[tokio::test]
    async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
        let whole = read(Arriving::new(of(&["12", "345"]), 5, Duration::from_secs(1), 0)).await;
        assert_eq!(whole.unwrap(), "12345");
        let fault = read(Arriving::new(of(&["12", "3456"]), 5, Duration::from_secs(1), 0)).await;
        assert_eq!(fault.unwrap_err(), BodyFault::TooLarge(5));
    }

    #[tokio::test]
    async fn a_body_that_stalls_is_too_slow() {
        let stalling = Body::new(StreamBody::new(futures_util::stream::pending::<Result<_, Infallible>>()));
        let fault = read(Arriving::new(stalling, 5, Duration::from_millis(20), 0)).await;
        assert_eq!(fault.unwrap_err(), BodyFault::Slow);
    }

    /// A body of pieces of 100 bytes, one every `pause`.
    async fn dripping(pieces: usize, pause: Duration, rate: u64) -> Result<Bytes, BodyFault> {
        let pieces = futures_util::stream::unfold(pieces, move |left| async move {
            tokio::time::sleep(pause).await;
            let piece = Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b'x'; 100])));
            (left > 0).then_some((piece, left.saturating_sub(1)))
        });
        let body = Body::new(StreamBody::new(pieces));
        read(Arriving::new(body, 1_000_000, Duration::from_secs(2), rate)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_fast_enough_may_take_longer_and_one_that_drips_may_not() {
        let second = Duration::from_secs(1);
        assert_eq!(dripping(20, second, 100).await.unwrap().len(), 2_000);
        assert_eq!(dripping(20, second, 200).await.unwrap_err(), BodyFault::Slow);
        assert_eq!(dripping(20, second, 0).await.unwrap_err(), BodyFault::Slow);
    }
}
