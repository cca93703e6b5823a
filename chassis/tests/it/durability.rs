//! The durability guard against real engines: it tells what holds, and in production refuses less than is demanded.

use crate::engines::Place;
use crate::engines::on_both_engines;
use crate::house::Lines;
use chassis::bus::{Bus, BusConfig};
use chassis::clock::Clock;
use chassis::config::{Mode, Sources};
use chassis::db::{DatabaseConfig, Db, Synchronous};
use chassis::durability::{Board, DurabilityConfig, Guarantee, Held, Later, guard};
use chassis::run::{Assembled, Platform, Started, Targets, run};
use chassis::service::Registration;
use chassis::state::{RedisConfig, State, StateConfig};
use chassis::stop;
use std::collections::BTreeMap;
use testkit::servers::{Postgres, Redis};
use testkit::tiny::{Counter, Ledger};
use testkit::{Client, Folder, engines, eventually};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use uuid::Uuid;

/// What is demanded of a process with these engines, and what it says.
struct Asked {
    outcome: anyhow::Result<Option<Later>>,
    board: Board,
}

impl Asked {
    async fn of(mode: Mode, demanded: DurabilityConfig, db: Option<Db>, redis: Option<&str>) -> Self {
        let redis = RedisConfig { url: redis.map(|url| url.to_owned().into()), ..RedisConfig::default() };
        let (state, _) = State::open(&StateConfig::default(), &redis, Clock::system()).unwrap();
        let databases: BTreeMap<_, _> = db.into_iter().map(|db| ("orders", db)).collect();
        let board = Board::default();
        let outcome = guard(mode, &demanded, &databases, &state, None, &board).await;
        Self { outcome, board }
    }

    fn held(&self, what: &str) -> Held {
        self.board.read().into_iter().find(|held| held.what == what).unwrap()
    }

    fn refusal(self) -> String {
        format!("{:#}", self.outcome.unwrap_err())
    }
}

async fn production(db: Db) -> Asked {
    Asked::of(Mode::Production, DurabilityConfig::default(), Some(db), None).await
}

async fn open(url: &str) -> Db {
    let config = DatabaseConfig { url: Some(url.to_owned().into()), ..DatabaseConfig::default() };
    Db::open(&config, "orders", &std::env::temp_dir()).await.unwrap()
}

on_both_engines! {
    async fn development_tells_and_goes_on(place: Arc<Place>) {
        let lines = Lines::capture("info");
        let asked = Asked::of(Mode::Development, DurabilityConfig::default(), Some(place.open().await), None).await;
        assert!(asked.outcome.as_ref().unwrap().is_none());
        let (orders, state) = (asked.held("orders"), asked.held("state"));
        assert!(orders.survives < Guarantee::PowerCut, "{orders:?}");
        assert_eq!((state.engine, state.survives), ("the process", Guarantee::Nothing));
        let told = lines.text();
        for held in [orders, state] {
            assert!(told.contains(&held.line()), "{told}");
        }
    }
}

#[tokio::test]
async fn production_on_sqlite_demands_that_the_connection_that_writes_is_synchronised() {
    let place = Place::sqlite();
    let refusal = production(place.open().await).await.refusal();
    assert!(
        refusal.contains("synchronous normal") && refusal.contains("database.synchronous = full"),
        "{refusal}"
    );
    let config = DatabaseConfig { synchronous: Synchronous::Full, ..place.config.clone() };
    let asked = production(Db::open(&config, "orders", &place.folder).await.unwrap()).await;
    assert!(asked.outcome.is_ok());
    assert_eq!(
        asked.held("orders").line(),
        "orders on SQLite: a commit survives a power cut (synchronous full, journal_mode wal)"
    );
}

#[tokio::test]
async fn production_may_ask_for_less_and_then_gets_it() {
    let demanded = DurabilityConfig { database: Guarantee::ProcessCrash, ..DurabilityConfig::default() };
    let db = Place::sqlite();
    let asked = Asked::of(Mode::Production, demanded, Some(db.open().await), None).await;
    assert!(asked.outcome.is_ok());
    assert_eq!(asked.held("orders").survives, Guarantee::ProcessCrash);
}

