//! Spans that leave the process.

use bytes::Bytes;
use chassis::telemetry::trace::{TraceContext, export_as};
use chassis::telemetry::{LogFormat, Telemetry, TelemetryConfig, init, scoped};
use http::{HeaderMap, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{Dispatch, dispatcher, info, info_span};

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes spans and hands on what it took.
struct Collector {
    address: SocketAddr,
    taken: mpsc::UnboundedReceiver<(String, Bytes)>,
    _tasks: JoinSet<()>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, taken) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let sender = sender.clone();
                    async move {
                        let path = request.uri().path().to_owned();
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        sender.send((path, body)).unwrap();
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                    }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, taken, _tasks: tasks }
    }

    async fn next(&mut self) -> (String, Bytes) {
        timeout(PATIENCE, self.taken.recv()).await.unwrap().unwrap()
    }
}

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
    let (dispatch, telemetry, lines) = exporting_to(format!("http://{}/", collector.address));
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
    let (dispatch, telemetry, _lines) = exporting_to(format!("http://{}", collector.address));
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
    let (dispatch, telemetry, _lines) = exporting_to(format!("http://{}", collector.address));
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
