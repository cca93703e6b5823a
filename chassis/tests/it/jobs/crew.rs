//! A service with jobs, and how a test sees what became of them.

use crate::engines::Place;
use chassis::clock::{Clock, Ts};
use chassis::db::{Db, Tx};
use chassis::jobs::{Board, Job, JobRecord, JobResult, Jobs, JobsConfig, Perform, Retry, Run, Task, When};
use chassis::operator::Operator;
use chassis::state::RedisConfig;
use chassis::stop::{self, Stopper};
use chassis::wake::Wakes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::eventually;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Three tries, far enough apart for a test's clock to come between.
pub(crate) const THREE: Retry =
    Retry { tries: 3, first: Duration::from_secs(10), longest: Duration::from_secs(60) };

pub(crate) fn ann() -> Operator {
    Operator { who: "ann".to_owned(), reason: "the printer is back".to_owned() }
}

/// What a test's tasks do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    Well,
    Fail,
    /// Fails at the first try only.
    FailOnce,
    GiveUp,
    Panic,
    /// Reaches the gate and waits there, at the first try only.
    HangOnce,
    /// Reaches the gate, waits there and fails, at the first try only.
    HangOnceAndFail,
    /// Reaches the gate and waits there, at every try.
    Hang,
    /// Is taken over by another while it works, at the first try only.
    BeReplaced,
}

/// A task that writes a line in its transaction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Write(pub(crate) How);

impl Task for Write {
    const NAME: &'static str = "write";
}

/// A task that does something outside of the database.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Print(pub(crate) How);

impl Task for Print {
    const NAME: &'static str = "print";
}

/// Where runs wait that were told to hang.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    pub(crate) reached: Notify,
    pub(crate) go_on: Notify,
    pub(crate) left: AtomicU32,
}

/// Counts a run that ended, also one that was dropped in the middle.
struct Leaving(Arc<Gate>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left.fetch_add(1, Ordering::SeqCst);
    }
}

impl Gate {
    pub(crate) async fn pass(self: &Arc<Self>) {
        let _leaving = Leaving(self.clone());
        self.reached.notify_one();
        self.go_on.notified().await;
    }
}

#[derive(Debug, Clone)]
struct Writer(Arc<Gate>);

impl Perform<Write> for Writer {
    async fn perform(&self, t: &mut Tx, Write(how): Write, run: &Run) -> JobResult {
        let id = run.id;
        chassis::q!(t.tx, execute, "INSERT INTO line (job) VALUES ($1)", id)?;
        if how == How::BeReplaced && run.attempt == 1 {
            chassis::q!(t.tx, execute, "UPDATE job SET fence = fence + 1 WHERE id = $1", id)?;
        }
        act(how, run.attempt, &self.0).await
    }
}

