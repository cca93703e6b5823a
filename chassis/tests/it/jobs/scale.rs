//! Many jobs: which indexes the statements of a worker use, and that one kind does not hold up another.

use super::crew::{Crew, How, Print, ROUND, THREE, Write};
use super::is_done;
use crate::engines::{on_both_engines, plan};
use chassis::db::{AssertSqlSafe, Db, Engine};
use chassis::jobs::{Job, JobsConfig, claim_sql, next_due_sql};
use chassis::q;
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::eventually;

/// So many jobs that wait, of each of two names, and that are done.
async fn crowd(db: &Db, each: i64) {
    let (id, soon) = match db.engine() {
        Engine::Sqlite => ("randomblob(16)", "1767229200000000 + n"),
        Engine::Postgres => ("gen_random_uuid()", "to_timestamp(1767229200) + n * interval '1 millisecond'"),
    };
    for (name, status) in [("print", "waiting"), ("other", "waiting"), ("print", "done"), ("other", "failed")]
    {
        let sql = format!(
            "INSERT INTO job (id, name, payload, status, due_at, ended_at, created_at)
             WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {each})
             SELECT {id}, '{name}', 'null', '{status}', {soon}, {soon}, {soon} FROM c"
        );
        q!(db.write, execute, AssertSqlSafe(sql)).unwrap();
    }
    let analyze = if db.engine() == Engine::Postgres { "ANALYZE job" } else { "ANALYZE" };
    q!(db.write, execute, analyze).unwrap();
}

on_both_engines! {
    async fn thousands_of_jobs_are_not_in_the_way_of_the_next_one(place: Arc<Place>) {
        let crew = Crew::open(&place).await;
        let db = &crew.db;
        crowd(db, 5_000).await;
        // Some of the crowd are due.
        let (owner, now) = match db.engine() {
            Engine::Sqlite => ("x'00'", "1767229200100000"),
            Engine::Postgres => ("gen_random_uuid()", "to_timestamp(1767229200.1)"),
        };
        let claim = claim_sql(db).replace("$1", "'print'").replace("$2", owner);
        let claim = plan(db, &claim.replace("$3", now).replace("$4", now).replace("$5", "16")).await;
        let next_due = plan(db, &next_due_sql(&["print", "other"])).await;
        for plan in [claim, next_due] {
            assert!(plan.contains("job_due"), "{plan}");
            for slow in ["Seq Scan on job", "SCAN job", "Sort", "TEMP B-TREE"] {
                assert!(!plan.contains(slow), "{slow}: {plan}");
            }
        }
    }

    async fn a_kind_with_many_jobs_does_not_keep_others_waiting(place: Arc<Place>) {
        let config = JobsConfig { concurrency: 1, ..JobsConfig::default() };
        let mut crew = Crew::open_with(&place, chassis::clock::Clock::manual(chassis::clock::Ts::from_secs(1_000_000)), config).await;
        for _ in 0..30 {
            crew.queue(Print(How::Well)).await;
        }
        let write = crew.queue(Write(How::Well)).await;
        // One is served at a time; when its turn comes most of the others still wait.
        crew.hire();
        crew.meets(write, is_done).await;
        assert!(crew.printed() < 20, "{} were printed first", crew.printed());
    }

    async fn a_round_needs_no_free_place(place: Arc<Place>) {
        let config = JobsConfig { concurrency: 1, ..JobsConfig::default() };
        let mut crew = Crew::open_with(&place, chassis::clock::Clock::manual(chassis::clock::Ts::from_secs(1_000_000)), config).await;
        let (gate, rounds) = (crew.gate.clone(), crew.rounds.clone());
        let hang = Job::queued(move |_: Print, _| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                Ok(())
            }
        });
        let round = Job::every("round", ROUND, move |_| {
            rounds.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(()))
        });
        crew.hire_for(vec![hang.retry(THREE), round.jitter(Duration::ZERO)]);
        crew.rests_after(1).await;
        let id = crew.queue(Print(How::Well)).await;
        crew.gate.reached.notified().await;
        crew.clock.advance(ROUND + Duration::from_secs(1));
        eventually(|| async { crew.rounds.load(Ordering::SeqCst) == 2 }).await;
        assert!(!is_done(&crew.get(id).await), "the one place was taken");
        crew.gate.go_on.notify_one();
        crew.dismiss().await;
    }
}
