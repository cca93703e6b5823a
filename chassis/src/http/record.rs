//! What is written down of each request: the RED metrics, one access line, and a span where its trace is exported.
//!
//! The route label is the template that matched, never the path; a request without one is `unmatched`. Handles are kept
//! by thread, so that recording takes no lock and builds no key.

use super::RequestContext;
use crate::telemetry::trace;
use contract::ErrorCode;
use http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Instant;
use tracing::Span;
use tracing::field::Empty;

/// The status of a request whose client went away before the answer, as proxies log it.
const CLIENT_CLOSED: u16 = 499;

struct Handles {
    requests: Counter,
    seconds: Histogram,
}

type Key = (&'static str, &'static str, u16);

thread_local! {
    static HANDLES: RefCell<HashMap<Key, HashMap<Box<str>, Handles>>> = RefCell::new(HashMap::new());
}

/// The running record of one request; it is closed when dropped, also when the client went away. It lives within the
/// request's span and context, which are there when a future is dropped as they are when it runs.
pub(super) struct Record {
    service: &'static str,
    method: &'static str,
    started: Instant,
    active: Gauge,
    outcome: Option<(StatusCode, Option<ErrorCode>)>,
}

impl Record {
    pub(super) fn begin(service: &'static str, method: &Method, active: Gauge) -> Self {
        active.increment(1.0);
        Self { service, method: label(method), started: Instant::now(), active, outcome: None }
    }

    pub(super) fn answered(&mut self, status: StatusCode, code: Option<ErrorCode>) {
        self.outcome = Some((status, code));
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.active.decrement(1.0);
        let elapsed = self.started.elapsed();
        let (status, code) = match self.outcome {
            Some((status, code)) => (status.as_u16(), code),
            None => (CLIENT_CLOSED, None),
        };
        RequestContext::with_current(|cx| {
            let route = cx.route.get().map_or("unmatched", |route| route.as_str());
            self.count(route, status, elapsed.as_secs_f64());
            if status >= 400 {
                let kind = code.map_or("other", ErrorCode::as_str);
                metrics::counter!("http_errors_total", "service" => self.service, "code" => kind)
                    .increment(1);
            }
            ended(&Span::current(), cx, route, status);
            // How many requests a line stands for is 1 divided by its share.
            let share = cx.edge.config.access_log_ratio;
            let share = (share < 1.0 && status < 500).then_some(share);
            if share.is_some_and(|share| !cx.trace.is_within(share)) {
                return;
            }
            let ms = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX) as f64 / 1_000.0;
            // One line a request, where it came in; what services ask each other is for who looks closer.
            if cx.calling_service.is_some() {
                tracing::debug!(target: "access", status, route, ms, share, client = %cx.client_ip, "answered");
            } else {
                tracing::info!(target: "access", status, route, ms, share, client = %cx.client_ip, "answered");
            }
        });
    }
}

/// The span of a request that is exported, with the names of OpenTelemetry's semantic conventions for HTTP. Log lines have their
/// fields from the context, with or without it.
pub(super) fn span(service: &'static str, context: &RequestContext) -> Span {
    if !trace::is_exported(&context.trace) {
        return Span::none();
    }
    let span = tracing::info_span!(
        "request",
        service,
        request_id = %context.request_id,
        correlation_id = %context.correlation_id,
        trace_id = %context.trace.trace_id(),
        method = %context.method,
        path = &*context.path,
        user = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.route = Empty,
        http.response.status_code = Empty,
    );
    trace::export_as(&span, &context.trace);
    span
}

/// Says to the span how the request ended.
fn ended(span: &Span, context: &RequestContext, route: &str, status: u16) {
    if span.is_none() {
        return;
    }
    trace::name(span, format!("{} {route}", context.method));
    span.record("http.route", route);
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

impl Record {
    fn count(&self, route: &str, status: u16, seconds: f64) {
        HANDLES.with_borrow_mut(|handles| {
            let routes = handles.entry((self.service, self.method, status)).or_default();
            if !routes.contains_key(route) {
                routes.insert(route.into(), Handles::of(self.service, self.method, status, route));
            }
            if let Some(handles) = routes.get(route) {
                handles.requests.increment(1);
                handles.seconds.record(seconds);
            }
        });
    }
}

impl Handles {
    fn of(service: &'static str, method: &'static str, status: u16, route: &str) -> Self {
        let labels = [
            metrics::Label::from_static_parts("service", service),
            metrics::Label::from_static_parts("method", method),
            metrics::Label::new("route", route.to_owned()),
        ];
        let mut counted = labels.to_vec();
        counted.push(metrics::Label::new("status", status.to_string()));
        Self {
            requests: metrics::counter!("http_requests_total", counted),
            seconds: metrics::histogram!("http_request_duration_seconds", labels.to_vec()),
        }
    }
}

/// Methods are a closed set too: a client may invent one.
fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}