#[tokio::test]
async fn production_refuses_a_postgresql_that_does_not_write_and_says_what_to_change() {
    let Some(url) = engines::postgres_url() else { return };
    // The shared server of the tests writes when it likes.
    let refusal = production(open(&url).await).await.refusal();
    assert!(
        refusal.contains("synchronous_commit off") && refusal.contains("set synchronous_commit = on"),
        "{refusal}"
    );
    assert!(refusal.contains("durability.database = nothing"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_that_writes_is_accepted_until_one_of_its_databases_is_told_not_to() {
    if engines::postgres_url().is_none() {
        return;
    }
    let server = Postgres::start_durable().unwrap();
    let url = server.url("postgres");
    let db = open(&url).await;
    let asked = production(db.clone()).await;
    assert!(asked.outcome.is_ok(), "{:?}", asked.outcome);
    assert_eq!(
        asked.held("orders").line(),
        "orders on PostgreSQL: a commit survives a power cut (fsync on, synchronous_commit on, full_page_writes on)"
    );
    chassis::q!(db.write, execute, "ALTER DATABASE postgres SET synchronous_commit = off").unwrap();
    // What counts is what a connection of the service gets.
    let refusal = production(open(&url).await).await.refusal();
    assert!(refusal.contains("synchronous_commit off"), "{refusal}");
}

/// Demands of state what nobody does by default.
const STRICT: DurabilityConfig =
    DurabilityConfig { database: Guarantee::PowerCut, bus: Guarantee::PowerCut, state: Guarantee::PowerCut };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_asked_what_it_writes_down() {
    if engines::redis_url().is_none() {
        return;
    }
    let durable = Redis::start_durable().unwrap();
    let asked = Asked::of(Mode::Production, STRICT, None, Some(&durable.url())).await;
    assert!(asked.outcome.is_ok(), "{:?}", asked.outcome);
    assert_eq!(
        asked.held("state").line(),
        "state on Redis: a write survives a power cut (appendonly yes, appendfsync always)"
    );
    durable.ask(&["CONFIG", "SET", "appendfsync", "everysec"]).unwrap();
    let asked = Asked::of(Mode::Production, STRICT, None, Some(&durable.url())).await;
    assert_eq!(asked.held("state").survives, Guarantee::ProcessCrash);
    assert!(asked.refusal().contains("appendfsync = always"));
    durable.ask(&["CONFIG", "SET", "appendonly", "no"]).unwrap();
    let asked = Asked::of(Mode::Production, DurabilityConfig::default(), None, Some(&durable.url())).await;
    assert_eq!(asked.held("state").survives, Guarantee::Nothing);
    assert!(asked.outcome.is_ok(), "by default state need not survive anything: {:?}", asked.outcome);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_not_be_asked_is_not_known_and_that_is_said() {
    if engines::redis_url().is_none() {
        return;
    }
    let durable = Redis::start_durable().unwrap();
    let url = durable.url().replace("redis://", "redis://limited:secret@");
    durable.ask(&["ACL", "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-config"]).unwrap();
    let asked = Asked::of(Mode::Production, STRICT, None, Some(&url)).await;
    let held = asked.held("state");
    assert_eq!(
        (held.survives, &*held.because),
        (Guarantee::ProcessCrash, "appendonly yes, appendfsync not known")
    );
    durable.ask(&["ACL", "SETUSER", "limited", "-info"]).unwrap();
    let asked = Asked::of(Mode::Production, STRICT, None, Some(&url)).await;
    assert_eq!(asked.held("state").survives, Guarantee::Nothing);
    let refusal = asked.refusal();
    assert!(refusal.contains("may not be read") && !refusal.contains("secret"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_away_at_start_is_asked_when_it_is_there() {
    if engines::redis_url().is_none() {
        return;
    }
    let mut redis = Redis::start().unwrap();
    redis.stop().unwrap();
    let start = async |mode| {
        let asked = Asked::of(mode, STRICT, None, Some(&redis.url())).await;
        assert!(asked.board.read().is_empty());
        (asked.outcome.unwrap().unwrap(), asked.board)
    };
    let ((strict, _), (lenient, board)) = (start(Mode::Production).await, start(Mode::Development).await);
    let (stopper, stop) = stop::channel();
    let (mut strictly, mut leniently) = (JoinSet::new(), JoinSet::new());
    strictly.spawn(strict.ask(stop.clone()));
    leniently.spawn(lenient.ask(stop));
    redis.restart().unwrap();
    let refusal = strictly.join_next().await.unwrap().unwrap().unwrap_err().to_string();
    assert!(refusal.contains("appendonly no"), "{refusal}");
    eventually(|| async { board.read().len() == 1 }).await;
    assert!(leniently.try_join_next().is_none(), "a worker that returns before the stop stops the process");
    stopper.stop();
    leniently.join_next().await.unwrap().unwrap().unwrap();
}

/// What a process with this bus and nothing else says in production.
async fn with_bus(config: BusConfig, synchronous: Synchronous) -> (anyhow::Result<Option<Later>>, Board) {
    let folder = Folder::new("durability").unwrap();
    let bus = Bus::open(&config, folder.path(), synchronous, Clock::system()).await.unwrap();
    let (state, _) = State::open(&StateConfig::default(), &RedisConfig::default(), Clock::system()).unwrap();
    let (demanded, board) = (DurabilityConfig::default(), Board::default());
    let outcome = guard(Mode::Production, &demanded, &BTreeMap::new(), &state, Some(&bus), &board).await;
    bus.close().await;
    (outcome, board)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_bus_is_as_safe_as_its_file() {
    let (outcome, _) = with_bus(BusConfig::default(), Synchronous::Full).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    let (outcome, _) = with_bus(BusConfig::default(), Synchronous::Normal).await;
    let refusal = format!("{:#}", outcome.unwrap_err());
    assert!(
        refusal.contains("bus on SQLite") && refusal.contains("database.synchronous = full"),
        "{refusal}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_nats_server_is_refused_in_production_and_one_that_is_away_is_asked_later() {
    let Some(url) = engines::nats_url() else { return };
    let config = |url: &str| {
        let prefix = format!("t{}", Uuid::new_v4().simple());
        BusConfig {
            url: Some(url.to_owned().into()),
            prefix,
            request_timeout_ms: 1_000,
            ..BusConfig::default()
        }
    };
    let (outcome, _) = with_bus(config(&url), Synchronous::Full).await;
    let refusal = format!("{:#}", outcome.unwrap_err());
    assert!(refusal.contains("1 replica") && refusal.contains("bus.replicas = 3"), "{refusal}");
    let (outcome, board) = with_bus(config("nats://127.0.0.1:1"), Synchronous::Full).await;
    assert!(outcome.unwrap().is_some() && board.read().iter().all(|held| held.what != "bus"));
}

/// `run` may be called once a process: under nextest each test has one of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_process_shows_what_really_holds() {
    let folder = Folder::new("durability").unwrap();
    let services = vec![Registration::of::<Ledger>(), Registration::of::<Counter>()];
    let data = folder.path().join("data").display().to_string();
    let settings = [("DATA_DIR", &*data), ("PORT", "0"), ("OPS_PORT", "0"), ("LOG_LEVEL", "off")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let platform = Platform::load(&services, Sources::from_parts(None, settings)).unwrap();
    let targets = Targets::parse("all", &services).unwrap();
    let (tell, told) = oneshot::channel::<Started>();
    std::thread::spawn(move || run(platform, &targets, "0.0.0", |started| drop(tell.send(started.clone()))));
    let ops = Client::http(format!("http://{}", told.await.unwrap().ops));
    let info: serde_json::Value = serde_json::from_str(&ops.get_unchecked("/info").await.text()).unwrap();
    let held = |what: &str| {
        let all = info["durability"].as_array().unwrap();
        let found = all.iter().find(|held| held["what"] == what).unwrap();
        (found["engine"].as_str().unwrap(), found["survives"].as_str().unwrap())
    };
    assert_eq!(held("ledger"), ("SQLite", "process_crash"));
    assert_eq!(held("bus"), ("SQLite", "process_crash"));
    assert_eq!(held("state"), ("the process", "nothing"));
}

/// A whole process in production on this database.
async fn boot(database: &str) -> anyhow::Result<Assembled> {
    let folder = Folder::new("durability").unwrap();
    let services = [Registration::of::<Ledger>(), Registration::of::<Counter>()];
    let settings = [
        ("BOWLINE_MODE", "production"),
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("DATABASE_URL", database),
        ("BOWLINE_DATABASE__SYNCHRONOUS", "full"),
        ("BOWLINE_IDENTITY__SERVICE_KEY", "kZ3vQ9pLx7Rt2Wm8Yc5Nf1Jh6Gb4Ds0A"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let platform = Platform::load(&services, Sources::from_parts(None, settings)).unwrap();
    let targets = Targets::parse("all", &services).unwrap();
    let (_stopper, stop) = stop::channel();
    Assembled::of(platform, &targets, None, Clock::system(), stop).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_in_production_does_not_start_on_a_database_that_does_not_write() {
    if engines::postgres_url().is_none() {
        return;
    }
    let mut refusals = Vec::new();
    for start in [Postgres::start, Postgres::start_durable] {
        let server = start().unwrap();
        refusals.push(boot(&server.url("{service}")).await.err().map(|error| format!("{error:#}")));
    }
    assert!(
        refusals[0].as_ref().is_some_and(|refusal| refusal.contains("ledger on PostgreSQL")),
        "{refusals:?}"
    );
    assert_eq!(refusals[1], None);
}