async fn act(how: How, attempt: u32, gate: &Arc<Gate>) -> JobResult {
    match how {
        How::Fail => Err(anyhow::anyhow!("no paper").context("cannot print").into()),
        How::FailOnce if attempt == 1 => Err(anyhow::anyhow!("no paper").into()),
        How::GiveUp => Err(chassis::jobs::JobError::give_up(anyhow::anyhow!("no such printer"))),
        How::Panic => panic!("on fire"),
        How::HangOnce | How::HangOnceAndFail if attempt > 1 => Ok(()),
        How::HangOnceAndFail => {
            gate.pass().await;
            Err(anyhow::anyhow!("no paper").into())
        }
        How::HangOnce | How::Hang => {
            gate.pass().await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A service under test with its instances.
pub(crate) struct Crew {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) jobs: Jobs,
    pub(crate) board: Board,
    pub(crate) gate: Arc<Gate>,
    /// How often something was printed, and how often the round was made.
    pub(crate) printed: Arc<AtomicU32>,
    pub(crate) rounds: Arc<AtomicU32>,
    /// Rounds wait for one of these, when a test has closed it.
    pub(crate) round_gate: Arc<Semaphore>,
    pub(crate) stopper: Stopper,
    pub(crate) workers: JoinSet<anyhow::Result<()>>,
}

pub(crate) const ROUND: Duration = Duration::from_secs(60);

impl Crew {
    /// With nobody at work yet.
    pub(crate) async fn open(place: &Place) -> Self {
        Self::open_with(place, Clock::manual(Ts::from_secs(1_000_000)), JobsConfig::default()).await
    }

    pub(crate) async fn open_with(place: &Place, clock: Clock, config: JobsConfig) -> Self {
        let db = place.migrated().await;
        let kind = if db.engine() == chassis::db::Engine::Sqlite { "BLOB" } else { "UUID" };
        let sql = chassis::db::AssertSqlSafe(format!("CREATE TABLE line (job {kind} NOT NULL)"));
        chassis::q!(db.write, execute, sql).unwrap();
        let (wakes, _) = Wakes::new(&RedisConfig::default()).unwrap();
        let board = Board::default();
        let config = JobsConfig { poll_ms: 20, ..config };
        let queued = wakes.topic("test", "jobs");
        let jobs = Jobs::new(config, db.clone(), clock.clone(), queued, board.clone());
        let (stopper, _) = stop::channel();
        Self {
            db,
            clock,
            jobs,
            board,
            gate: Arc::default(),
            printed: Arc::default(),
            rounds: Arc::default(),
            round_gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            stopper,
            workers: JoinSet::new(),
        }
    }

    /// With one instance at work.
    pub(crate) async fn at_work(place: &Place) -> Self {
        let mut crew = Self::open(place).await;
        crew.hire();
        crew
    }

    /// One more instance with the queued jobs.
    pub(crate) fn hire(&mut self) {
        let (gate, printed) = (self.gate.clone(), self.printed.clone());
        let print = Job::queued(move |Print(how), run: Run| {
            let (gate, printed) = (gate.clone(), printed.clone());
            async move {
                let done = act(how, run.attempt, &gate).await;
                printed.fetch_add(u32::from(done.is_ok()), Ordering::SeqCst);
                done
            }
        });
        let write = Job::queued_in_tx(Writer(self.gate.clone()));
        self.hire_for(vec![print.retry(THREE), write.retry(THREE)]);
    }

    /// One more instance that makes a round every minute.
    pub(crate) fn hire_for_rounds(&mut self) {
        let (rounds, gate) = (self.rounds.clone(), self.round_gate.clone());
        let round = Job::every("round", ROUND, move |_| {
            let (rounds, gate) = (rounds.clone(), gate.clone());
            async move {
                rounds.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await?.forget();
                Ok(())
            }
        });
        self.hire_for(vec![round.jitter(Duration::ZERO)]);
    }

    pub(crate) fn hire_for(&mut self, jobs: Vec<Job>) {
        let (own, stop) = (self.jobs.clone(), self.stopper.listener());
        self.workers.spawn(async move { own.run(jobs, stop).await });
    }

    /// Asks everybody to stop and waits for what they have in hand.
    pub(crate) async fn dismiss(&mut self) {
        self.stopper.stop();
        while let Some(ended) = self.workers.join_next().await {
            ended.unwrap().unwrap();
        }
        (self.stopper, _) = stop::channel();
    }

    pub(crate) async fn queue<T: Task>(&self, task: T) -> Uuid {
        let mut t = self.db.begin().await.unwrap();
        let id = self.jobs.enqueue(&mut t, &task, When::Now).await.unwrap();
        t.commit().await.unwrap();
        id
    }

    pub(crate) async fn get(&self, id: Uuid) -> JobRecord {
        self.jobs.find(id).await.unwrap().unwrap()
    }

    /// Waits until the job is as the test wants it.
    pub(crate) async fn meets(&self, id: Uuid, wanted: impl Fn(&JobRecord) -> bool) -> JobRecord {
        eventually(|| async {
            let job = self.get(id).await;
            if wanted(&job) { Ok(job) } else { Err(job) }
        })
        .await
    }

    /// Waits as long, and moves the clock on past every pause.
    pub(crate) async fn meets_in_time(&self, id: Uuid, wanted: impl Fn(&JobRecord) -> bool) -> JobRecord {
        eventually(|| async {
            let job = self.get(id).await;
            if wanted(&job) {
                return Ok(job);
            }
            self.clock.advance(Duration::from_secs(5));
            Err(job)
        })
        .await
    }

    pub(crate) async fn round(&self) -> JobRecord {
        let periodic = self.jobs.list(chassis::jobs::Which::Periodic, Some("round"), 9).await.unwrap();
        let [round] = periodic.try_into().unwrap();
        round
    }

    /// Waits until the round waits for its next time after so many rounds.
    pub(crate) async fn rests_after(&self, rounds: u32) {
        eventually(|| async {
            let periodic = self.jobs.list(chassis::jobs::Which::Periodic, Some("round"), 9).await.unwrap();
            let made = self.rounds.load(Ordering::SeqCst);
            let rests = periodic.iter().all(|job| job.due_at > self.clock.now() && job.attempts == 0);
            if made == rounds && rests && !periodic.is_empty() { Ok(()) } else { Err((made, periodic)) }
        })
        .await;
    }

    pub(crate) async fn lines(&self) -> i64 {
        let db = &self.db;
        chassis::q!(db.read, scalar, "SELECT count(*) FROM line").unwrap()
    }

    pub(crate) fn printed(&self) -> u32 {
        self.printed.load(Ordering::SeqCst)
    }
}
