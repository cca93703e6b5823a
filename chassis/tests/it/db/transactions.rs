use super::ENDLESS;
use crate::engines::{Place, on_both_engines};
use crate::house::Lines;
use chassis::db::{Db, DbError, Tx, Writing};
use chassis::q;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const COUNTERS: &str =
    "CREATE TABLE counters (id BIGINT PRIMARY KEY, n BIGINT NOT NULL); INSERT INTO counters VALUES (1, 0)";

async fn count(db: &Db) -> i64 {
    q!(db.read, scalar, "SELECT n FROM counters WHERE id = 1").unwrap()
}

async fn read_then_write(db: &Db) -> Result<(), DbError> {
    let mut t = db.begin().await?;
    let _seen: i64 = q!(t.tx, scalar, "SELECT n FROM counters WHERE id = $1", 1_i64)?;
    q!(t.tx, execute, "UPDATE counters SET n = n + 1 WHERE id = $1", 1_i64)?;
    t.commit().await
}

/// So many steps of one transaction want to add so much.
struct Step(i64);

/// Adds what all steps want, and one for itself.
fn add_all(t: &mut Tx, steps: Vec<Step>) -> Writing<'_> {
    Box::pin(async move {
        let sum: i64 = steps.iter().map(|step| step.0).sum();
        q!(t.tx, execute, "UPDATE counters SET n = n + $1 + 1 WHERE id = 1", sum).map(|_| ())
    })
}

fn refuse(t: &mut Tx, _: Vec<Step>) -> Writing<'_> {
    Box::pin(async move { q!(t.tx, execute, "UPDATE counters SET n = NULL").map(|_| ()) })
}

