//! Trace context as W3C Trace Context (level 1) writes it: which trace a request belongs to, and who its caller was.
//!
//! The ids are made here and nowhere else, also when spans are exported: what stands in a log line as `trace_id` is what
//! the collector shows. A request arrives, [`TraceContext::receive`] gives it a context of its own, its span is created
//! with that `trace_id` and handed to [`export_as`], and an outgoing call carries it on by [`TraceContext::inject`].
//!
//! What must hold: nothing from outside is passed on that was not parsed. A `traceparent` that is malformed starts a new
//! trace; a `tracestate` that is malformed or longer than 512 bytes is dropped, the trace itself is kept.

use super::tracestate;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Whether an exporter was set up; saves the work in [`export_as`] when there is none.
static EXPORTING: AtomicBool = AtomicBool::new(false);
/// The share of new traces that are sampled, as the bound that 63 random bits stay below.
static SAMPLE_BELOW: AtomicU64 = AtomicU64::new(1 << 63);

thread_local! {
    /// The ids of the span that is started now on this thread.
    static STARTING: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// The place of one unit of work in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    parent: Option<SpanId>,
    sampled: bool,
    state: Option<Arc<str>>,
}

/// A `traceparent` that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct MalformedTraceparent;

impl TraceContext {
    /// The first of a new trace. Whether it is sampled is decided by the configured share of traces.
    #[must_use]
    pub fn root() -> Self {
        let ids = RandomIdGenerator::default();
        let trace_id = nonzero(|| ids.new_trace_id(), TraceId::INVALID);
        let span_id = nonzero(|| ids.new_span_id(), SpanId::INVALID);
        let sampled = is_sampled(trace_id, SAMPLE_BELOW.load(Ordering::Relaxed));
        Self { trace_id, span_id, parent: None, sampled, state: None }
    }

    /// A unit of work that this one causes: same trace, same decision to sample, an id of its own.
    #[must_use]
    pub fn child(&self) -> Self {
        let ids = RandomIdGenerator::default();
        let span_id = nonzero(|| ids.new_span_id(), SpanId::INVALID);
        Self { span_id, parent: Some(self.span_id), ..self.clone() }
    }

    /// The caller's context, when the request carries exactly one well-formed `traceparent`.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
        let mut context: Self = parent.to_str().ok()?.parse().ok()?;
        context.state = tracestate::from_headers(headers.get_all(TRACESTATE).iter()).map(Into::into);
        Some(context)
    }

    /// The context of a request that arrived with these headers: a child of its caller's, or a new trace.
    #[must_use]
    pub fn receive(headers: &HeaderMap) -> Self {
        Self::from_headers(headers).map_or_else(Self::root, |caller| caller.child())
    }

    /// Writes `traceparent`, and `tracestate` if there is one, so that the receiver becomes a child of this one.
    /// What stood there before is replaced.
    pub fn inject(&self, headers: &mut HeaderMap) {
        headers.remove(TRACESTATE);
        if let Ok(value) = HeaderValue::from_str(&self.to_string()) {
            headers.insert(TRACEPARENT, value);
        }
        if let Some(value) = self.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok()) {
            headers.insert(TRACESTATE, value);
        }
    }

    /// The trace, shown as 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> impl fmt::Display + fmt::Debug + Copy + use<> {
        self.trace_id
    }

    /// This unit of work, shown as 16 lower-case hexadecimal digits.
    #[must_use]
    pub fn span_id(&self) -> impl fmt::Display + fmt::Debug + Copy + use<> {
        self.span_id
    }

    /// Whether this trace is recorded by those who export.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// Whether this trace is one of so large a share of all, from 0 to 1: the same ones in every process that asks. Who begins a
    /// trace outside may choose what it is.
    #[must_use]
    pub fn is_within(&self, share: f64) -> bool {
        is_sampled(self.trace_id, sample_below(share))
    }

    /// The caller's `tracestate`, as it came.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The exporter's context of which this one is the child; empty at the start of a trace.
    fn parent_context(&self) -> Context {
        let Some(parent) = self.parent else { return Context::new() };
        let flags = TraceFlags::default().with_sampled(self.sampled);
        let state = self.state().and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
        Context::new().with_remote_span_context(SpanContext::new(self.trace_id, parent, flags, true, state))
    }
}

