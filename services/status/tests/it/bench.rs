//! A running status service, somebody who speaks as Alertmanager does, and services whose health the test decides.

use axum::Router;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::q;
use chassis::health::Check;
use chassis::service::{Context, Parts, Service, Spec};
use contract::identity::Role;
use contract::status::{Alert, AlertWithHistory, Incident, ServiceState, StatusPage};
use serde_json::{Value, json};
use status::Status;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use testkit::{Answer, Client, Engine, FakeAuth, Issuer, Setup, TestService, eventually};
use uuid::Uuid;

pub(crate) const SECRET: &str = "a-secret-of-the-monitoring";
pub(crate) const WEBHOOK: &str = "/api/v1/alerts/webhook";
pub(crate) const ALERTS: &str = "/api/v1/alerts";
pub(crate) const INCIDENTS: &str = "/api/v1/incidents";
pub(crate) const STATUS: &str = "/api/v1/status";
/// Seconds between two looks, as it is by default.
pub(crate) const EVERY: u64 = 15;

/// What is wrong with the orders of each test, by the name of their mood.
static MOODS: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

settings! {
    /// The stand-in for the orders.
    pub(crate) struct OrdersConfig {
        /// Under which name the test says what is wrong.
        mood: String = String::new();
    }
}

impl Validate for OrdersConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// Is ready unless the test says otherwise.
pub(crate) struct Orders;

impl Service for Orders {
    const SPEC: Spec = Spec {
        name: "orders",
        about: "A stand-in for the orders",
        owns: &["orders"],
        well_known: &[],
        door: false,
        needs: &[],
        database: None,
        events: &[],
        openapi: || chassis::openapi::document("Orders", "A stand-in."),
    };

    type Config = OrdersConfig;

    async fn build(config: OrdersConfig, _: Context) -> anyhow::Result<Parts> {
        let check = Check::new("orders.warehouse-at-10.0.0.7", move || {
            let moods = MOODS.lock().unwrap_or_else(PoisonError::into_inner);
            let wrong = moods.as_ref().and_then(|moods| moods.get(&config.mood)).cloned();
            std::future::ready(wrong.map_or(Ok(()), Err))
        });
        Ok(Parts::new(Router::new()).check(check))
    }
}

pub(crate) struct Bench {
    pub(crate) service: TestService,
    issuer: Issuer,
    mood: String,
}

