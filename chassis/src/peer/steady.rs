//! The body of a peer's answer, which may be long but must not stand still.
//!
//! A deadline cannot bound it: a download takes as long as the client's line does. What must not happen is that a peer
//! that stopped in the middle holds the client, and the connections on both sides, for ever.

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// What is held until a body has ended.
pub trait Held: Unpin {
    /// The body did not come whole.
    fn broke_off(self);
}

/// A body that ends with an error when nothing came for too long.
pub struct Steady<H> {
    body: Incoming,
    longest_pause: Duration,
    /// Made at the first pause; whether a pause is being waited for.
    pause: Option<(Pin<Box<Sleep>>, bool)>,
    /// The call that it belongs to, which is under way until it has ended.
    call: Option<H>,
}

/// The body stood still for too long.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for {0:?}")]
pub struct StoodStill(pub Duration);

impl<H: Held> Steady<H> {
    /// `call` is what the body belongs to.
    #[must_use]
    pub fn new(body: Incoming, longest_pause: Duration, call: H) -> Self {
        Self { body, longest_pause, pause: None, call: Some(call) }
    }

    /// It did not come whole, which is the instance's fault.
    fn broke_off(&mut self) {
        if let Some(call) = self.call.take() {
            call.broke_off();
        }
    }
}

impl<H: Held> http_body::Body for Steady<H> {
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
