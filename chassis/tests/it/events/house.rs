//! A shop that publishes and statistics that subscribe, each with a database of its own.

use crate::house::NoConfig;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use chassis::clock::Clock;
use chassis::db::{Db, Migrations, Tx, sqlx};
use chassis::error::{ApiError, ApiResult};
use chassis::events::{Handled, Handler, HandlerError, Outbox, Received};
use chassis::http::{Json, created};
use chassis::q;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::{Event, EventSpec, OlderVersion, UpcastError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use testkit::{Client, Engine, Setup, TestService};
use uuid::Uuid;

static NONE: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

/// What the first version said: it had no trouble.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
struct ItemSoldV1 {
    item: String,
    number: i64,
}

/// An item was sold.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct ItemSold {
    pub(crate) item: String,
    pub(crate) number: i64,
    /// What the handler is to do: `fail N`, `reject`, `panic`, `hang`, `pass by`, or nothing.
    pub(crate) trouble: String,
}

impl Event for ItemSold {
    const TYPE: &'static str = "item.sold";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "An item was sold.";
    const OLDER: &'static [OlderVersion] = &[OlderVersion::of::<ItemSoldV1>(1)];

    fn key(&self) -> String {
        self.item.clone()
    }

    fn upcast(_: u32, mut data: Value) -> Result<Value, UpcastError> {
        data["trouble"] = "".into();
        Ok(data)
    }
}

/// A sale was counted.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct SaleCounted {
    item: String,
    number: i64,
}

impl Event for SaleCounted {
    const TYPE: &'static str = "sale.counted";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "A sale was counted.";

    fn key(&self) -> String {
        self.item.clone()
    }
}

