//! Waiting for a PostgreSQL server and creating a missing database.

use crate::engines::Place;
use chassis::db::{DatabaseConfig, Db};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Host, port and the rest of a URL such as `postgres://postgres@127.0.0.1:5432/name`.
fn address_in(url: &str) -> (String, String) {
    let authority = url.split_once('@').unwrap().1.split_once('/').unwrap().0;
    (authority.to_owned(), url.replace(authority, "{address}"))
}

/// Hangs up on the first `refusals` callers and connects the others through.
async fn hesitant(server: String, refusals: u32, callers: Arc<AtomicU32>, listener: TcpListener) {
    let mut through = JoinSet::new();
    loop {
        let (mut caller, _) = listener.accept().await.unwrap();
        if callers.fetch_add(1, Ordering::SeqCst) < refusals {
            continue;
        }
        let mut server = TcpStream::connect(&server).await.unwrap();
        through.spawn(async move { drop(copy_bidirectional(&mut caller, &mut server).await) });
    }
}

/// Connects the callers through, and from the first `silences` of them hands nothing on after they asked for a setting.
async fn forgetful(server: String, silences: u32, callers: Arc<AtomicU32>, listener: TcpListener) {
    let mut through = JoinSet::new();
    loop {
        let (caller, _) = listener.accept().await.unwrap();
        let silent = callers.fetch_add(1, Ordering::SeqCst) < silences;
        let server = TcpStream::connect(&server).await.unwrap();
        through.spawn(async move {
            let ((mut asked, mut told), (mut answers, mut server)) =
                (caller.into_split(), server.into_split());
            let asks = async {
                let mut heard = vec![0; 65_536];
                loop {
                    let length = asked.read(&mut heard).await.unwrap_or_default();
                    let is_question = heard[..length].windows(15).any(|word| word == b"max_connections");
                    if length == 0 || (silent && is_question) {
                        return;
                    }
                    server.write_all(&heard[..length]).await.unwrap();
                }
            };
            let answered = async { drop(copy(&mut answers, &mut told).await) };
            tokio::join!(asks, answered)
        });
    }
}

async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Arc<Place>) -> F) {
    if let Some(place) = Place::postgres() {
        place.run(test).await;
    }
}

fn maintenance_url(place: &Place) -> String {
    testkit::engines::with_database(&url_of(place), "postgres")
}

fn url_of(place: &Place) -> String {
    place.config.url.as_ref().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn a_server_that_comes_up_late_is_waited_for() {
    on_postgres(async |place| {
        let (server, template) = address_in(&url_of(&place));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = template.replace("{address}", &listener.local_addr().unwrap().to_string());
        let callers = Arc::new(AtomicU32::new(0));
        let proxy = hesitant(server, 3, Arc::clone(&callers), listener);
        let config =
            DatabaseConfig { url: Some(url.into()), boot_timeout_secs: 30, ..DatabaseConfig::default() };
        let using = async {
            let db = Db::open(&config, "test", &place.folder).await.unwrap();
            db.ping().await.unwrap();
            db.close().await;
        };
        tokio::select! {
            () = using => {}
            () = proxy => {}
        }
        assert!(callers.load(Ordering::SeqCst) > 3);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_takes_the_call_and_does_not_answer_is_asked_again() {
    on_postgres(async |place| {
        let (server, template) = address_in(&url_of(&place));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = template.replace("{address}", &listener.local_addr().unwrap().to_string());
        let callers = Arc::new(AtomicU32::new(0));
        let proxy = forgetful(server, 3, Arc::clone(&callers), listener);
        let config =
            DatabaseConfig { url: Some(url.into()), connect_timeout_ms: 1_000, ..DatabaseConfig::default() };
        let using = async {
            let db = Db::open(&config, "test", &place.folder).await.unwrap();
            db.ping().await.unwrap();
            db.close().await;
        };
        tokio::select! {
            () = using => {}
            () = proxy => {}
        }
        assert!(callers.load(Ordering::SeqCst) > 3);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hung_up_is_connected_to_again() {
    on_postgres(async |place| {
        let db = place.open().await;
        let database = url_of(&place).rsplit('/').next().unwrap().to_owned();
        let backends = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
        let mut admin = PgConnection::connect(&maintenance_url(&place)).await.unwrap();
        for _ in 0..3 {
            let (one, two) = (db.begin().await.unwrap(), db.begin().await.unwrap());
            let hung_up = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
            sqlx::query(hung_up).bind(&database).execute(&mut admin).await.unwrap();
            drop((one, two));
            eventually(|| db.ping()).await;
            let alive: i64 =
                sqlx::query_scalar(backends).bind(&database).fetch_one(&mut admin).await.unwrap();
            assert!(alive > 0);
        }
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_never_comes_up_is_given_up_without_showing_the_password() {
    let nobody: SocketAddr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("postgres://bowline:hunter2@{nobody}/auth");
    let config = DatabaseConfig { url: Some(url.into()), boot_timeout_secs: 1, ..DatabaseConfig::default() };
    let asked = Instant::now();
    let given_up = Db::open(&config, "test", &std::env::temp_dir()).await.unwrap_err();
    let shown = format!("{given_up:#} {given_up:?}");
    assert!(shown.contains(&nobody.port().to_string()) && !shown.contains("hunter2"), "{shown}");
    assert!(asked.elapsed() > Duration::from_millis(900) && asked.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_missing_database_is_created_once_by_many_at_once() {
    on_postgres(async |place| {
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let place = Arc::clone(&place);
            tasks.spawn(async move { place.open().await.ping().await.unwrap() });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_name_of_the_service_is_filled_in() {
    on_postgres(async |place| {
        let name = url_of(&place).rsplit('/').next().unwrap().to_owned();
        let (prefix, service) = name.rsplit_once('_').unwrap();
        let url = url_of(&place).replace(&name, &format!("{prefix}_{{service}}"));
        let config = DatabaseConfig { url: Some(url.into()), ..DatabaseConfig::default() };
        let db = Db::open(&config, service, &place.folder).await.unwrap();
        assert!(db.describe().ends_with(&format!("/{name}")), "{}", db.describe());
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_database_that_may_not_be_created_says_which_command_helps() {
    on_postgres(async |place| {
        let config = DatabaseConfig { create: false, ..place.config.clone() };
        let asked = Instant::now();
        let refused = format!("{:#}", Db::open(&config, "test", &place.folder).await.unwrap_err());
        assert!(refused.contains("CREATE DATABASE \"bowline_test_"), "{refused}");
        assert!(asked.elapsed() < Duration::from_secs(5), "it waited for what never comes");

        let role = format!("bowline_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&maintenance_url(&place)).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'"))).await.unwrap();
        let (server, _) = address_in(&url_of(&place));
        let name = url_of(&place).rsplit('/').next().unwrap().to_owned();
        let url = format!("postgres://{role}:hunter2@{server}/{name}");
        let config = DatabaseConfig { url: Some(url.into()), ..DatabaseConfig::default() };
        let refused = format!("{:#}", Db::open(&config, "test", &place.folder).await.unwrap_err());
        admin.execute(AssertSqlSafe(format!("DROP ROLE {role}"))).await.unwrap();
        assert!(refused.contains(&format!("OWNER \"{role}\"")) && !refused.contains("hunter2"), "{refused}");
    })
    .await;
}