/// The `traceparent` of version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// Section 3.2 of the recommendation: version 00 is 55 characters and no more; a later version may go on behind a
/// hyphen; version ff, upper-case digits and ids of zeros are malformed.
impl FromStr for TraceContext {
    type Err = MalformedTraceparent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.as_bytes();
        let (head, rest) = bytes.split_at_checked(55).ok_or(MalformedTraceparent)?;
        let hyphens = [2, 35, 52].iter().all(|at| head.get(*at) == Some(&b'-'));
        let version = hex::<1>(head, 0)?;
        let whole = rest.is_empty() || (version != [0] && rest.starts_with(b"-"));
        let trace_id = TraceId::from_bytes(hex(head, 3)?);
        let span_id = SpanId::from_bytes(hex(head, 36)?);
        let [flags] = hex::<1>(head, 53)?;
        let named = trace_id != TraceId::INVALID && span_id != SpanId::INVALID;
        if !(hyphens && whole && named) || version == [0xff] {
            return Err(MalformedTraceparent);
        }
        Ok(Self { trace_id, span_id, parent: None, sampled: flags & 1 == 1, state: None })
    }
}

/// Exports `span` under the ids of `context`, as a child of the context's caller.
///
/// To be called right after the span was created, before it is entered. Without an exporter, or for a span that is
/// disabled or not sampled, this does nothing.
pub fn export_as(span: &Span, context: &TraceContext) {
    if !EXPORTING.load(Ordering::Relaxed) || span.set_parent(context.parent_context()).is_err() {
        return;
    }
    STARTING.set(Some((context.trace_id, context.span_id)));
    // Asking for its context starts the span, which takes the ids.
    drop(span.context());
    STARTING.set(None);
}

