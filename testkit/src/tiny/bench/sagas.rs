//! Sagas of five steps, as fast as they go, with the CPU time that they take.

use super::probe::Means;
use super::{LIMIT, TASKS, cpu, probe};
use anyhow::{Context as _, ensure};
use chassis::clock::{Clock, Ts};
use chassis::db::{Tx, q};
use chassis::saga::{Saga, Step, StepError, StepResult, Steps, local};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Between two looks whether all have ended: little beside what is measured.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// Those that wait are asked again after this, which is after the measurement.
const WAIT: Duration = Duration::from_secs(3_600);

/// Not measured: connections, prepared statements, and a log of SQLite that still grows, which syncs more slowly.
const WARM_UP: u32 = 1_000;

/// Five steps, each with a row of its own.
pub(super) struct FiveSteps {
    /// How often the last step ran.
    pub(super) ran: Arc<watch::Sender<u32>>,
}

impl FiveSteps {
    async fn act(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        Ok(probe::insert(t, step.params).await?)
    }

    async fn last(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        self.act(t, step).await?;
        self.ran.send_modify(|ran| *ran += 1);
        Ok(())
    }
}

impl Saga for FiveSteps {
    const NAME: &'static str = "five-steps";

    type Params = i64;
    type Memory = ();

    fn steps() -> Steps<Self> {
        Steps::new()
            .step(local("one", Self::act).undo(Self::act))
            .step(local("two", Self::act).undo(Self::act))
            .step(local("three", Self::act).undo(Self::act))
            .step(local("four", Self::act).undo(Self::act))
            .step(local("five", Self::last).undo(Self::act))
    }
}

/// A saga that waits for something that does not come.
pub(super) struct Waits;

impl Waits {
    async fn wait(&self, _: &mut Tx, _: &mut Step<Self>) -> StepResult {
        Err(StepError::Wait(WAIT))
    }
}

impl Saga for Waits {
    const NAME: &'static str = "waits";

    type Params = i64;
    type Memory = ();

    fn steps() -> Steps<Self> {
        Steps::new().step(local("wait", Self::wait))
    }
}

pub(super) async fn measure(
    means: &Means,
    sagas: u32,
    open: u32,
    server: Option<u32>,
) -> anyhow::Result<Value> {
    const WAITING: &str = "SELECT COUNT(*) FROM saga WHERE name = 'waits' AND due_at > $1";
    const DONE: &str =
        "SELECT COUNT(*) FROM saga WHERE name = 'five-steps' AND state = 'done' AND created_at <= $1";
    start::<Waits>(means, open).await?;
    until(means, WAITING, Clock::system().now() + WAIT / 2, open).await?;
    start::<FiveSteps>(means, WARM_UP).await?;
    until(means, DONE, Clock::system().now(), WARM_UP).await?;
    let server_time = || server.map(cpu::with_children).unwrap_or_default();
    let (own_before, server_before, began) = (cpu::own(), server_time(), Instant::now());
    start::<FiveSteps>(means, sagas).await?;
    let mut ran = means.ran.subscribe();
    tokio::time::timeout(LIMIT, ran.wait_for(|ran| *ran >= WARM_UP + sagas))
        .await
        .context("sagas did not end")??;
    until(means, DONE, Clock::system().now(), WARM_UP + sagas).await?;
    let (took, own, server) =
        (began.elapsed(), cpu::own() - own_before, server_time().saturating_sub(server_before));
    let each = |time: Duration| time.as_secs_f64() / f64::from(sagas);
    Ok(json!({"rate": f64::from(sagas) / took.as_secs_f64(), "own": each(own), "server": each(server)}))
}

/// Starts this many, as many requests at once would.
async fn start<S: Saga<Params = i64>>(means: &Means, count: u32) -> anyhow::Result<()> {
    let next = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (means, next) = (means.clone(), next.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= i64::from(count) {
                    return anyhow::Ok(());
                }
                let sagas = means.sagas.clone();
                let started = means.db.group(move |t| {
                    let sagas = sagas.clone();
                    Box::pin(async move { sagas.start::<S>(t, Uuid::now_v7(), &number).await })
                });
                started.await.map(drop)?;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

/// Waits until a statement counts this many.
async fn until(means: &Means, count: &'static str, at: Ts, expected: u32) -> anyhow::Result<()> {
    let end = Instant::now() + LIMIT;
    let db = &means.db;
    loop {
        let counted: i64 = q!(db.read, scalar, count, at)?;
        if counted >= i64::from(expected) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "{counted} of {expected} after {LIMIT:?}: {count}");
        tokio::time::sleep(ASK_EVERY).await;
    }
}
