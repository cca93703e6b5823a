//! What a log line looks like, and what cannot be done to it.

use super::super::origin::Origin;
use super::super::trace::TraceContext;
use super::super::{LogFormat, Sink, TelemetryConfig, scoped};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tracing::{Dispatch, Instrument as _, dispatcher, info, info_span, warn};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn sink(&self) -> Sink {
        let lines = self.0.clone();
        Arc::new(move |line| lines.lock().unwrap().extend_from_slice(line))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn objects(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn logging(level: &str, log_format: LogFormat) -> (Dispatch, super::super::Telemetry, Lines) {
    let lines = Lines::default();
    let config = TelemetryConfig { log_level: level.to_owned(), log_format, ..TelemetryConfig::default() };
    let (dispatch, telemetry) = scoped(&config, "1.0.0", lines.sink()).unwrap();
    (dispatch, telemetry, lines)
}

#[test]
fn a_line_carries_the_fields_of_the_spans_around_it_and_the_inner_one_wins() {
    let (dispatch, _telemetry, lines) = logging("info", LogFormat::Json);
    dispatcher::with_default(&dispatch, || {
        let request = info_span!(
            "request",
            correlation_id = "abc",
            service = "gateway",
            status = tracing::field::Empty
        );
        let _request = request.enter();
        let _inner = info_span!("call", service = "auth", attempt = 2_u64, otel.kind = "client").entered();
        request.record("status", 200_u16);
        info!(elapsed = 0.25, ok = true, "answered");
    });
    let mut object = lines.objects().remove(0);
    let timestamp = object.as_object_mut().unwrap().remove("timestamp").unwrap();
    assert_eq!(timestamp.as_str().unwrap().len(), "2026-01-01T00:00:00.000000Z".len());
    let target = "chassis::telemetry::lines::tests";
    let expected = json!({
        "level": "INFO", "target": target, "message": "answered", "elapsed": 0.25, "ok": true,
        "service": "auth", "attempt": 2, "correlation_id": "abc", "status": 200,
    });
    assert_eq!(object, expected);
    assert_eq!(lines.text().matches("\"service\"").count(), 1, "a name appears once: {}", lines.text());
}

#[test]
fn a_line_names_the_work_in_hand_once_with_a_span_and_without() {
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let (dispatch, _telemetry, lines) = logging("info", format);
        let work = || Origin::new(TraceContext::root(), "order-17");
        dispatcher::with_default(&dispatch, || {
            work().resume(async { info!("done") }).now_or_never().unwrap();
            let span = info_span!("job", correlation_id = "order-17");
            work().resume(async { info!("done") }.instrument(span)).now_or_never().unwrap();
            work().resume(async { info!(correlation_id = "own", "done") }).now_or_never().unwrap();
        });
        let told: Vec<_> = lines.text().lines().map(|line| line.matches("order-17").count()).collect();
        assert_eq!(told, [1, 1, 0], "{}", lines.text());
    }
}

#[test]
fn a_warning_has_its_correlation_id_also_when_information_is_not_logged() {
    let (dispatch, _telemetry, lines) = logging("warn", LogFormat::Json);
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request", correlation_id = "abc").entered();
        info!("not wanted");
        warn!("wanted");
    });
    let objects = lines.objects();
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0]["correlation_id"], "abc");
}

#[test]
fn a_changed_level_takes_effect_at_the_next_line() {
    let (dispatch, telemetry, lines) = logging("warn", LogFormat::Json);
    let log = || dispatcher::with_default(&dispatch, || tracing::debug!("detail"));
    log();
    telemetry.level.set("debug").unwrap();
    log();
    telemetry.level.set("warn").unwrap();
    log();
    assert_eq!(lines.objects().len(), 1);
}

#[test]
fn a_value_can_neither_forge_a_line_nor_move_the_cursor() {
    let evil = "x\n12:00:00.000  INFO forged\x1b[2J\r\u{9b}";
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let (dispatch, _telemetry, lines) = logging("info", format);
        dispatcher::with_default(&dispatch, || info!(value = evil, "message"));
        let text = lines.text();
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.trim_end().chars().any(char::is_control) || format == LogFormat::Json, "{text:?}");
        assert!(!text.trim_end().chars().any(|character| character.is_ascii_control()), "{text:?}");
    }
}

#[test]
fn a_field_cannot_take_the_place_of_the_lines_own() {
    let (dispatch, _telemetry, lines) = logging("info", LogFormat::Json);
    dispatcher::with_default(&dispatch, || info!(level = "mine", "message"));
    let object = lines.objects().remove(0);
    assert_eq!((&object["level"], &object["level_"]), (&json!("INFO"), &json!("mine")));
}

#[test]
fn an_error_is_logged_with_its_causes() {
    let (dispatch, _telemetry, lines) = logging("info", LogFormat::Json);
    let error = anyhow::Error::from(std::io::Error::other("refused")).context("cannot connect");
    let error: Box<dyn std::error::Error + Send + Sync> = error.into();
    dispatcher::with_default(&dispatch, || {
        warn!(error = &*error as &(dyn std::error::Error + 'static), "failed");
    });
    assert_eq!(lines.objects()[0]["error"], "cannot connect: refused");
}

#[test]
fn a_number_that_json_does_not_know_is_a_text() {
    let (dispatch, _telemetry, lines) = logging("info", LogFormat::Json);
    dispatcher::with_default(&dispatch, || info!(ratio = f64::NAN, "message"));
    assert_eq!(lines.objects()[0]["ratio"], "NaN");
}

#[test]
fn a_pretty_line_shows_the_correlation_id_and_no_other_field_of_the_request() {
    let (dispatch, _telemetry, lines) = logging("info", LogFormat::Pretty);
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request", correlation_id = "abc", method = "GET").entered();
        info!(status = 200, "answered");
    });
    let text = lines.text();
    let (_time, rest) = text.split_once(' ').unwrap();
    assert_eq!(rest, " INFO chassis::telemetry::lines::tests: answered status=200 correlation_id=abc\n");
}

#[test]
fn headers_that_a_library_prints_do_not_get_out() {
    let (dispatch, telemetry, lines) = logging("trace", LogFormat::Json);
    dispatcher::with_default(&dispatch, || {
        tracing::debug!(target: "h2::codec::framed_read", "authorization: Bearer secret");
        tracing::trace!(target: "hyper::proto::h1", "authorization: Bearer secret");
    });
    assert!(telemetry.level.set("trace,h2=trace").is_err());
    assert_eq!(lines.text(), "");
}
