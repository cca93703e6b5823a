//! The life of a process. `run` may be called once a process: each of these tests has one of its own under nextest.

use crate::house::{GATE, NoConfig, Relay, Things};
use axum::Router;
use chassis::clock::Clock;
use chassis::config::Sources;
use chassis::invariant::{Checked, Invariant};
use chassis::run::{Assembled, Platform, Started, Targets, run};
use chassis::service::{Context, Parts, Registration, Service, Spec};
use chassis::stop;
use contract::audit::Violation;
use serde_json::json;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;
use testkit::{Client, FakeAuth, Folder, Issuer, Wire, eventually, eventually_within};
use tokio::sync::{Semaphore, oneshot};

/// Ends the worker of [`Mortal`] when it gets a permit.
static END: Semaphore = Semaphore::const_new(0);

/// A service whose worker does not live as long as it should.
struct Mortal;

impl Service for Mortal {
    const SPEC: Spec = Spec {
        name: "mortal",
        about: "Its worker ends",
        owns: &["mortal"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("Mortal", "Under test."),
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(Router::new()).worker("heart", |_| async {
            END.acquire().await?.forget();
            anyhow::bail!("it stopped beating")
        }))
    }
}

/// Gets a permit when [`Till`]'s second rule is come to.
static REACHED: Semaphore = Semaphore::const_new(0);
/// Lets it be looked at when it gets a permit.
static LOOK: Semaphore = Semaphore::const_new(0);

/// A service with a rule that holds and one that does not.
struct Till;

impl Service for Till {
    const SPEC: Spec = Spec {
        name: "till",
        about: "It has books",
        owns: &["till"],
        openapi: || chassis::openapi::document("Till", "Under test."),
        ..Mortal::SPEC
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        let holds = Invariant::new("coins-are-round", "Every coin is round.", || async {
            Ok(Checked { checked: 3, violations: Vec::new() })
        });
        let broken = Invariant::new("sums-are-right", "The sum is that of the coins.", || async {
            REACHED.add_permits(1);
            LOOK.acquire().await?.forget();
            Ok(Checked { checked: 1, violations: vec![Violation::new("till 1", "2 is not 3")] })
        });
        Ok(Parts::new(Router::new()).invariant(holds).invariant(broken))
    }
}

/// A service of a name that may not be free.
struct Named<const DELIVERY: bool>;

impl<const DELIVERY: bool> Service for Named<DELIVERY> {
    const SPEC: Spec = Spec { name: if DELIVERY { "delivery" } else { "mode" }, ..Mortal::SPEC };
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(Router::new()))
    }
}

#[test]
fn a_service_is_not_named_as_settings_of_something_else_are() {
    let refused = |services: &[Registration]| {
        let nothing = Sources::from_parts(None, Vec::<(String, String)>::new());
        Platform::load(services, nothing).unwrap_err().to_string()
    };
    let section = refused(&[Registration::of::<Named<true>>()]);
    let text = "a service cannot be named `delivery`: its settings would be in the section of that name, and the section \
                of settings [delivery] belongs to something else";
    assert!(section.contains(text), "{section}");
    let setting = refused(&[Registration::of::<Named<false>>()]);
    assert!(setting.contains("cannot be named `mode`"), "{setting}");
    assert!(setting.contains("the setting `mode` belongs to something else"), "{setting}");
    let twice = refused(&[Registration::of::<Mortal>(), Registration::of::<Mortal>()]);
    assert!(twice.contains(&format!("cannot be named `{}`", Mortal::SPEC.name)), "{twice}");
}

fn load(services: &[Registration], settings: &[(&str, &str)]) -> Platform {
    let settings =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
    Platform::load(services, Sources::from_parts(None, settings)).unwrap()
}

/// A process in a thread.
struct Process {
    started: Started,
    thread: JoinHandle<anyhow::Result<ExitCode>>,
    _folder: Folder,
}

async fn start(services: Vec<Registration>, settings: &[(&str, &str)]) -> Process {
    let folder = Folder::new("run").unwrap();
    let data = folder.path().join("data").display().to_string();
    let own = [("DATA_DIR", &*data), ("PORT", "0"), ("OPS_PORT", "0"), ("LOG_LEVEL", "off")];
    let platform = load(&services, &[&own[..], settings].concat());
    let targets = Targets::parse("all", &services).unwrap();
    let (tell, told) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        run(platform, &targets, "0.0.0", |started| drop(tell.send(started.clone())))
    });
    Process { started: told.await.unwrap(), thread, _folder: folder }
}

