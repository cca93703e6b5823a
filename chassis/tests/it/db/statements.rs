use super::ENDLESS;
use crate::engines::{Place, on_both_engines};
use chassis::clock::{Clock, Ts};
use chassis::db::{AssertSqlSafe, DbError, is_unavailable};
use chassis::q;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const TIMES: &str = "CREATE TABLE times (id BIGINT PRIMARY KEY, at TIME_TYPE NOT NULL)";

async fn times(place: &Place) -> chassis::db::Db {
    let db = place.open().await;
    let time_type = match db.engine() {
        chassis::db::Engine::Sqlite => "INTEGER",
        chassis::db::Engine::Postgres => "TIMESTAMPTZ",
    };
    q!(db.write, execute, AssertSqlSafe(TIMES.replace("TIME_TYPE", time_type))).unwrap();
    db
}

on_both_engines! {
    async fn a_point_in_time_sorts_the_same_everywhere(place: Arc<Place>) {
        let db = times(&place).await;
        let whole = Ts::from_secs(1_767_225_600);
        let moments = [Ts::from_micros(-315_619_200_000_001), Ts::from_secs(0), whole, whole + Duration::from_micros(1)];
        for (id, at) in [3_i64, 1, 0, 2].into_iter().map(|place| (place, moments[usize::try_from(place).unwrap()])) {
            q!(db.write, execute, "INSERT INTO times (id, at) VALUES ($1, $2)", id, at).unwrap();
        }
        let found: Vec<(Ts,)> = q!(db.read, fetch_all, "SELECT at FROM times ORDER BY at").unwrap();
        assert_eq!(found.into_iter().map(|(at,)| at).collect::<Vec<_>>(), moments);
        let later: i64 = q!(db.read, scalar, "SELECT count(*) FROM times WHERE at > $1", whole).unwrap();
        assert_eq!(later, 1);
    }

    async fn now_comes_back_to_the_microsecond(place: Arc<Place>) {
        let db = times(&place).await;
        let now = Clock::system().now();
        let back: Ts = q!(db.write, scalar, "INSERT INTO times (id, at) VALUES (1, $1) RETURNING at", now).unwrap();
        assert_eq!(back, now);
    }

    async fn each_verb_gives_what_it_says(place: Arc<Place>) {
        let db = place.with("CREATE TABLE pairs (id BIGINT PRIMARY KEY, word TEXT)").await;
        let touched = q!(db.write, execute, "INSERT INTO pairs VALUES (1, 'one'), ($1, $2)", 2_i64, "two").unwrap();
        assert_eq!(touched, 2);
        let count: i64 = q!(db.read, scalar, "SELECT count(*) FROM pairs").unwrap();
        assert_eq!(count, 2);
        let one: (i64, String) = q!(db.read, fetch_one, "SELECT id, word FROM pairs WHERE id = $1", 2_i64).unwrap();
        assert_eq!(one, (2, "two".to_owned()));
        let none: Option<(i64,)> = q!(db.read, fetch_optional, "SELECT id FROM pairs WHERE id = 3").unwrap();
        assert_eq!(none, None);
        let all: Vec<(i64,)> = q!(db.read, fetch_all, "SELECT id FROM pairs ORDER BY id").unwrap();
        assert_eq!(all, [(1,), (2,)]);
        let missed: Result<(i64,), DbError> = q!(db.write, fetch_one, "DELETE FROM pairs WHERE id = 3 RETURNING id");
        assert!(matches!(missed, Err(DbError::RowNotFound)));
        let gone: Option<(i64,)> = q!(db.write, fetch_optional, "DELETE FROM pairs WHERE id = 2 RETURNING id").unwrap();
        assert_eq!(gone, Some((2,)));
    }

    async fn what_a_write_reports_can_be_read_at_once(place: Arc<Place>) {
        let db = place.with("CREATE TABLE words (id BIGINT PRIMARY KEY, word TEXT)").await;
        for id in 0..200_i64 {
            let made: (i64,) = q!(db.write, fetch_one, "INSERT INTO words VALUES ($1, 'w') RETURNING id", id).unwrap();
            let found: Option<(i64,)> = q!(db.read, fetch_optional, "SELECT id FROM words WHERE id = $1", id).unwrap();
            assert_eq!(found, Some(made));
        }
    }

    async fn a_statement_that_runs_too_long_is_ended_and_the_next_one_runs(place: Arc<Place>) {
        let config = chassis::db::DatabaseConfig { statement_timeout_ms: 300, ..place.config.clone() };
        let db = chassis::db::Db::open(&config, "test", &place.folder).await.unwrap();
        for _ in 0..5 {
            let asked = Instant::now();
            let outcome: Result<i64, DbError> = q!(db.read, scalar, ENDLESS);
            assert!(is_unavailable(&outcome.unwrap_err()));
            assert!(asked.elapsed() >= Duration::from_millis(290), "ended before its time: {:?}", asked.elapsed());
            assert!(asked.elapsed() < Duration::from_secs(5), "ended too late: {:?}", asked.elapsed());
        }
        let mut t = db.begin().await.unwrap();
        let outcome: Result<i64, DbError> = q!(t.tx, scalar, ENDLESS);
        assert!(is_unavailable(&outcome.unwrap_err()));
        t.rollback().await.unwrap();
        db.ping().await.unwrap();
        let mut t = db.begin().await.unwrap();
        let one: i64 = q!(t.tx, scalar, "SELECT CAST(1 AS BIGINT)").unwrap();
        assert_eq!(one, 1);
        t.commit().await.unwrap();
    }

    async fn many_statements_one_after_the_other_are_not_taken_for_a_long_one(place: Arc<Place>) {
        let config = chassis::db::DatabaseConfig { statement_timeout_ms: 250, ..place.config.clone() };
        let db = chassis::db::Db::open(&config, "test", &place.folder).await.unwrap();
        let until = Instant::now() + Duration::from_secs(1);
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let db = db.clone();
            tasks.spawn(async move {
                while Instant::now() < until {
                    let sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) SELECT count(*) FROM c";
                    let counted: i64 = q!(db.read, scalar, sql).unwrap();
                    assert_eq!(counted, 2000);
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_frees_its_sqlite_reader() {
    let place = Place::sqlite();
    let config = chassis::db::DatabaseConfig { statement_timeout_ms: 600_000, ..place.config.clone() };
    let db = chassis::db::Db::open(&config, "test", &place.folder).await.unwrap();
    for _ in 0..12 {
        let query = async { q!(db.read, scalar, ENDLESS) };
        let gave_up: Result<Result<i64, DbError>, _> =
            tokio::time::timeout(Duration::from_millis(20), query).await;
        assert!(gave_up.is_err());
        let next = tokio::time::timeout(Duration::from_secs(2), db.ping()).await;
        next.expect("the abandoned statement is still running").unwrap();
    }
}

#[tokio::test]
async fn an_sqlite_reader_cannot_write() {
    let place = Place::sqlite();
    let db = place.with("CREATE TABLE words (word TEXT)").await;
    let refused = q!(db.read, execute, "INSERT INTO words VALUES ('x')").unwrap_err();
    assert!(refused.to_string().contains("readonly"), "{refused}");
}
