//! How many sagas of five steps a process carries out in a second, with thousands of others open. To be run by hand:
//! `cargo xtask test -p chassis --release measure --run-ignored only --no-capture`.

use crate::engines::Place;
use chassis::clock::Clock;
use chassis::db::{CHASSIS_MIGRATIONS, DatabaseConfig, Db, Synchronous, Tx};
use chassis::q;
use chassis::saga::{Flow, Saga, SagaConfig, Sagas, Started, Step, StepResult, Steps, local, remote};
use chassis::stop;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::eventually_within;
use tokio::task::JoinSet;
use uuid::Uuid;

const SAGAS: i64 = 3_000;
const OPEN: i64 = 5_000;
const STARTERS: usize = 32;

/// Four steps that write one row each, and a call in the middle.
struct Five;

impl Saga for Five {
    const NAME: &'static str = "five";
    type Params = i64;
    type Memory = i64;

    fn steps() -> Steps<Self> {
        Steps::new()
            .step(local("one", Self::write).undo(Self::write))
            .step(local("two", Self::write).undo(Self::write))
            .step(remote("call", Self::call).undo(Self::call))
            .point_of_no_return()
            .step(local("four", Self::write))
            .step(local("five", Self::write))
    }
}

impl Five {
    async fn write(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        step.memory += 1;
        let sql = "INSERT INTO effects (saga, step) VALUES ($1, $2)";
        q!(t.tx, execute, sql, step.params, step.memory)?;
        Ok(())
    }

    async fn call(&self, step: &mut Step<Self>) -> StepResult {
        step.memory += 1;
        Ok(())
    }
}

async fn start(sagas: &Sagas, db: &Db, from: usize) {
    for n in (from as i64..SAGAS).step_by(STARTERS) {
        let sagas = sagas.clone();
        let started: Result<(), chassis::saga::StartError> = db
            .group(move |t| {
                let sagas = sagas.clone();
                Box::pin(async move {
                    assert_eq!(sagas.start::<Five>(t, Uuid::now_v7(), &n).await?, Started::Now);
                    Ok(())
                })
            })
            .await;
        started.unwrap();
    }
}

async fn measure(place: Arc<Place>) {
    let full = DatabaseConfig { synchronous: Synchronous::Full, ..place.config.clone() };
    let db = Db::open(&full, "test", &place.folder).await.unwrap();
    db.migrate("chassis", &CHASSIS_MIGRATIONS).await.unwrap();
    let table = "CREATE TABLE effects (saga BIGINT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (saga, step))";
    q!(db.write, execute, table).unwrap();
    super::scale::crowd(&db, OPEN).await;
    let sagas = Sagas::new(SagaConfig::default(), db.clone(), Clock::system());
    let (_stopper, stop) = stop::channel();
    let mut work = JoinSet::new();
    let worker = sagas.clone();
    work.spawn(async move { worker.run(vec![Flow::of(Five)], stop).await.unwrap() });
    let began = Instant::now();
    join_all((0..STARTERS).map(|from| start(&sagas, &db, from))).await;
    let started = began.elapsed();
    let done = "SELECT count(*) FROM saga WHERE state IN ('done', 'compensated') AND name = 'five'";
    eventually_within(Duration::from_secs(120), || async {
        let done: i64 = q!(db.read, scalar, done).unwrap();
        if done == SAGAS { Ok(()) } else { Err(done) }
    })
    .await;
    let took = began.elapsed();
    let effects: i64 = q!(db.read, scalar, "SELECT count(*) FROM effects").unwrap();
    assert_eq!(effects, SAGAS * 4);
    let each = SAGAS as f64 / took.as_secs_f64();
    let place = db.describe();
    eprintln!(
        "{place}: {SAGAS} sagas of 5 steps in {took:.2?} (started in {started:.2?}): {each:.0} a second"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn sagas_in_a_second_on_sqlite() {
    Place::sqlite().run(measure).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn sagas_in_a_second_on_postgres() {
    if let Some(place) = Place::postgres() {
        place.run(measure).await;
    }
}