#[tokio::test]
async fn a_worker_that_ends_stops_the_process_and_what_is_in_hand_is_finished() {
    let issuer = Issuer::new();
    issuer.silence(true);
    let services =
        vec![Registration::of::<Things>(), Registration::of::<FakeAuth>(), Registration::of::<Mortal>()];
    let process =
        start(services, &[("BOWLINE_AUTH__ISSUER", issuer.name()), ("BOWLINE_HTTP__THREADS", "1")]).await;
    let ops = Client::http(format!("http://{}", process.started.ops));
    let ready = async |status: u16, text: &str| {
        let answer = ops.get_unchecked("/ready").await;
        let fits = answer.status.as_u16() == status && answer.text().contains(text);
        if fits { Ok(()) } else { Err(answer.text().into_owned()) }
    };
    eventually(async || ready(503, "no word from the auth service").await).await;
    issuer.silence(false);
    eventually_within(Duration::from_secs(3), async || ready(200, "\"identity\"").await).await;

    let public = process.started.public;
    let mut busy = Wire::connect(public).await.unwrap();
    busy.write("GET /api/v1/things/gate HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let active = async || {
        ops.get_unchecked("/metrics").await.text().contains("http_active_connections{service=\"things\"} 1")
    };
    eventually(active).await;

    END.add_permits(1);
    eventually(async || ready(503, "draining").await).await;
    eventually(async || Wire::connect(public).await.is_err()).await;
    assert!(!process.thread.is_finished(), "a request is in hand");
    GATE.add_permits(1);
    let answer = busy.request().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("through"), "{answer}");
    eventually(async || process.thread.is_finished()).await;
    assert_eq!(process.thread.join().unwrap().unwrap(), ExitCode::FAILURE, "nobody asked it to stop");
}

#[tokio::test]
async fn the_operations_listener_looks_at_every_rule_for_one_who_asks_at_a_time() {
    let process = start(vec![Registration::of::<Till>(), Registration::of::<Mortal>()], &[]).await;
    let ops = Client::http(format!("http://{}", process.started.ops));
    let (first, meanwhile) = tokio::join!(ops.get_unchecked("/audit"), async {
        REACHED.acquire().await.unwrap().forget();
        let busy = ops.get_unchecked("/audit").await;
        LOOK.add_permits(1);
        busy
    });
    assert_eq!(meanwhile.status.as_u16(), 503);
    assert!(meanwhile.text().contains("The books are being looked at"), "{}", meanwhile.text());
    let found: serde_json::Value = serde_json::from_str(&first.text()).unwrap();
    assert_eq!((first.status.as_u16(), &found["holds"]), (200, &json!(false)));
    let expected = json!([
        {"service": "till", "invariant": "coins-are-round", "about": "Every coin is round.", "checked": 3, "violations": []},
        {"service": "till", "invariant": "sums-are-right", "about": "The sum is that of the coins.", "checked": 1,
         "violations": [{"subject": "till 1", "found": "2 is not 3"}]},
    ]);
    assert_eq!(found["findings"], expected);
    END.add_permits(1);
    eventually(async || process.thread.is_finished()).await;
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_the_stop_beyond_its_deadline() {
    let issuer = Issuer::new();
    let services =
        vec![Registration::of::<Things>(), Registration::of::<FakeAuth>(), Registration::of::<Mortal>()];
    let settings = [("BOWLINE_AUTH__ISSUER", issuer.name()), ("BOWLINE_STOP_TIMEOUT_SECS", "1")];
    let process = start(services, &settings).await;
    let mut endless = Wire::connect(process.started.public).await.unwrap();
    endless.write("GET /api/v1/things/stream HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    endless.until("first piece").await.unwrap();
    END.add_permits(1);
    eventually_within(Duration::from_secs(5), async || process.thread.is_finished()).await;
    assert_eq!(process.thread.join().unwrap().unwrap(), ExitCode::FAILURE);
}

#[tokio::test]
async fn an_address_in_use_ends_the_boot_before_anything_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = Folder::new("run").unwrap();
    let data = folder.path().join("data");
    let services = [Registration::of::<Things>()];
    let data_dir = data.display().to_string();
    let platform =
        load(&services, &[("DATA_DIR", &data_dir), ("PORT", &port), ("OPS_PORT", "0"), ("LOG_LEVEL", "off")]);
    let targets = Targets::parse("all", &services).unwrap();
    let running = move || run(platform, &targets, "0.0.0", |_| panic!("it must not start"));
    let error = format!("{:#}", std::thread::spawn(running).join().unwrap().unwrap_err());
    assert!(error.contains("http.port"), "{error}");
    assert!(!data.exists());
}

#[tokio::test]
async fn a_peer_that_is_nowhere_is_an_error_that_says_what_to_set() {
    let services = [Registration::of::<Relay>(), Registration::of::<Things>()];
    let targets = Targets::parse("relay", &services).unwrap();
    let (_stopper, stop) = stop::channel();
    let assembled = Assembled::of(load(&services, &[]), &targets, None, Clock::system(), stop).await;
    let error = format!("{:#}", assembled.unwrap_err());
    assert!(error.contains("relay needs things") && error.contains("BOWLINE_PEERS__THINGS"), "{error}");
}
