use crate::engines::{Place, on_both_engines};
use chassis::db::{Db, DbError, Engine};
use chassis::q;
use futures_util::FutureExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::task::JoinSet;

on_both_engines! {
    async fn closing_waits_for_what_is_under_way(place: Arc<Place>) {
        let db = place.with("CREATE TABLE words (word TEXT)").await;
        let mut t = db.begin().await.unwrap();
        let mut closing = Box::pin(db.close());
        assert!((&mut closing).now_or_never().is_none());
        assert!(matches!(db.begin().await, Err(DbError::PoolClosed)));
        q!(t.tx, execute, "INSERT INTO words VALUES ('kept')").unwrap();
        t.commit().await.unwrap();
        closing.await;
        assert!(matches!(db.ping().await, Err(DbError::PoolClosed)));
        let again = place.open().await;
        let kept: i64 = q!(again.read, scalar, "SELECT count(*) FROM words").unwrap();
        assert_eq!(kept, 1);
    }

    async fn closing_twice_is_closing_once(place: Arc<Place>) {
        let db = place.open().await;
        db.ping().await.unwrap();
        tokio::join!(db.close(), db.close());
        db.close().await;
    }

    async fn more_callers_than_connections_are_all_served(place: Arc<Place>) {
        let db = place.with("CREATE TABLE words (word TEXT)").await;
        let mut tasks = JoinSet::new();
        for _ in 0..100 {
            let db = db.clone();
            tasks.spawn(async move {
                q!(db.write, execute, "INSERT INTO words VALUES ('x')").unwrap();
                db.ping().await.unwrap();
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        let words: i64 = q!(db.read, scalar, "SELECT count(*) FROM words").unwrap();
        assert_eq!(words, 100);
    }

    async fn whoever_finds_no_connection_in_time_is_told(place: Arc<Place>) {
        let config = chassis::db::DatabaseConfig { acquire_timeout_ms: 100, pool_size: 1, ..place.config.clone() };
        let db = Db::open(&config, "test", &place.folder).await.unwrap();
        let held = db.begin().await.unwrap();
        assert!(matches!(db.begin().await, Err(DbError::PoolTimedOut)));
        drop(held);
    }

    async fn databases_of_one_process_share_the_connections_of_their_server(place: Arc<Place>) {
        let config = chassis::db::DatabaseConfig { acquire_timeout_ms: 100, ..place.config.clone() };
        let db = Db::open_among(1_000, &config, "test", &place.folder).await.unwrap();
        let most = match db.engine() {
            // A file has one writer, however many share it.
            Engine::Sqlite => 1,
            Engine::Postgres => 2,
        };
        let mut held = Vec::new();
        for _ in 0..most {
            held.push(db.begin().await.unwrap());
        }
        assert!(matches!(db.begin().await, Err(DbError::PoolTimedOut)));
        drop(held);
    }

    async fn the_gauges_say_what_is_in_use(place: Arc<Place>) {
        let db = place.open().await;
        let recorder = PrometheusBuilder::new().build_recorder();
        let held = db.begin().await.unwrap();
        metrics::with_local_recorder(&recorder, || db.record_metrics());
        let rendered = recorder.handle().render();
        let used = "state=\"used\"} 1";
        let line = rendered.lines().find(|line| line.starts_with("db_pool_connections{") && line.ends_with(used));
        assert!(line.is_some_and(|line| line.contains("service=\"test\"")), "{rendered}");
        held.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_else_can_read_an_sqlite_file() {
    let place = Place::sqlite();
    let folder = place.folder.join("data");
    let db = Db::open(&place.config, "test", &folder).await.unwrap();
    q!(db.write, execute, "CREATE TABLE words (word TEXT)").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in ["test.db", "test.db-wal", "test.db-shm", "test.db.lock"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    assert!(db.describe().ends_with("data/test.db"), "{}", db.describe());
}