/// Names a span that is exported, once it is known what it was.
pub(crate) fn name(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Whether spans of this context leave the process. A span that only lends its fields to log lines need not be made where
/// these come from the work in hand.
pub(crate) fn is_exported(context: &TraceContext) -> bool {
    context.sampled && EXPORTING.load(Ordering::Relaxed)
}

/// From now on spans are exported, and `ratio` of the new traces are sampled.
pub(super) fn exporting(ratio: f64) {
    SAMPLE_BELOW.store(sample_below(ratio), Ordering::Relaxed);
    EXPORTING.store(true, Ordering::Relaxed);
}

/// Gives a span the ids of the context that it is exported as, and any other span random ones.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        STARTING.get().map_or_else(|| self.0.new_trace_id(), |(trace_id, _)| trace_id)
    }

    fn new_span_id(&self) -> SpanId {
        STARTING.get().map_or_else(|| self.0.new_span_id(), |(_, span_id)| span_id)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 0 and 2^63 by the clamp")]
fn sample_below(ratio: f64) -> u64 {
    (ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64
}

/// The decision that the exporter's `TraceIdRatioBased` makes too, so that a header says what happens.
fn is_sampled(trace_id: TraceId, below: u64) -> bool {
    let low = u128::from_be_bytes(trace_id.to_bytes()) & u128::from(u64::MAX);
    low >> 1 < u128::from(below)
}

fn nonzero<T: PartialEq>(mut make: impl FnMut() -> T, zero: T) -> T {
    loop {
        let id = make();
        if id != zero {
            return id;
        }
    }
}

/// `N` bytes written as lower-case hexadecimal digits from `start` on.
fn hex<const N: usize>(text: &[u8], start: usize) -> Result<[u8; N], MalformedTraceparent> {
    let digit = |at: usize| match text.get(at) {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        _ => Err(MalformedTraceparent),
    };
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = digit(start + 2 * index)? << 4 | digit(start + 2 * index + 1)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::SpanKind;
    use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample as _};
    use proptest::prelude::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let parse = |(name, value): &(HeaderName, &str)| (name.clone(), value.parse().unwrap());
        lines.iter().map(parse).collect()
    }

    #[test]
    fn a_received_request_is_a_child_of_its_caller() {
        let state = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";
        let received = TraceContext::receive(&headers(&[(TRACEPARENT, EXAMPLE), (TRACESTATE, state)]));
        let caller: TraceContext = EXAMPLE.parse().unwrap();
        assert_eq!(received.trace_id, caller.trace_id);
        assert_eq!(received.parent, Some(caller.span_id));
        assert_ne!(received.span_id, caller.span_id);
        assert_eq!(received.state(), Some(state));
        assert!(received.is_sampled());
    }

    #[test]
    fn what_goes_out_replaces_what_was_there_and_reads_back() {
        let sent = TraceContext::receive(&headers(&[(TRACEPARENT, EXAMPLE), (TRACESTATE, "a=1")]));
        let mut outgoing = headers(&[(TRACEPARENT, "x"), (TRACESTATE, "b=2"), (TRACESTATE, "c=3")]);
        sent.inject(&mut outgoing);
        let read = TraceContext::from_headers(&outgoing).unwrap();
        assert_eq!((read.trace_id, read.span_id, read.state()), (sent.trace_id, sent.span_id, Some("a=1")));
    }

    #[test]
    fn two_callers_are_none() {
        let twice = headers(&[(TRACEPARENT, EXAMPLE), (TRACEPARENT, EXAMPLE)]);
        assert_eq!(TraceContext::from_headers(&twice), None);
    }

    #[test]
    fn a_bad_tracestate_does_not_cost_the_trace() {
        let lines = headers(&[(TRACEPARENT, EXAMPLE), (TRACESTATE, "no equals sign")]);
        assert_eq!(TraceContext::from_headers(&lines).unwrap().state(), None);
    }

    #[test]
    fn what_the_recommendation_calls_malformed_is_refused() {
        for malformed in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        ] {
            assert_eq!(malformed.parse::<TraceContext>(), Err(MalformedTraceparent), "{malformed}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later: TraceContext =
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more".parse().unwrap();
        assert_eq!(later.to_string(), EXAMPLE);
    }

    proptest! {
        #[test]
        fn a_traceparent_reads_back_as_it_was_written(trace in 1_u128.., span in 1_u64.., sampled: bool) {
            let text = format!("00-{trace:032x}-{span:016x}-{:02x}", u8::from(sampled));
            prop_assert_eq!(text.parse::<TraceContext>().unwrap().to_string(), text);
        }

        #[test]
        fn one_changed_character_never_reads_as_the_same_context(at in 0_usize..55, with in any::<char>()) {
            let mut characters: Vec<char> = EXAMPLE.chars().collect();
            prop_assume!(characters[at] != with);
            characters[at] = with;
            let changed: String = characters.into_iter().collect();
            let original: TraceContext = EXAMPLE.parse().unwrap();
            if let Ok(read) = changed.parse::<TraceContext>() {
                // Version and the flags that nobody knows may differ; they are not part of the context.
                prop_assert!(!(2..53).contains(&at) || read != original);
                prop_assert!(with.is_ascii_digit() || ('a'..='f').contains(&with));
            }
        }

        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,60}") {
            drop(text.parse::<TraceContext>());
        }

        #[test]
        fn the_header_and_the_exporter_agree_about_sampling(trace in 1_u128.., ratio in 0.0..=1.0) {
            let trace_id = TraceId::from(trace);
            let theirs = Sampler::TraceIdRatioBased(ratio);
            let theirs = theirs.should_sample(None, trace_id, "", &SpanKind::Internal, &[], &[]).decision;
            let ours = is_sampled(trace_id, sample_below(ratio));
            prop_assert_eq!(ours, theirs == SamplingDecision::RecordAndSample);
        }
    }
}
