//! The work in hand, and how it goes on elsewhere: in another task, or with a worker that many share.

use super::context::RequestContext;
use crate::telemetry::origin::Origin;
use std::sync::Arc;
use tracing::{Instrument, Span};

/// What the work in hand goes back to: the request, or in the background the event or saga that is worked on.
#[must_use]
pub fn origin() -> Option<Origin> {
    let request = |cx: &RequestContext| Origin::new(cx.trace.clone(), &*cx.correlation_id);
    RequestContext::with_current(request).or_else(Origin::current)
}

/// What runs here, to be gone on with elsewhere: there too it is of the same request or origin, and logs in the same span.
#[derive(Debug, Clone)]
pub struct InHand {
    of: Of,
    span: Span,
}

#[derive(Debug, Clone)]
enum Of {
    Request(Arc<RequestContext>),
    Origin(Origin),
    /// Outside of any work.
    Nothing,
}

impl InHand {
    /// A part of the request in hand: who asks, and until when, counts for it too. In the background, of the same origin.
    #[must_use]
    pub fn current() -> Self {
        match RequestContext::current() {
            Some(request) => Self::of(Of::Request(request)),
            None => Self::behind(),
        }
    }

    /// Of the same origin, and no part of the request: for what others wait for too, or what nobody's identity is to go along
    /// with.
    #[must_use]
    pub fn behind() -> Self {
        Self::of(origin().map_or(Of::Nothing, Of::Origin))
    }

    fn of(of: Of) -> Self {
        Self { of, span: Span::current() }
    }

    /// Goes on with it.
    pub async fn go_on<F: Future>(self, work: F) -> F::Output {
        let work = work.instrument(self.span);
        match self.of {
            Of::Request(request) => request.scope(work).await,
            Of::Origin(origin) => origin.resume(work).await,
            Of::Nothing => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::trace::TraceContext;

    fn id() -> Option<String> {
        origin().map(|origin| origin.correlation_id.into())
    }

    #[tokio::test]
    async fn what_goes_on_elsewhere_has_the_same_origin() {
        let work = Origin::new(TraceContext::root(), "abc");
        let span = tracing::Span::none();
        let inside = work.scope(span, async { (InHand::current(), InHand::behind()) });
        let (current, behind) = inside.await;
        assert!(id().is_none());
        for in_hand in [current, behind] {
            let told = in_hand.go_on(async { id() }).await;
            assert_eq!(told.as_deref(), Some("abc"));
        }
    }

    #[tokio::test]
    async fn outside_of_any_work_it_goes_on_as_it_is() {
        assert_eq!(InHand::current().go_on(async { id() }).await, None);
    }
}