const fn spec(name: &'static str, owns: &'static [&'static str], events: &'static [EventSpec]) -> Spec {
    Spec {
        name,
        about: "A service under test",
        owns,
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(Migrations { sqlite: &NONE, postgres: &NONE }),
        events,
        openapi: || chassis::openapi::document("A service", "Under test."),
    }
}

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS effect (place BIGINT NOT NULL, item TEXT NOT NULL, number BIGINT NOT NULL,
                     attempt BIGINT NOT NULL, trace TEXT NOT NULL, correlation TEXT NOT NULL)";

#[derive(Clone)]
struct Effects {
    outbox: Option<Outbox>,
}

impl Effects {
    async fn note(&self, t: &mut Tx, item: &str, number: i64, attempt: u32) -> anyhow::Result<()> {
        let origin = chassis::telemetry::origin::Origin::current();
        let (trace, correlation) = origin
            .map(|o| (o.trace.trace_id().to_string(), o.correlation_id.to_string()))
            .unwrap_or_default();
        let place: i64 = q!(t.tx, scalar, "SELECT count(*) FROM effect")?;
        let sql = "INSERT INTO effect (place, item, number, attempt, trace, correlation) VALUES ($1, $2, $3, $4, $5, $6)";
        q!(t.tx, execute, sql, place, item, number, i64::from(attempt), &trace, &correlation)?;
        Ok(())
    }
}

impl Handler<ItemSold> for Effects {
    fn wants(&self, event: &ItemSold) -> bool {
        event.trouble != "pass by"
    }

    async fn handle(&self, t: &mut Tx, event: Received<ItemSold>) -> Handled {
        let ItemSold { item, number, trouble } = event.data;
        self.note(t, &item, number, event.attempt).await?;
        if let Some(outbox) = &self.outbox {
            outbox.publish(t, &SaleCounted { item, number }).await?;
        }
        match trouble.split_once(' ').unwrap_or((&trouble, "")) {
            ("fail", times) if event.attempt <= times.parse().unwrap() => {
                Err(anyhow::anyhow!("the cause of it").context("it went wrong").into())
            }
            ("reject", _) => Err(HandlerError::reject(anyhow::anyhow!("never"))),
            ("panic", _) => panic!("on purpose"),
            ("hang", _) => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

impl Handler<SaleCounted> for Effects {
    async fn handle(&self, t: &mut Tx, event: Received<SaleCounted>) -> Handled {
        Ok(self.note(t, &event.data.item, event.data.number, event.attempt).await?)
    }
}

/// Publishes `item.sold` and hears back when it was counted.
pub(crate) struct Shop;

impl Service for Shop {
    const SPEC: Spec = spec("shop", &["shop"], &[EventSpec::of::<ItemSold>()]);
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let db = context.db()?;
        q!(db.write, execute, TABLE)?;
        let state = (db, context.outbox()?);
        let router = Router::new().route("/api/v1/shop/sales", post(sell)).with_state(state);
        Ok(Parts::new(router).on::<SaleCounted>("hear-back", Effects { outbox: None }))
    }
}

/// Counts what is sold.
pub(crate) struct Stats;

impl Service for Stats {
    const SPEC: Spec = spec("stats", &["stats"], &[EventSpec::of::<SaleCounted>()]);
    type Config = NoConfig;

    async fn build(_: NoConfig, context: Context) -> anyhow::Result<Parts> {
        let db = context.db()?;
        q!(db.write, execute, TABLE)?;
        let outbox = Some(context.outbox()?);
        Ok(Parts::new(Router::new()).on::<ItemSold>("count-sales", Effects { outbox }))
    }
}

#[derive(Debug, Serialize, Deserialize, garde::Validate)]
struct Sell {
    #[garde(skip)]
    item: String,
    #[garde(skip)]
    numbers: Vec<i64>,
    #[garde(skip)]
    trouble: String,
    #[garde(skip)]
    undo: bool,
}

async fn sell(
    State((db, outbox)): State<(Db, Outbox)>,
    Json(body): Json<Sell>,
) -> ApiResult<impl IntoResponse> {
    let mut t = db.begin().await?;
    for number in body.numbers {
        let (item, trouble) = (body.item.clone(), body.trouble.clone());
        outbox.publish(&mut t, &ItemSold { item, number, trouble }).await.map_err(ApiError::from)?;
    }
    if body.undo {
        t.rollback().await?;
    } else {
        t.commit().await?;
    }
    Ok(created("/api/v1/shop/sales", ()))
}

/// Both services, on a bus.
pub(crate) struct House {
    pub(crate) service: TestService,
    pub(crate) client: Client,
}

/// What a handler has done.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Effect {
    pub(crate) item: String,
    pub(crate) number: i64,
    pub(crate) attempt: i64,
    pub(crate) trace: String,
    pub(crate) correlation: String,
}

/// Which bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Embedded,
    Nats,
}

impl House {
    pub(crate) async fn start(engine: Engine, bus: On) -> Option<Self> {
        Self::start_with(engine, bus, &[]).await
    }

    pub(crate) async fn start_with(engine: Engine, bus: On, more: &[(&str, &str)]) -> Option<Self> {
        let setup = Setup::of::<Shop>().and::<Stats>().set("BOWLINE_DELIVERY__POLL_MS", "10");
        let setup = setup
            .set("BOWLINE_DELIVERY__HANDLER_TIMEOUT_MS", "400")
            .set("BOWLINE_DELIVERY__MAX_ATTEMPTS", "3");
        let setup = match bus {
            On::Embedded => setup,
            On::Nats => {
                let prefix = format!("t{}", Uuid::new_v4().simple());
                setup.set("BUS_URL", testkit::engines::nats_url()?).set("BOWLINE_BUS__PREFIX", prefix)
            }
        };
        let setup = more.iter().fold(setup, |setup, (name, value)| setup.set(name, *value));
        let service = setup.start(engine).await?;
        let client = service.client();
        Some(Self { service, client })
    }

    pub(crate) async fn sell(&self, item: &str, numbers: &[i64], trouble: &str) {
        self.post(item, numbers, trouble, false).await;
    }

    pub(crate) async fn post(&self, item: &str, numbers: &[i64], trouble: &str, undo: bool) {
        let body = serde_json::json!({"item": item, "numbers": numbers, "trouble": trouble, "undo": undo});
        self.client.post("/api/v1/shop/sales", body).await.expect(201);
    }

    pub(crate) async fn effects(&self, service: &str) -> Vec<Effect> {
        let db = self.service.db(service);
        q!(db.read, fetch_all, "SELECT item, number, attempt, trace, correlation FROM effect ORDER BY place")
            .unwrap()
    }

    /// The numbers of an item that took effect, in order.
    pub(crate) async fn counted(&self, item: &str) -> Vec<i64> {
        let effects = self.effects("stats").await;
        effects.into_iter().filter(|effect| effect.item == item).map(|effect| effect.number).collect()
    }

    /// Waits until these numbers of an item took effect, in this order.
    pub(crate) async fn until(&self, item: &str, numbers: &[i64]) {
        testkit::eventually(|| async {
            let counted = self.counted(item).await;
            if counted == numbers { Ok(()) } else { Err(counted) }
        })
        .await;
    }

    /// Waits until `count` events are dead letters.
    pub(crate) async fn until_dead(&self, count: usize) -> Vec<chassis::events::DeadLetter> {
        let letters = self.dead_letters();
        testkit::eventually(|| async {
            let (found, _) = letters.list(&chassis::events::Filter::default(), 100).await.unwrap();
            if found.len() == count { Ok(found) } else { Err(found) }
        })
        .await
    }

    pub(crate) fn dead_letters(&self) -> chassis::events::DeadLetters {
        chassis::events::DeadLetters::new(self.service.db("stats").clone(), self.clock().clone())
    }

    pub(crate) fn clock(&self) -> &Clock {
        self.service.clock()
    }

    /// Longer than any pause before a retry.
    pub(crate) fn pass_a_pause(&self) {
        self.clock().advance(Duration::from_secs(150));
    }
}

/// Makes a test of each function for each database and bus.
macro_rules! on_every_bus {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use crate::events::house::{House, On};
            use testkit::Engine;

            async fn on(engine: Engine, bus: On) {
                if let Some(house) = House::start(engine, bus).await {
                    super::$name(house).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite_and_the_embedded_bus() {
                on(Engine::Sqlite, On::Embedded).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres_and_the_embedded_bus() {
                on(Engine::Postgres, On::Embedded).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres_and_nats() {
                on(Engine::Postgres, On::Nats).await;
            }
        }
    )+};
}

pub(crate) use on_every_bus;
