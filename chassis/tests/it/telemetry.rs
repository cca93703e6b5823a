//! Spans that leave the process.

use crate::house::Things;
use chassis::telemetry::trace::{TraceContext, export_as};
use chassis::telemetry::{LogFormat, Telemetry, TelemetryConfig, init, scoped};
use http::HeaderMap;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Collector, Setup};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tracing::{Dispatch, dispatcher, info, info_span};

type Lines = Arc<Mutex<Vec<u8>>>;

fn exporting_to(endpoint: String) -> (Dispatch, Telemetry, Lines) {
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    let config = TelemetryConfig {
        otlp_endpoint: Some(endpoint),
        service_name: "bowline-under-test".to_owned(),
        ..TelemetryConfig::default()
    };
    let write = Arc::new(move |line: &[u8]| sink.lock().unwrap().extend_from_slice(line));
    let (dispatch, telemetry) = scoped(&config, "1.2.3", write).unwrap();
    (dispatch, telemetry, lines)
}

/// The bytes of an id, as the protocol carries them.
fn raw(id: impl std::fmt::Display) -> Vec<u8> {
    let digits = id.to_string();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn holds(body: &[u8], part: &[u8]) -> usize {
    body.windows(part.len()).filter(|window| *window == part).count()
}

#[tokio::test]
async fn a_span_arrives_at_the_collector_under_the_ids_of_its_request() {
    let mut collector = Collector::start().await;
    let (dispatch, telemetry, lines) = exporting_to(format!("{}/", collector.url()));
    let caller = TraceContext::root();
    let mut headers = HeaderMap::new();
    caller.inject(&mut headers);
    let received = TraceContext::receive(&headers);

    dispatcher::with_default(&dispatch, || {
        let request = info_span!("request", correlation_id = "abc", trace_id = %received.trace_id());
        export_as(&request, &received);
        let _request = request.entered();
        info_span!("inner").in_scope(|| info!("done"));
    });
    telemetry.flush().await;

    let (path, body) = collector.next().await;
    assert_eq!(path, "/v1/traces");
    assert_eq!(holds(&body, &raw(received.trace_id())), 2, "both spans are of the caller's trace");
    assert_eq!(holds(&body, &raw(received.span_id())), 2, "the request's own id, and its child's parent");
    assert_eq!(holds(&body, &raw(caller.span_id())), 1, "the request's parent is its caller");
    for text in ["request", "inner", "bowline-under-test", "1.2.3", "abc"] {
        assert!(holds(&body, text.as_bytes()) > 0, "{text} is missing");
    }
    assert_eq!(holds(&body, b"done"), 0, "information is for the log, not for the collector");
    let line: Value = serde_json::from_slice(&lines.lock().unwrap()).unwrap();
    assert_eq!(line["trace_id"], json!(received.trace_id().to_string()));
    telemetry.shutdown().await;
}

#[tokio::test]
async fn the_first_span_of_a_trace_has_no_parent_and_the_ids_of_its_context() {
    let mut collector = Collector::start().await;
    let (dispatch, telemetry, _lines) = exporting_to(collector.url());
    let root = TraceContext::root();
    dispatcher::with_default(&dispatch, || {
        // A request that is answered inside another one's span is still a child of whom its headers name.
        let _around = info_span!("around").entered();
        export_as(&info_span!("request"), &root);
    });
    telemetry.shutdown().await;

    let (_, body) = collector.next().await;
    assert_eq!(holds(&body, &raw(root.trace_id())), 1);
    assert_eq!(holds(&body, &raw(root.span_id())), 1);
}

#[tokio::test]
async fn a_trace_that_its_caller_does_not_sample_is_not_exported() {
    let mut collector = Collector::start().await;
    let (dispatch, telemetry, _lines) = exporting_to(collector.url());
    let unsampled: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".parse().unwrap();
    dispatcher::with_default(&dispatch, || {
        export_as(&info_span!("unsampled"), &unsampled.child());
        export_as(&info_span!("sampled"), &TraceContext::root());
    });
    telemetry.shutdown().await;

    let (_, body) = collector.next().await;
    assert_eq!((holds(&body, b"unsampled"), holds(&body, b"sampled")), (0, 1));
}

#[tokio::test]
async fn the_span_of_a_request_says_what_it_was_and_how_it_ended_and_its_lines_stay_as_they_are() {
    let mut collector = Collector::start().await;
    let (dispatch, telemetry, lines) = exporting_to(collector.url());
    let _here = dispatcher::set_default(&dispatch);
    let service = Setup::of::<Things>().build().await;
    let client = service.client();
    client.get("/api/v1/things/short").await.expect(200);
    client.get("/api/v1/things/failing").await.expect(500);
    let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let ask = client.request(http::Method::GET, "/api/v1/things").header("traceparent", unsampled);
    ask.send().await;
    telemetry.flush().await;

    let (_, body) = collector.next().await;
    for (text, times) in [
        ("GET /api/v1/things/short", 1),
        ("GET /api/v1/things/failing", 1),
        ("http.response.status_code", 2),
        ("http.route", 2),
        ("4bf92f35", 0),
    ] {
        assert_eq!(holds(&body, text.as_bytes()), times, "{text}");
    }
    let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    let names = |line: &str| {
        let line: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
        line.into_iter().map(|(name, _)| name).collect::<std::collections::BTreeSet<_>>()
    };
    let access: Vec<_> = lines.lines().filter(|line| line.contains(r#""access""#)).map(names).collect();
    assert_eq!(access.len(), 3, "{lines}");
    assert!(
        access.iter().all(|line| *line == access[0]),
        "a line is the same with a span and without: {lines}"
    );
    telemetry.shutdown().await;
}

#[tokio::test]
async fn a_collector_that_never_answers_does_not_hold_up_the_stop() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (dispatch, telemetry, _lines) = exporting_to(format!("http://{}", silent.local_addr().unwrap()));
    dispatcher::with_default(&dispatch, || drop(info_span!("lost").entered()));
    timeout(Duration::from_secs(8), telemetry.shutdown()).await.expect("the stop waits five seconds at most");
}

#[test]
#[ignore = "sets telemetry up for its whole process; the next test runs it in one of its own"]
fn a_process_that_panics() {
    let config = TelemetryConfig { log_format: LogFormat::Json, ..TelemetryConfig::default() };
    let _telemetry = init(&config, "1.2.3").unwrap();
    assert!(init(&config, "1.2.3").is_err(), "a process has one log");
    let panicking = std::thread::Builder::new().name("worker-7".to_owned());
    assert!(panicking.spawn(|| panic!("two\nlines")).unwrap().join().is_err());
}

#[test]
fn a_panic_is_one_json_line_on_stdout() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "telemetry::a_process_that_panics", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let stdout = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{stdout}");
    let line =
        stdout.lines().find_map(|line| line.find("{\"timestamp\"").map(|start| &line[start..])).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["level"], &line["target"], &line["thread"]),
        (&json!("ERROR"), &json!("panic"), &json!("worker-7"))
    );
    assert_eq!(line["message"], "panicked: two\nlines");
    assert!(line["location"].as_str().unwrap().contains("telemetry.rs:"));
}