impl Bench {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |setup| setup).await
    }

    pub(crate) async fn start_with(engine: Engine, more: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let issuer = Issuer::new();
        let mood = Uuid::new_v4().to_string();
        let setup = Setup::of::<Status>().and::<FakeAuth>().and::<Orders>().issuer(&issuer);
        let setup = setup
            .set("BOWLINE_DELIVERY__POLL_MS", "10")
            .set("BOWLINE_JOBS__POLL_MS", "10")
            .set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
            .set("BOWLINE_ORDERS__MOOD", mood.clone())
            .set("BOWLINE_STATUS__ALERTMANAGER_TOKEN", SECRET);
        let service = more(setup).start(engine).await?;
        eventually(|| std::future::ready(service.assembled().shared().verifier().check())).await;
        Some(Self { service, issuer, mood })
    }

    /// Somebody else each time.
    pub(crate) fn person(&self, roles: &[Role]) -> Client {
        self.service.client().bearer(&self.issuer.token(self.service.clock(), roles))
    }

    pub(crate) fn admin(&self) -> Client {
        self.person(&[Role::User, Role::Admin])
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.service.clock().advance(Duration::from_secs(secs));
    }

    /// Lets hours pass. Keys that old would not be trusted: they are told anew.
    pub(crate) async fn jump(&self, secs: u64) {
        self.comes_to_rest().await;
        self.pass(secs);
        self.issuer.silence(false);
        eventually(|| std::future::ready(self.service.assembled().shared().verifier().check())).await;
    }

    /// What is wrong with the orders from now on.
    pub(crate) fn orders_are(&self, wrong: Option<&str>) {
        let mut moods = MOODS.lock().unwrap_or_else(PoisonError::into_inner);
        let moods = moods.get_or_insert_default();
        match wrong {
            Some(wrong) => drop(moods.insert(self.mood.clone(), wrong.to_owned())),
            None => drop(moods.remove(&self.mood)),
        }
    }

    /// Waits until nobody looks and none is due: a look that time outruns is lost.
    async fn comes_to_rest(&self) {
        let (db, now) = (self.service.db("status"), self.service.clock().now());
        let sql = "SELECT count(*) FROM job WHERE name = 'look' AND status = 'waiting' AND due_at > $1";
        eventually(|| async {
            let at_rest: i64 = q!(db.read, scalar, sql, now).unwrap();
            at_rest > 0
        })
        .await;
    }

    /// Lets so many seconds pass, and waits for the look that follows.
    pub(crate) async fn look_after(&self, secs: u64) {
        // What a check has found holds for half a second of real time.
        tokio::time::sleep(Duration::from_millis(510)).await;
        self.jump(secs).await;
        self.looked().await;
    }

    /// Waits until somebody has looked at the time that it is, and is done with it.
    pub(crate) async fn looked(&self) {
        let (db, now) = (self.service.db("status"), self.service.clock().now());
        let sql = "SELECT count(*) FROM service_state, job WHERE looked_at >= $1 AND job.name = 'look' \
            AND job.status = 'waiting' AND job.started_at >= $1 AND job.last_outcome = 'done'";
        eventually(|| async {
            let looked: i64 = q!(db.read, scalar, sql, now).unwrap();
            looked > 0
        })
        .await;
    }

    /// Sends a notification as Alertmanager does.
    pub(crate) async fn notify(&self, alerts: &[Value]) -> Answer {
        let body = json!({"version": "4", "groupKey": "{}", "status": "firing", "alerts": alerts});
        let ask = self.service.client();
        let ask = ask.request(http::Method::POST, WEBHOOK);
        ask.header("authorization", &format!("Bearer {SECRET}")).json(body).send().await
    }

    /// The alerts, as an administrator reads them.
    pub(crate) async fn alerts(&self) -> Vec<Alert> {
        self.admin().get(ALERTS).await.expect(200).data()
    }

    /// The one alert that there is.
    pub(crate) async fn the_alert(&self) -> AlertWithHistory {
        let all = self.alerts().await;
        let [alert] = &all[..] else { panic!("{all:?}") };
        self.admin().get(&format!("{ALERTS}/{}", alert.id)).await.expect(200).data()
    }

    pub(crate) async fn incidents(&self) -> Vec<Incident> {
        self.admin().get(INCIDENTS).await.expect(200).data()
    }

    /// How the platform is, for everybody.
    pub(crate) async fn status(&self) -> StatusPage {
        self.service.client().get(STATUS).await.expect(200).data()
    }

    /// How a service is, for everybody, once it is so.
    pub(crate) async fn until(&self, service: &str, state: ServiceState) {
        eventually(|| async {
            let page = self.status().await;
            let is = page.services.iter().find(|it| it.name == service).map(|it| it.state);
            if is == Some(state) { Ok(()) } else { Err(is) }
        })
        .await;
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let db = self.service.db("status");
        q!(db.read, scalar, sql).unwrap()
    }
}

/// An alert as Alertmanager sends it: it began so many seconds after 2026.
pub(crate) fn alert(name: &str, severity: &str, starts: u32, ended: Option<u32>) -> Value {
    let at = |secs: u32| format!("2026-01-01T{:02}:{:02}:{:02}Z", secs / 3_600, secs / 60 % 60, secs % 60);
    json!({
        "status": if ended.is_some() { "resolved" } else { "firing" },
        "labels": {"alertname": name, "severity": severity, "service": "orders", "instance": "10.0.0.7:9090"},
        "annotations": {"summary": "orders-7f9c of 10.0.0.7 is ill", "description": "password=hunter2"},
        "startsAt": at(starts),
        "endsAt": ended.map_or("0001-01-01T00:00:00Z".to_owned(), at),
        "generatorURL": "http://prometheus.internal:9090/graph",
        "fingerprint": format!("fp-{name}"),
    })
}
