//! What background work was caused by: an event that is handled, a saga that goes on.
//!
//! A request has its own context. Work that goes on behind a request is scoped to an [`Origin`] instead, so that the
//! calls that it makes and the events that it publishes carry the same trace and correlation as the request at their
//! beginning.

use super::trace::{self, TraceContext};
use std::sync::OnceLock;
use tracing::{Instrument, Span};

tokio::task_local! {
    static CURRENT: Origin;
}

/// Names the request in hand to a log line; whether there is one.
type Tell = fn(&mut dyn FnMut(&'static str, &str)) -> bool;

/// Requests are of a higher layer, which says here how they are named.
static REQUESTS: OnceLock<Tell> = OnceLock::new();

/// Has log lines name the request in hand.
pub(crate) fn tell_requests(tell: Tell) {
    REQUESTS.get_or_init(|| tell);
}

/// Names the work in hand to a log line: the request, or in the background what it was caused by.
pub(super) fn tell(tell: &mut dyn FnMut(&'static str, &str)) {
    if REQUESTS.get().is_some_and(|request| request(tell)) {
        return;
    }
    let cause = |origin: &Origin| {
        tell("correlation_id", &origin.correlation_id);
        tell("trace_id", &origin.trace.trace_id().to_string());
    };
    // Outside of any work there is nothing to name.
    CURRENT.try_with(cause).unwrap_or_default();
}

/// The trace and the correlation that a piece of background work belongs to.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The place of this piece of work in its trace.
    pub trace: TraceContext,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: Box<str>,
}

impl Origin {
    /// Of this trace and correlation.
    pub fn new(trace: TraceContext, correlation_id: impl Into<Box<str>>) -> Self {
        Self { trace, correlation_id: correlation_id.into() }
    }

    /// Of a piece of work that was caused elsewhere, as it was noted there: a child of `traceparent`, or a new trace when
    /// there is none; without a correlation id the trace's id stands for it.
    #[must_use]
    pub fn caused_by(traceparent: Option<&str>, correlation_id: Option<&str>) -> Self {
        let parent: Option<TraceContext> = traceparent.and_then(|text| text.parse().ok());
        let trace = parent.map_or_else(TraceContext::root, |parent| parent.child());
        let correlation_id = correlation_id.map_or_else(|| trace.trace_id().to_string(), str::to_owned);
        Self::new(trace, correlation_id)
    }

    /// That of the work in hand; none outside of any.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Scopes work to this origin and to `span`, which is exported as its place in the trace.
    pub async fn scope<F: Future>(self, span: Span, work: F) -> F::Output {
        trace::export_as(&span, &self.trace);
        CURRENT.scope(self, work.instrument(span)).await
    }

    /// Goes on with work of this origin elsewhere, in the span that it is in already.
    pub async fn resume<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_knows_what_it_was_caused_by_and_nothing_outside_does() {
        let parent = TraceContext::root();
        let origin = Origin::caused_by(Some(&parent.to_string()), Some("abc"));
        let inside = origin.scope(Span::none(), async { Origin::current() }).await.unwrap();
        assert_eq!(inside.trace.trace_id().to_string(), parent.trace_id().to_string());
        assert_ne!(inside.trace.span_id().to_string(), parent.span_id().to_string());
        assert_eq!(&*inside.correlation_id, "abc");
        assert!(Origin::current().is_none());
    }

    #[test]
    fn a_cause_that_cannot_be_read_begins_a_new_trace() {
        let origin = Origin::caused_by(Some("not a trace"), None);
        assert_eq!(*origin.correlation_id, *origin.trace.trace_id().to_string());
    }
}
