//! Small writes that share a transaction.

use crate::engines::{Place, on_both_engines};
use chassis::db::{Db, DbError, Engine, violated};
use chassis::q;
use futures_util::FutureExt;
use futures_util::future::{join_all, maybe_done};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::eventually;
use tokio::task::JoinSet;

const WORDS: &str = "CREATE TABLE words (id BIGINT PRIMARY KEY, word TEXT NOT NULL)";

async fn insert(db: &Db, id: i64) -> Result<i64, DbError> {
    let sql = "INSERT INTO words (id, word) VALUES ($1, 'w') RETURNING id";
    db.group(move |t| Box::pin(async move { q!(t.tx, scalar, sql, id) })).await
}

async fn ids(db: &Db) -> Vec<i64> {
    let rows: Vec<(i64,)> = q!(db.read, fetch_all, "SELECT id FROM words ORDER BY id").unwrap();
    rows.into_iter().map(|(id,)| id).collect()
}

/// What one of many jobs does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Insert(i64),
    /// Writes, and then says no.
    Refuse(i64),
    /// Breaks a rule of the schema and says so, or keeps it to itself.
    Collide {
        hidden: bool,
    },
    Panic,
    /// The caller stops waiting at once.
    Leave(i64),
}

#[derive(Debug)]
enum Fault {
    Refused,
    Db(#[expect(dead_code, reason = "for the message of a failed test")] DbError),
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

async fn run(db: Db, job: Job) -> Result<(), Fault> {
    let work = db.group(move |t| {
        Box::pin(async move {
            let insert = "INSERT INTO words (id, word) VALUES ($1, 'w')";
            match job {
                Job::Insert(id) | Job::Leave(id) => q!(t.tx, execute, insert, id).map(|_| ())?,
                Job::Refuse(id) => {
                    q!(t.tx, execute, insert, id)?;
                    return Err(Fault::Refused);
                }
                Job::Collide { hidden } => {
                    let collision = q!(t.tx, execute, insert, 0_i64);
                    assert!(hidden || collision.is_err());
                    if !hidden {
                        collision?;
                    }
                }
                Job::Panic => panic!("as a test wants it"),
            }
            Ok(())
        })
    });
    if matches!(job, Job::Leave(_)) {
        return work.now_or_never().unwrap_or(Ok(()));
    }
    work.await
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let kind = prop_oneof![
        12 => Just(0_u8), 2 => Just(1), 2 => Just(2), 1 => Just(3), 2 => Just(4)
    ];
    proptest::collection::vec((kind, any::<bool>()), 1..80).prop_map(|kinds| {
        let ids = 1_i64..;
        let job = |((kind, hidden), id)| match kind {
            0 => Job::Insert(id),
            1 => Job::Refuse(id),
            2 => Job::Collide { hidden },
            3 => Job::Panic,
            _ => Job::Leave(id),
        };
        kinds.into_iter().zip(ids).map(job).collect()
    })
}

on_both_engines! {
    async fn jobs_that_meet_are_all_committed_and_each_gets_its_own_answer(place: Arc<Place>) {
        let db = place.with(WORDS).await;
        let answers = join_all((0..600).map(|id| insert(&db, id))).await;
        let answers: Vec<i64> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (0..600).collect::<Vec<_>>());
        assert_eq!(ids(&db).await, answers);
    }

    async fn a_failed_statement_is_its_owners_and_nobody_elses(place: Arc<Place>) {
        let db = place.with(WORDS).await;
        insert(&db, 7).await.unwrap();
        let answers = join_all([1, 7, 2, 7, 3].map(|id| insert(&db, id))).await;
        for (answer, good) in answers.into_iter().zip([true, false, true, false, true]) {
            match answer {
                Ok(_) => assert!(good),
                Err(error) => assert!(!good && violated(&error).unwrap().is_unique("words_pkey"), "{error}"),
            }
        }
        assert_eq!(ids(&db).await, [1, 2, 3, 7]);
    }

    async fn whatever_the_jobs_are_each_takes_effect_once_or_not_at_all_as_it_was_told(place: Arc<Place>) {
        let db = place.with(WORDS).await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..25 {
            q!(db.write, execute, "DELETE FROM words").unwrap();
            insert(&db, 0).await.unwrap();
            let jobs = jobs().new_tree(&mut runner).unwrap().current();
            let mut tasks = JoinSet::new();
            for job in &jobs {
                let (db, job) = (db.clone(), *job);
                tasks.spawn(async move { (job, AssertUnwindSafe(run(db, job)).catch_unwind().await) });
            }
            let (mut expected, mut open) = (vec![0], Vec::new());
            while let Some(ended) = tasks.join_next().await {
                match ended.unwrap() {
                    (Job::Insert(id), Ok(Ok(()))) => expected.push(id),
                    (Job::Leave(id), Ok(Ok(()))) => open.push(id),
                    (Job::Refuse(_), Ok(Err(Fault::Refused))) => {}
                    (Job::Collide { .. }, Ok(Err(Fault::Db(_)))) | (Job::Panic, Err(_)) => {}
                    (job, outcome) => panic!("{job:?} ended as {outcome:?} among {jobs:?}"),
                }
            }
            // A job whose caller has left may still be under way; whoever comes after it is answered after it.
            insert(&db, -1).await.unwrap();
            expected.push(-1);
            let found: Vec<i64> = ids(&db).await.into_iter().filter(|id| !open.contains(id)).collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{jobs:?}");
        }
    }

    async fn what_is_asked_for_after_the_commit_happens_once_and_before_the_answer(place: Arc<Place>) {
        let db = place.with(WORDS).await;
        insert(&db, 0).await.unwrap();
        let woken = Arc::new(AtomicU32::new(0));
        let job = |id: i64| {
            let woken = Arc::clone(&woken);
            db.group(move |t| {
                let woken = Arc::clone(&woken);
                Box::pin(async move {
                    t.after_commit(move || {
                        woken.fetch_add(1, Ordering::SeqCst);
                    });
                    q!(t.tx, execute, "INSERT INTO words (id, word) VALUES ($1, 'w')", id)
                })
            })
        };
        let answers = join_all([1, 0, 2, 3].map(job)).await;
        assert_eq!(answers.iter().filter(|answer: &&Result<u64, DbError>| answer.is_ok()).count(), 3);
        assert_eq!(woken.load(Ordering::SeqCst), 3);
    }

    async fn closing_finishes_what_was_accepted_and_refuses_what_comes_later(place: Arc<Place>) {
        let db = place.with(WORDS).await;
        // None of them gets the one writer of SQLite before the database is closing.
        let held = db.begin().await.unwrap();
        let mut accepted: Vec<_> = (0..50).map(|id| Box::pin(maybe_done(insert(&db, id)))).collect();
        for job in &mut accepted {
            let _begun = job.now_or_never();
        }
        let closing = async { tokio::join!(db.close(), async { held.rollback().await.unwrap() }) };
        tokio::join!(join_all(accepted.iter_mut()), closing);
        let answers = accepted.iter_mut().filter_map(|job| job.as_mut().take_output());
        let done: Vec<i64> = answers.filter_map(Result::ok).collect();
        assert!(matches!(insert(&db, 99).await, Err(DbError::PoolClosed)));
        let again = place.open().await;
        assert_eq!(ids(&again).await, done);
        if again.engine() == Engine::Sqlite {
            assert_eq!(done.len(), 50);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_caller_has_left_before_it_began_is_not_done() {
    let place = Place::sqlite();
    let db = place.with(WORDS).await;
    let held = db.begin().await.unwrap();
    let mut left = Box::pin(insert(&db, 1));
    assert!(left.as_mut().now_or_never().is_none());
    drop(left);
    let mut stays = Box::pin(insert(&db, 2));
    assert!(stays.as_mut().now_or_never().is_none());
    held.commit().await.unwrap();
    stays.await.unwrap();
    assert_eq!(ids(&db).await, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_caller_leaves_while_it_runs_is_undone_and_holds_nobody_up() {
    let place = Place::sqlite();
    let db = place.with(WORDS).await;
    let endless = async {
        let job = db.group(|t| {
            Box::pin(async move {
                q!(t.tx, execute, "INSERT INTO words (id, word) VALUES (1, 'w')")?;
                std::future::pending::<Result<(), DbError>>().await
            })
        });
        job.await
    };
    assert!(tokio::time::timeout(Duration::from_millis(100), endless).await.is_err());
    tokio::time::timeout(Duration::from_secs(2), insert(&db, 2)).await.expect("held up").unwrap();
    assert_eq!(ids(&db).await, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_hangs_in_a_statement_ends_at_the_limit_and_the_others_go_on() {
    let place = Place::sqlite();
    let config = chassis::db::DatabaseConfig { statement_timeout_ms: 200, ..place.config.clone() };
    let db = Db::open(&config, "test", &place.folder).await.unwrap();
    q!(db.write, execute, WORDS).unwrap();
    let endless = db.group(|t| Box::pin(async move { q!(t.tx, scalar, super::ENDLESS) }));
    let (hung, good): (Result<i64, DbError>, _) = tokio::join!(endless, insert(&db, 1));
    hung.unwrap_err();
    good.unwrap();
    assert_eq!(ids(&db).await, [1]);
}

/// The last clone may be dropped while its writer is at work, and nothing of it stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_ends_with_the_database() {
    let place = Place::sqlite();
    let db = place.with(WORDS).await;
    insert(&db, 1).await.unwrap();
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(before >= 1, "the writer is not a task");
    drop(db);
    eventually(|| async {
        let now = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        if now < before { Ok(()) } else { Err(now) }
    })
    .await;
}

/// What the module says: writes that meet share their commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_need_few_commits() {
    let place = Place::sqlite();
    let db = place.with(WORDS).await;
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    let held = db.begin().await.unwrap();
    metrics::with_local_recorder(&recorder, || {
        // The writer is a task of another thread in general; here it runs on this one.
        tokio::task::block_in_place(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (answers, ()) = tokio::join!(join_all((0..200).map(|id| insert(&db, id))), async {
                    tokio::time::sleep(Duration::ZERO).await;
                    held.commit().await.unwrap();
                });
                assert!(answers.iter().all(Result::is_ok));
            });
        });
    });
    let page = page.render();
    assert!(page.contains("db_group_jobs_total{service=\"test\"} 200"), "{page}");
    assert!(page.contains("db_group_commits_total{service=\"test\"} 1\n"), "{page}");
}
