//! Thousands of open sagas, lists, metrics, and what is forgotten.

use super::sample::Before::Fatal;
use super::sample::{Agency, Script};
use crate::engines::{on_both_engines, plan};
use chassis::db::{AssertSqlSafe, Db, Engine};
use chassis::q;
use chassis::saga::{After, Phase, Which};
use std::time::Duration;
use testkit::eventually;

/// Sagas that are open and not due, and stuck ones.
pub(super) async fn crowd(db: &Db, each: i64) {
    let id = match db.engine() {
        Engine::Sqlite => "randomblob(16)",
        Engine::Postgres => "gen_random_uuid()",
    };
    let soon = match db.engine() {
        Engine::Sqlite => "1767229200000000 + n",
        Engine::Postgres => "to_timestamp(1767229200) + n * interval '1 millisecond'",
    };
    for (state, extra) in [("running", "100000000"), ("compensating", "0"), ("stuck", "0"), ("done", "0")] {
        let sql = format!(
            "INSERT INTO saga (id, name, version, plan, state, step, params, memory, due_at, created_at, updated_at)
             WITH RECURSIVE c(n) AS (SELECT {extra} + 1 UNION ALL SELECT n + 1 FROM c WHERE n < {extra} + {each})
             SELECT {id}, 'book-trip', 1, 'a:local', '{state}', 'a', '{{}}', 'null', {soon}, {soon}, {soon} FROM c"
        );
        q!(db.write, execute, AssertSqlSafe(sql)).unwrap();
    }
    if db.engine() == Engine::Postgres {
        q!(db.write, execute, "ANALYZE saga").unwrap();
    } else {
        q!(db.write, execute, "ANALYZE").unwrap();
    }
}

on_both_engines! {
    async fn thousands_of_open_sagas_are_not_in_the_way_of_a_new_one(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        crowd(&agency.db, 5_000).await;
        let now = match agency.db.engine() {
            Engine::Sqlite => "1767225600000000",
            Engine::Postgres => "to_timestamp(1767225600)",
        };
        let due = chassis::saga::DUE
            .replace("$1", "'book-trip'").replace("$2", "1").replace("$3", now).replace("$4", "64");
        let plan = plan(&agency.db, &due).await;
        assert!(plan.contains("saga_due"), "{plan}");
        assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
        let id = agency.one().await;
        agency.reaches(id, Phase::Done).await;
    }

    async fn lists_go_on_where_they_ended(place: Arc<Place>) {
        let agency = Agency::open(&place).await;
        crowd(&agency.db, 25).await;
        for (which, count) in [(Which::Open, 50), (Which::Stuck, 25), (Which::Ended, 25)] {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let page = agency.sagas.list(which, Some("book-trip"), after, 7).await.unwrap();
                let Some(last) = page.last() else { break };
                let at = if which == Which::Open { last.due_at } else { last.updated_at };
                after = Some(After { at, id: last.id });
                seen.extend(page.into_iter().map(|saga| saga.id));
            }
            assert_eq!(seen.len(), count, "{which:?}");
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), count, "{which:?}");
        }
        assert!(agency.sagas.list(Which::Open, Some("other"), None, 7).await.unwrap().is_empty());
    }

    async fn what_ended_long_ago_is_forgotten_and_what_is_stuck_is_not(place: Arc<Place>) {
        let mut agency = Agency::with(&place, Script::of(&[("close", false, &[Fatal])])).await;
        let stuck = agency.one().await;
        agency.reaches(stuck, Phase::Stuck).await;
        let done = agency.one().await;
        agency.reaches(done, Phase::Done).await;
        agency.clock.advance(Duration::from_secs(31 * 86_400));
        agency.hire(vec![agency.flow()]);
        eventually(|| async { agency.sagas.find(done).await.unwrap().is_none() }).await;
        assert!(agency.log(done).await.is_empty());
        assert_eq!(agency.get(stuck).await.state, Phase::Stuck);
    }
}