on_both_engines! {
    async fn what_is_gathered_is_written_once_for_all_of_it_at_the_commit(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        for n in [10, 20, 30] {
            t.gather(Step(n), add_all);
        }
        let before: i64 = q!(t.tx, scalar, "SELECT n FROM counters WHERE id = 1").unwrap();
        assert_eq!(before, 0, "nobody else waits for the row yet");
        t.commit().await.unwrap();
        assert_eq!(count(&db).await, 61);
        let mut t = db.begin().await.unwrap();
        t.gather(Step(5), add_all);
        t.rollback().await.unwrap();
        assert_eq!(count(&db).await, 61);
    }

    async fn a_commit_whose_gathered_rows_cannot_be_written_commits_nothing(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        q!(t.tx, execute, "UPDATE counters SET n = 7").unwrap();
        let told = Arc::new(AtomicU32::new(0));
        let tells = told.clone();
        t.after_commit(move || tells.store(1, Ordering::SeqCst));
        t.gather(Step(1), refuse);
        assert!(t.commit().await.is_err());
        assert_eq!((count(&db).await, told.load(Ordering::SeqCst)), (0, 0));
    }

    async fn eight_that_read_and_then_write_are_never_locked_out(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let db = db.clone();
            tasks.spawn(async move {
                for _ in 0..100 {
                    read_then_write(&db).await.unwrap();
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        assert_eq!(count(&db).await, 800);
    }

    async fn commits_are_counted_and_what_was_undone_is_not(place: Arc<Place>) {
        let lines = Lines::capture("warn");
        let db = place.with(COUNTERS).await;
        let counted = || lines.metric("db_commits_total", &["service=\"test\""]).unwrap();
        let before = counted();
        read_then_write(&db).await.unwrap();
        q!(db.write, execute, "UPDATE counters SET n = 5").unwrap();
        db.begin().await.unwrap().rollback().await.unwrap();
        assert_eq!(count(&db).await, 5);
        assert!((counted() - before - 2.0).abs() < f64::EPSILON, "{before} {}", counted());
    }

    async fn a_dropped_transaction_leaves_nothing_behind(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        q!(t.tx, execute, "UPDATE counters SET n = 7").unwrap();
        drop(t);
        read_then_write(&db).await.unwrap();
        assert_eq!(count(&db).await, 1);
    }

    async fn a_transaction_is_not_seen_before_its_commit(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        q!(t.tx, execute, "UPDATE counters SET n = 7").unwrap();
        assert_eq!(count(&db).await, 0);
        t.commit().await.unwrap();
        assert_eq!(count(&db).await, 7);
    }

    async fn after_a_failed_statement_nothing_more_runs_and_nothing_is_committed(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        q!(t.tx, execute, "UPDATE counters SET n = 7").unwrap();
        q!(t.tx, execute, "INSERT INTO counters VALUES (1, 1)").unwrap_err();
        let next = q!(t.tx, execute, "UPDATE counters SET n = 8");
        assert!(matches!(next, Err(DbError::InvalidArgument(_))), "{next:?}");
        t.commit().await.unwrap_err();
        assert_eq!(count(&db).await, 0);
        read_then_write(&db).await.unwrap();
    }

    async fn a_statement_that_was_not_waited_for_ends_its_transaction(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        q!(t.tx, execute, "UPDATE counters SET n = 7").unwrap();
        let endless = async { q!(t.tx, scalar, ENDLESS) };
        let gave_up: Result<Result<i64, DbError>, _> = tokio::time::timeout(Duration::from_millis(20), endless).await;
        assert!(gave_up.is_err());
        t.commit().await.unwrap_err();
        assert_eq!(count(&db).await, 0);
    }

    async fn what_is_asked_for_after_the_commit_happens_only_then(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let woken = Arc::new(AtomicU32::new(0));
        for commit in [false, true] {
            let mut t = db.begin().await.unwrap();
            let seen = Arc::clone(&woken);
            t.after_commit(move || {
                seen.fetch_add(1, Ordering::SeqCst);
            });
            assert_eq!(woken.load(Ordering::SeqCst), 0);
            if commit { t.commit().await.unwrap() } else { t.rollback().await.unwrap() }
        }
        assert_eq!(woken.load(Ordering::SeqCst), 1);
    }

    // The next one to use its connection would write into a transaction that nobody commits.
    async fn a_caller_that_goes_away_while_its_transaction_begins_leaves_none_open(place: Arc<Place>) {
        use futures_util::FutureExt;
        let witness = place.with(COUNTERS).await;
        let config = chassis::db::DatabaseConfig { pool_size: 1, ..place.config.clone() };
        let db = Db::open(&config, "test", &place.folder).await.unwrap();
        for n in 1..=20_i64 {
            drop(db.begin().now_or_never());
            q!(db.write, execute, "UPDATE counters SET n = $1", n).unwrap();
            assert_eq!(count(&witness).await, n);
        }
    }

    async fn a_missed_row_does_not_end_a_transaction(place: Arc<Place>) {
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        let missed: Result<(i64,), DbError> = q!(t.tx, fetch_one, "SELECT n FROM counters WHERE id = 9");
        assert!(matches!(missed, Err(DbError::RowNotFound)));
        q!(t.tx, execute, "UPDATE counters SET n = 3").unwrap();
        t.commit().await.unwrap();
        assert_eq!(count(&db).await, 3);
    }

    async fn a_transaction_can_be_handed_to_a_function_by_reference(place: Arc<Place>) {
        async fn bump(t: &mut chassis::db::Tx) -> Result<i64, DbError> {
            q!(t.tx, scalar, "UPDATE counters SET n = n + 1 RETURNING n")
        }
        let db = place.with(COUNTERS).await;
        let mut t = db.begin().await.unwrap();
        assert_eq!(bump(&mut t).await.unwrap(), 1);
        assert_eq!(bump(&mut t).await.unwrap(), 2);
        t.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_stops_waiting_for_the_write_lock_does_not_leave_it_held() {
    let place = Place::sqlite();
    let (db, other_process) = (place.with(COUNTERS).await, place.open().await);
    for _ in 0..5 {
        let held = other_process.begin().await.unwrap();
        let gave_up = tokio::time::timeout(Duration::from_millis(20), db.begin()).await;
        assert!(gave_up.is_err());
        held.commit().await.unwrap();
        let asked = Instant::now();
        read_then_write(&db).await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    assert_eq!(count(&db).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_an_sqlite_file() {
    let place = Place::sqlite();
    let (one, two) = (place.with(COUNTERS).await, place.open().await);
    let mut tasks = JoinSet::new();
    for db in [one.clone(), two, one.clone()] {
        tasks.spawn(async move {
            for _ in 0..100 {
                read_then_write(&db).await.unwrap();
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(count(&one).await, 300);
}
