//! The body of a peer's answer, which may be long but must not stand still.
//!
//! A deadline cannot bound it: a download takes as long as the client's line does. What must not happen is that a peer
//! that stopped in the middle holds the client, and the connections on both sides, for ever.

use super::instance::Flight;
use crate::resilience::Slot;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// A body that ends with an error when nothing came for too long.
pub(super) struct Steady {
    body: Incoming,
    longest_pause: Duration,
    /// Made at the first pause; whether a pause is being waited for.
    pause: Option<(Pin<Box<Sleep>>, bool)>,
    /// The call that it belongs to, which is under way until it has ended.
    call: Option<Under>,
}

/// What is held until a body has ended.
pub(super) struct Under {
    pub(super) flight: Flight,
    pub(super) _slot: Arc<Slot>,
}

/// The body stood still for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {0:?}")]
pub(super) struct StoodStill(Duration);

impl Steady {
    pub(super) fn new(body: Incoming, longest_pause: Duration, call: Under) -> Self {
        Self { body, longest_pause, pause: None, call: Some(call) }
    }

    /// It did not come whole, which is the instance's fault.
    fn broke_off(&mut self) {
        if let Some(call) = self.call.take() {
            call.flight.broke_off();
        }
    }
}

impl http_body::Body for Steady {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some((_, waiting)) = &mut this.pause {
                *waiting = false;
            }
            match &frame {
                Some(Ok(_)) => {}
                Some(Err(_)) => this.broke_off(),
                None => drop(this.call.take()),
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)));
        }
        let longest = this.longest_pause;
        let (sleep, waiting) =
            this.pause.get_or_insert_with(|| (Box::pin(tokio::time::sleep(longest)), true));
        if !*waiting {
            sleep.as_mut().reset(Instant::now() + longest);
            *waiting = true;
        }
        ready!(sleep.as_mut().poll(cx));
        this.broke_off();
        Poll::Ready(Some(Err(axum::Error::new(StoodStill(longest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
