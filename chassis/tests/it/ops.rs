//! The operations listener through its socket.

use chassis::clock::Clock;
use chassis::config::Mode;
use chassis::durability::Board;
use chassis::health::{Check, Readiness};
use chassis::ops::{Info, Ops, OpsConfig, OpsHandle, OpsState};
use chassis::stop::{self, Stopper};
use chassis::telemetry::{TelemetryConfig, scoped};
use serde_json::{Value, json};
use std::future::pending;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Longer than anything here may take: a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct House {
    ops: OpsHandle,
    owner: Stopper,
    readiness: Readiness,
    main: Runtime,
}

impl House {
    fn start(mode: Mode, token: Option<&str>) -> Self {
        let main =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (owner, stop) = stop::channel();
        let readiness = Readiness::new(stop, main.handle().clone());
        let (_dispatch, telemetry) = scoped(&TelemetryConfig::default(), "1.2.3", Arc::new(|_| {})).unwrap();
        let config = OpsConfig { port: 0, token: token.map(Into::into), ..OpsConfig::default() };
        let info = Info {
            name: "bowline",
            version: "1.2.3",
            started_at: Clock::system().now(),
            targets: vec!["auth".to_owned()],
            engines: [("database", "sqlite".to_owned())].into(),
            durability: Board::default(),
            peers: chassis::peer::Board::default(),
            jobs: chassis::jobs::Board::default(),
            books: chassis::invariant::Books::default(),
            flags: chassis::flags::Flags::default(),
        };
        let state = OpsState { readiness: readiness.clone(), telemetry, info, mode, clock: Clock::system() };
        let ops = Ops::bind(&config).unwrap().serve(state).unwrap();
        Self { ops, owner, readiness, main }
    }

    fn get(&self, path: &str) -> Answer {
        ask(self.ops.address(), "GET", path, "", "")
    }

    fn put_level(&self, headers: &str, body: &str) -> Answer {
        ask(self.ops.address(), "PUT", "/log-level", headers, body)
    }

