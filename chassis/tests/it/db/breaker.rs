//! A PostgreSQL server that goes away, hangs and comes back, on servers of the tests' own.

use crate::house::Lines;
use chassis::db::{DatabaseConfig, Db, DbError, is_unavailable, q};
use chassis::error::ApiError;
use std::time::{Duration, Instant};
use testkit::servers::Postgres;
use testkit::{Folder, eventually, eventually_within};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const ACQUIRE: Duration = Duration::from_millis(300);
/// What a refusal may take on a machine that is busy; far less than waiting for a connection.
const AT_ONCE: Duration = Duration::from_millis(100);

/// A database on a server of the test's own, where servers are to be had at all.
async fn on_its_own_server(through: impl AsyncFnOnce(&str) -> String) -> Option<(Postgres, Db, Folder)> {
    testkit::engines::postgres_url()?;
    let server = Postgres::start().unwrap();
    let folder = Folder::new("breaker").unwrap();
    let config = DatabaseConfig {
        url: Some(through(&server.url("postgres")).await.into()),
        pool_size: 2,
        acquire_timeout_ms: 300,
        statement_timeout_ms: 500,
        breaker_probe_interval_ms: 1_000,
        ..DatabaseConfig::default()
    };
    let db = Db::open(&config, "guarded", folder.path()).await.unwrap();
    q!(db.write, execute, "CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY)").unwrap();
    Some((server, db, folder))
}

async fn add(db: &Db, name: &str) -> Result<u64, DbError> {
    q!(db.write, execute, "INSERT INTO things (name) VALUES ($1)", name)
}

fn is_refused(error: &DbError) -> bool {
    is_unavailable(error) && error.to_string().contains("not called")
}

/// Calls in tens until a call is refused at once.
async fn until_refused(db: &Db) {
    eventually(|| async {
        let mut calls = JoinSet::new();
        for _ in 0..10 {
            let db = db.clone();
            calls.spawn(async move { timeout(2 * ACQUIRE, db.ping()).await });
        }
        let ended = calls.join_all().await;
        ended.into_iter().flatten().any(|outcome| outcome.is_err_and(|error| is_refused(&error)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_not_waited_for_and_soon_used_again_when_it_is_back() {
    let lines = Lines::capture("info");
    let Some((mut server, db, _folder)) = on_its_own_server(async |url| url.to_owned()).await else { return };
    let state = || lines.metric("breaker_state", &["database", "guarded"]);

    add(&db, "a").await.unwrap();
    for _ in 0..50 {
        assert!(chassis::db::violated(&add(&db, "a").await.unwrap_err()).is_some());
    }
    assert_eq!(state(), Some(0.0), "a name that is taken is no failure of the server");

    server.kill().unwrap();
    until_refused(&db).await;
    assert_eq!(state(), Some(1.0));
    let began = Instant::now();
    let refused = db.begin().await.unwrap_err();
    assert!(began.elapsed() < AT_ONCE, "a refusal took {:?}", began.elapsed());
    assert!(is_refused(&refused), "{refused}");
    assert_eq!(ApiError::from(refused).status(), 503);
    assert!(lines.metric("breaker_refused_total", &["database", "guarded"]) > Some(0.0));

    server.restart().unwrap();
    let works = || async { add(&db, "b").await };
    eventually_within(2 * PROBE_INTERVAL + Duration::from_secs(1), works).await;
    let closed = || async { db.ping().await.is_ok() && state() == Some(0.0) };
    eventually_within(2 * PROBE_INTERVAL, closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_not_waited_for_and_soon_used_again_when_it_answers() {
    let (stall, stalled) = watch::channel(false);
    let mut proxy = JoinSet::new();
    let through = async |url: &str| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = url.split_once('@').unwrap().1.split_once('/').unwrap().0.to_owned();
        let url = url.replace(&server, &listener.local_addr().unwrap().to_string());
        proxy.spawn(pass_on(listener, server, stalled));
        url
    };
    let Some((_server, db, _folder)) = on_its_own_server(through).await else { return };
    db.ping().await.unwrap();
    stall.send(true).unwrap();
    until_refused(&db).await;
    let began = Instant::now();
    assert!(is_refused(&db.ping().await.unwrap_err()));
    assert!(began.elapsed() < AT_ONCE, "a refusal took {:?}", began.elapsed());
    stall.send(false).unwrap();
    let works = || async { timeout(ACQUIRE, add(&db, "b")).await.map_err(|_| DbError::PoolTimedOut)? };
    eventually_within(2 * PROBE_INTERVAL + Duration::from_secs(1), works).await;
}

/// Passes on what is said, until it is stalled: then it stays connected and says nothing, and hangs up once that is over.
async fn pass_on(listener: TcpListener, server: String, stalled: watch::Receiver<bool>) {
    let mut through = JoinSet::new();
    loop {
        let (mut caller, _) = listener.accept().await.unwrap();
        let (server, mut stalled) = (server.clone(), stalled.clone());
        through.spawn(async move {
            let mut server = TcpStream::connect(server).await.unwrap();
            let stalling = async { stalled.wait_for(|stalled| *stalled).await.is_ok() };
            tokio::select! {
                _ = copy_bidirectional(&mut caller, &mut server) => return,
                _ = stalling => {}
            }
            stalled.wait_for(|stalled| !stalled).await.unwrap();
        });
    }
}
