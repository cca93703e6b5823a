//! A process that has more to do than it can.

use crate::calls::KEY;
use crate::house::{NoConfig, Things};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use chassis::http::{Caller, reply};
use chassis::identity::{IdentityConfig, ServiceKeys};
use chassis::service::{Context, Parts, Service, Spec};
use contract::error::ErrorCode;
use http::{Method, Request};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use testkit::{Setup, TestService};
use tokio::task::JoinSet;
use tokio::task::yield_now;
use tokio::time::sleep;
use utoipa::openapi::OpenApi;

/// What a request keeps its thread busy for.
const WORK: Duration = Duration::from_millis(4);
/// How long everybody asks, and from when on it counts: finding out how much is too much takes a moment.
const TRIAL: Duration = Duration::from_secs(6);
const FOUND_OUT: Duration = Duration::from_secs(3);

/// Works without ever waiting, on one route of each priority.
struct Busy;

impl Service for Busy {
    const SPEC: Spec = Spec {
        name: "busy",
        about: "A service under test",
        owns: &["work"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: described,
    };
    type Config = NoConfig;

    async fn build(_: NoConfig, _: Context) -> anyhow::Result<Parts> {
        let work = || {
            get(|| async {
                let began = Instant::now();
                while began.elapsed() < WORK {
                    std::hint::spin_loop();
                }
                reply("done")
            })
        };
        let router = Router::new()
            .route("/api/v1/work/low", work())
            .route("/api/v1/work/normal", work())
            .route("/api/v1/work/critical", work())
            .route("/api/v1/work/hang", get(std::future::pending::<()>));
        Ok(Parts::new(router))
    }
}

fn described() -> OpenApi {
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Busy", "version": "1"},
        "paths": {
            "/api/v1/work/low": {"get": {"responses": {}, "x-priority": "low"}},
            "/api/v1/work/critical": {"get": {"responses": {}, "x-priority": "critical"}},
        },
    });
    serde_json::from_value(document).unwrap()
}

/// Asks again and again; after a refusal it waits a little, as it was told to. How many asked and were refused.
async fn client(service: &TestService, path: &'static str) -> impl Future<Output = (u32, u32)> + use<> {
    let client = service.client();
    async move {
        let (began, mut asked, mut refused) = (Instant::now(), 0, 0);
        while began.elapsed() < TRIAL {
            // As over a socket, others have their turn between two requests of one client.
            yield_now().await;
            let answer = client.get(path).await;
            let counts = u32::from(began.elapsed() > FOUND_OUT);
            asked += counts;
            if answer.status == 503 {
                assert!(answer.header("retry-after").is_some());
                answer.refused(ErrorCode::Overloaded);
                refused += counts;
                sleep(Duration::from_millis(50)).await;
            }
        }
        (asked, refused)
    }
}

#[tokio::test]
async fn a_saturated_process_refuses_what_is_least_important_first() {
    let service = Setup::of::<Busy>()
        .set("BOWLINE_HTTP__MIN_IN_FLIGHT", "20")
        .set("BOWLINE_HTTP__SHED_LAG_MS", "100")
        .build()
        .await;
    let mut clients = JoinSet::new();
    for (path, count) in
        [("/api/v1/work/low", 150), ("/api/v1/work/normal", 50), ("/api/v1/work/critical", 4)]
    {
        for _ in 0..count {
            let client = client(&service, path).await;
            clients.spawn(async move { (path, client.await) });
        }
    }
    let ended = clients.join_all().await;
    let of = |wanted: &str| {
        let these = ended.iter().filter(|(path, _)| path.ends_with(wanted)).map(|(_, counts)| counts);
        let (asked, refused) =
            these.fold((0, 0), |(asked, refused), (more, no)| (asked + more, refused + no));
        f64::from(refused) / f64::from(asked)
    };
    let (low, normal, critical) = (of("low"), of("normal"), of("critical"));
    eprintln!("refused: low {low:.3}, normal {normal:.3}, critical {critical:.3}");
    assert!(low > 0.5, "{low} of what can wait was refused");
    assert!(critical < 0.1, "{critical} of what is critical was refused");
    assert!(critical < normal && normal < low, "low {low}, normal {normal}, critical {critical}");
}

#[tokio::test]
async fn more_than_may_be_in_flight_are_refused_and_places_come_back() {
    let service = Setup::of::<Busy>()
        .set("BOWLINE_HTTP__MIN_IN_FLIGHT", "10")
        .set("BOWLINE_HTTP__MAX_IN_FLIGHT", "10")
        .set("BOWLINE_IDENTITY__SERVICE_KEY", KEY)
        .build()
        .await;
    let mut hanging = JoinSet::new();
    for _ in 0..8 {
        let client = service.client();
        hanging.spawn(async move {
            // One whose place another has for a moment asks again.
            while client.get("/api/v1/work/hang").await.status == 503 {
                yield_now().await;
            }
        });
    }
    while service.client().get("/api/v1/work/normal").await.status == 200 {
        yield_now().await;
    }
    let low = service.client();
    let low = low.request(Method::GET, "/api/v1/work/critical").header("priority", "u=6").send().await;
    let low = low.expect(503);
    assert_eq!((low.header("retry-after"), low.header("x-busy")), (Some("5"), None));
    let keys = ServiceKeys::new(&KEY.to_owned().into(), &IdentityConfig::default());
    let credential = keys.credential("orders", "busy", service.clock()).unwrap();
    let credential = credential.to_str().unwrap();
    let client = service.client();
    let from_service = |priority| {
        let ask = client.request(Method::GET, "/api/v1/work/normal").header("priority", priority);
        ask.header("x-service-authorization", credential).send()
    };
    from_service("u=3").await.expect(200);
    assert_eq!(from_service("u=6").await.expect(503).header("x-busy"), Some("1"));
    service.client().get("/api/v1/work/critical").await.expect(200);
    hanging.shutdown().await;
    service.client().get("/api/v1/work/low").await.expect(200);
}

/// What this process holds in memory, in kibibytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_requests_that_time_out_leave_nothing_behind() {
    const CLIENTS: u32 = 500;
    const SOMEBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    const MORE_KIB: u64 = 16 * 1_024;
    // None is refused: each of them waits to its end.
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__MIN_IN_FLIGHT", "2000").build().await;
    let time_out = async |requests: u32| {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let front = service.assembled().front().clone();
            clients.spawn(async move {
                for _ in 0..requests / CLIENTS {
                    let slow = Request::get("/api/v1/things/slow").header("x-request-timeout-ms", "1");
                    let answer =
                        front.handle(slow.body(Body::empty()).unwrap(), Caller::Socket(SOMEBODY)).await;
                    assert_eq!(answer.status(), 504);
                }
            });
        }
        clients.join_all().await;
    };
    time_out(10_000).await;
    let before = resident();
    time_out(100_000).await;
    let after = resident();
    assert!(after < before + MORE_KIB, "{before} KiB became {after} KiB");
    service.client().get("/api/v1/things/short").await.expect(200);
}