    fn until_ready(&self) {
        let start = Instant::now();
        while self.get("/ready").status != 200 {
            assert!(start.elapsed() < PATIENCE, "never ready: {}", self.get("/ready").body);
        }
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn ask(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

const JSON: &str = "content-type: application/json\r\n";

#[test]
fn liveness_answers_and_readiness_fails_while_the_main_runtime_is_blocked() {
    let house = House::start(Mode::Development, None);
    house.readiness.booted(Vec::new());
    house.until_ready();

    let (blocked, is_blocked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    house.main.spawn(async move {
        blocked.send(()).unwrap();
        released.recv().unwrap();
    });
    is_blocked.recv_timeout(PATIENCE).unwrap();

    let start = Instant::now();
    let health = house.get("/health");
    assert_eq!((health.status, health.json()), (200, json!({"status": "ok"})));
    assert!(start.elapsed() < Duration::from_secs(1));
    while house.get("/ready").status == 200 {
        assert!(start.elapsed() < PATIENCE, "the outcome from before still holds");
    }
    let ready = house.get("/ready").json();
    assert_eq!(ready["status"], "failing");
    assert_eq!(
        (&ready["checks"][0]["name"], &ready["checks"][0]["state"]),
        (&json!("runtime"), &json!("failed"))
    );

    release.send(()).unwrap();
    house.until_ready();
}

#[test]
fn a_check_that_hangs_makes_the_process_not_ready_and_holds_nothing_up() {
    let house = House::start(Mode::Development, None);
    house
        .readiness
        .booted(vec![Check::new("auth.database", pending), Check::new("auth.mail", || async { Ok(()) })]);
    let start = Instant::now();
    let ready = house.get("/ready");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(ready.status, 503);
    let checks = ready.json()["checks"].clone();
    assert_eq!(checks[1]["error"], "no answer within 2 s");
    assert_eq!((&checks[2]["name"], &checks[2]["state"]), (&json!("auth.mail"), &json!("ok")));
    assert!(checks[2]["latencyMs"].as_f64().unwrap() < 2_000.0);
    assert_eq!(checks[2].get("error"), None);
}

#[test]
fn readiness_follows_the_process_from_boot_to_stop_and_liveness_does_not_care() {
    let house = House::start(Mode::Development, None);
    assert_eq!((house.get("/ready").status, &house.get("/ready").json()["status"]), (503, &json!("booting")));
    house.readiness.booted(Vec::new());
    house.until_ready();
    house.owner.drain();
    assert_eq!(
        (house.get("/ready").status, &house.get("/ready").json()["status"]),
        (503, &json!("draining"))
    );
    house.owner.finish();
    assert_eq!(house.get("/health").status, 200);

    let address = house.ops.address();
    house.ops.stop();
    assert!(TcpStream::connect(address).is_err(), "the port is free after the stop");
}

#[test]
fn metrics_and_info_are_there_before_anything_is_built() {
    let house = House::start(Mode::Production, None);
    let metrics = house.get("/metrics");
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"), "{}", metrics.head);
    assert!(metrics.head.contains("cache-control: no-store"), "{}", metrics.head);
    assert!(metrics.body.contains("process_resident_memory_bytes "), "{}", metrics.body);
    let info = house.get("/info").json();
    assert_eq!((&info["version"], &info["mode"]), (&json!("1.2.3"), &json!("production")));
    assert_eq!((&info["targets"], &info["engines"]), (&json!(["auth"]), &json!({"database": "sqlite"})));
}

#[test]
fn the_log_level_is_read_by_anybody_and_changed_with_the_token() {
    let house = House::start(Mode::Production, Some("right"));
    let with_token = format!("{JSON}authorization: Bearer right\r\n");
    assert_eq!(house.get("/log-level").json(), json!({"level": "info"}));

    let refused = house.put_level(JSON, r#"{"level":"debug"}"#);
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (401, &json!("UNAUTHENTICATED")));
    assert!(refused.head.contains("www-authenticate: bearer"), "{}", refused.head);
    assert_eq!(house.put_level(&with_token, r#"{"level":"debug"}"#).json(), json!({"level": "debug"}));
    assert_eq!(house.get("/log-level").json(), json!({"level": "debug"}));

    let wrong = house.put_level(&with_token, r#"{"level":"loud"}"#);
    assert_eq!((wrong.status, &wrong.json()["error"]["details"][0]["field"]), (400, &json!("level")));
    assert!(!wrong.body.contains("loud"), "a refusal does not repeat what was sent: {}", wrong.body);
    for (headers, body, status) in [
        ("authorization: Bearer right\r\n", r#"{"level":"info"}"#, 415),
        (with_token.as_str(), "{", 400),
        (with_token.as_str(), r#"{"level":"info","more":1}"#, 400),
        (with_token.as_str(), &"x".repeat(8 * 1024), 413),
    ] {
        assert_eq!(house.put_level(headers, body).status, status, "{headers} {body:.20}");
    }
    assert_eq!(house.get("/log-level").json(), json!({"level": "debug"}));
}

#[test]
fn without_a_token_development_changes_the_level_and_production_does_not() {
    let change = |mode| House::start(mode, None).put_level(JSON, r#"{"level":"warn"}"#).status;
    assert_eq!((change(Mode::Development), change(Mode::Production)), (200, 403));
}

#[test]
fn what_is_not_there_is_refused_in_the_common_shape() {
    let house = House::start(Mode::Development, None);
    let missing = house.get("/console");
    assert_eq!((missing.status, &missing.json()["success"]), (404, &json!(false)));
    let error = missing.json()["error"].clone();
    assert_eq!((&error["code"], &error["status"]), (&json!("NOT_FOUND"), &json!(404)));
    for field in ["message", "requestId", "correlationId", "timestamp"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {error}");
    }
    assert!(missing.head.contains(&format!("x-request-id: {}", error["requestId"].as_str().unwrap())));
    let method = ask(house.ops.address(), "DELETE", "/log-level", "", "");
    assert_eq!((method.status, &method.json()["error"]["code"]), (405, &json!("METHOD_NOT_ALLOWED")));
    assert!(method.head.contains("allow: get,head,put"), "{}", method.head);
}

#[test]
fn clients_that_say_nothing_do_not_keep_probes_out() {
    let house = House::start(Mode::Development, None);
    let silent: Vec<_> = (0..80)
        .map(|at| {
            let mut stream = TcpStream::connect(house.ops.address()).unwrap();
            let begun: &[u8] = if at % 2 == 0 { b"" } else { b"GET /health HTTP/1.1\r\nhost" };
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    assert_eq!(house.get("/health").status, 200);
    drop(silent);
}
