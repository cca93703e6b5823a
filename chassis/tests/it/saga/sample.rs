//! A flow of every kind of step, and the world that it changes.

use chassis::clock::{Clock, Ts};
use chassis::db::{Db, Tx};
use chassis::q;
use chassis::saga::{
    Disturb, Disturbance, Flow, Moved, Retry, Saga, SagaConfig, SagaRecord, Sagas, Started, Step, StepError,
    StepRecord, StepResult, Steps, What, local, remote,
};
use chassis::stop::{self, Stopper};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::eventually;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::engines::Place;

/// A peer that remembers keys: a charge takes effect once, and not at all after its refund.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bank(Arc<Mutex<Books>>);

#[derive(Debug, Default)]
struct Books {
    charged: HashMap<String, i64>,
    refunded: HashSet<String>,
    shipped: HashMap<String, u32>,
    origins: Vec<Option<String>>,
}

impl Bank {
    fn books(&self) -> std::sync::MutexGuard<'_, Books> {
        self.0.lock().unwrap()
    }

    fn charge(&self, key: String, amount: i64) -> StepResult {
        let mut books = self.books();
        let origin = chassis::telemetry::origin::Origin::current();
        books.origins.push(origin.map(|origin| origin.correlation_id.to_string()));
        if books.refunded.contains(&key) {
            return Err(StepError::refuse("refunded already"));
        }
        books.charged.insert(key, amount);
        Ok(())
    }

    fn refund(&self, key: String) {
        let mut books = self.books();
        books.charged.remove(&key);
        books.refunded.insert(key);
    }

    fn ship(&self, key: String) {
        *self.books().shipped.entry(key).or_default() += 1;
    }

    pub(crate) fn charged(&self) -> i64 {
        self.books().charged.values().sum()
    }

    pub(crate) fn refunds(&self) -> usize {
        self.books().refunded.len()
    }

    pub(crate) fn shipped(&self) -> usize {
        self.books().shipped.len()
    }

    pub(crate) fn origins(&self) -> Vec<Option<String>> {
        self.books().origins.clone()
    }
}

pub(crate) const TABLES: &str = "CREATE TABLE seats (n BIGINT NOT NULL); INSERT INTO seats VALUES (1000);
    CREATE TABLE numbers (n BIGINT NOT NULL); INSERT INTO numbers VALUES (0);
    CREATE TABLE invoices (number BIGINT PRIMARY KEY, saga TEXT NOT NULL);
    CREATE TABLE told (what TEXT NOT NULL)";

/// Parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trip {
    pub(crate) seats: i64,
    pub(crate) price: i64,
}

/// What the steps note.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Notes {
    invoice: Option<i64>,
    charged: bool,
}

/// Books a trip: a seat, money, an invoice, and then the tickets, from which there is no way back.
#[derive(Debug, Clone)]
pub(crate) struct BookTrip {
    pub(crate) bank: Bank,
    pub(crate) ears: Ears,
}

/// What goes wrong when the flow is told of something, in order; then nothing more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ears(Arc<Mutex<VecDeque<(String, anyhow::Error)>>>);

impl Ears {
    pub(crate) fn fail_at(&self, what: &str, error: impl Into<anyhow::Error>) {
        self.0.lock().unwrap().push_back((what.to_owned(), error.into()));
    }

    fn hear(&self, what: &str) -> anyhow::Result<()> {
        let next = self.0.lock().unwrap().pop_front_if(|(at, _)| at == what);
        next.map_or(Ok(()), |(_, error)| Err(error))
    }
}

impl Saga for BookTrip {
    const NAME: &'static str = "book-trip";
    const DEADLINE: Option<Duration> = Some(Duration::from_secs(600));
    const TELLS: bool = true;
    type Params = Trip;
    type Memory = Notes;

    fn steps() -> Steps<Self> {
        Steps::new()
            .step(local("reserve", Self::reserve).undo(Self::release))
            .step(
                remote("charge", Self::charge)
                    .undo(Self::refund)
                    .timeout(Duration::from_millis(1_500))
                    .retry(Retry::times(3).from(Duration::from_millis(100)))
                    .retry_undo(Retry::times(3)),
            )
            .step(local("invoice", Self::invoice).undo(Self::cancel_invoice))
            .point_of_no_return()
            .step(remote("ship", Self::ship).retry(Retry::times(3)))
            .step(local("close", Self::close))
    }

    async fn moved(&self, t: &mut Tx, moved: &Moved<Self>) -> anyhow::Result<()> {
        let what = match &moved.what {
            What::Did(step) => format!("did {step}"),
            What::Undid(step) => format!("undid {step}"),
            What::Done => "done".to_owned(),
            What::TurnedBack { failure } => format!("turned back: {failure}"),
            What::Compensated { .. } => "compensated".to_owned(),
            What::Stuck { reason } => format!("stuck: {reason}"),
        };
        q!(t.tx, execute, "INSERT INTO told VALUES ($1)", &what)?;
        self.ears.hear(&what)
    }
}

impl BookTrip {
    async fn reserve(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        let sql = "UPDATE seats SET n = n - $1 WHERE n >= $1";
        match q!(t.tx, execute, sql, step.params.seats)? {
            0 => Err(StepError::refuse("sold out")),
            _ => Ok(()),
        }
    }

    async fn release(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        q!(t.tx, execute, "UPDATE seats SET n = n + $1", step.params.seats)?;
        Ok(())
    }

    async fn charge(&self, step: &mut Step<Self>) -> StepResult {
        step.memory.charged = true;
        self.bank.charge(step.key(), step.params.price)
    }

    async fn refund(&self, step: &mut Step<Self>) -> StepResult {
        self.bank.refund(step.done_key());
        Ok(())
    }

    async fn invoice(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        assert!(step.memory.charged, "the memory of the step before is lost");
        let number: i64 = q!(t.tx, scalar, "UPDATE numbers SET n = n + 1 RETURNING n")?;
        q!(t.tx, execute, "INSERT INTO invoices VALUES ($1, $2)", number, step.id().to_string())?;
        step.memory.invoice = Some(number);
        Ok(())
    }

    async fn cancel_invoice(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        q!(t.tx, execute, "DELETE FROM invoices WHERE number = $1", step.memory.invoice)?;
        Ok(())
    }

    async fn ship(&self, step: &mut Step<Self>) -> StepResult {
        self.bank.ship(step.key());
        Ok(())
    }

    async fn close(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        let closed =
            q!(t.tx, execute, "UPDATE invoices SET saga = 'closed' WHERE saga = $1", step.id().to_string())?;
        assert_eq!(closed, 1, "closed twice");
        Ok(())
    }
}

/// What befalls actions, by step and direction, in order; then nothing more.
#[derive(Default)]
pub(crate) struct Script {
    before: Mutex<HashMap<(String, bool), VecDeque<Before>>>,
    pub(crate) reached: tokio::sync::Notify,
    pub(crate) go_on: tokio::sync::Notify,
}

#[derive(Debug, Clone)]
pub(crate) enum Before {
    Retry,
    Refuse,
    Fatal,
    Wait,
    /// Takes effect, and the answer is lost.
    NoAnswer,
    /// Goes on when the test says so.
    Hang,
    /// The same, and then it is said to wait.
    HangAndWait,
}

impl Script {
    pub(crate) fn of(steps: &[(&str, bool, &[Before])]) -> Arc<Self> {
        let script = Self::default();
        for (step, undo, befalls) in steps {
            let queue = befalls.iter().cloned().collect();
            script.before.lock().unwrap().insert(((*step).to_owned(), *undo), queue);
        }
        Arc::new(script)
    }

    fn next(&self, step: &str, undo: bool, of: impl Fn(&Before) -> bool) -> Option<Before> {
        let mut scripts = self.before.lock().unwrap();
        let queue = scripts.get_mut(&(step.to_owned(), undo))?;
        if queue.front().is_some_and(of) { queue.pop_front() } else { None }
    }
}

impl Disturb for Script {
    fn before<'a>(&'a self, step: &'a str, undo: bool) -> BoxFuture<'a, Disturbance> {
        async move {
            let error = || anyhow::anyhow!("as the test wants it");
            match self.next(step, undo, |befalls| !matches!(befalls, Before::NoAnswer)) {
                None | Some(Before::NoAnswer) => Disturbance::None,
                Some(Before::Retry) => Disturbance::Fail(StepError::retry(error())),
                Some(Before::Refuse) => Disturbance::Fail(StepError::refuse("no, says the test")),
                Some(Before::Fatal) => Disturbance::Fail(StepError::fatal(error())),
                Some(Before::Wait) => Disturbance::Fail(StepError::Wait(Duration::from_secs(60))),
                Some(Before::HangAndWait) => {
                    self.reached.notify_one();
                    self.go_on.notified().await;
                    Disturbance::Fail(StepError::Wait(Duration::from_secs(60)))
                }
                Some(Before::Hang) => {
                    self.reached.notify_one();
                    self.go_on.notified().await;
                    Disturbance::None
                }
            }
        }
        .boxed()
    }

    fn after<'a>(&'a self, step: &'a str, undo: bool) -> BoxFuture<'a, Option<StepError>> {
        let lost = self.next(step, undo, |befalls| matches!(befalls, Before::NoAnswer));
        let error = lost.map(|_| StepError::retry(anyhow::anyhow!("the answer is lost")));
        std::future::ready(error).boxed()
    }
}

/// A service with this flow, and workers on it until it is dropped.
pub(crate) struct Agency {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) sagas: Sagas,
    pub(crate) bank: Bank,
    pub(crate) ears: Ears,
    pub(crate) stopper: Stopper,
    pub(crate) workers: JoinSet<()>,
}

pub(crate) fn config() -> SagaConfig {
    SagaConfig { poll_ms: 10, ..SagaConfig::default() }
}

impl Agency {
    pub(crate) async fn open(place: &Place) -> Self {
        let db = place.migrated().await;
        for statement in TABLES.split(';') {
            q!(db.write, execute, statement).unwrap();
        }
        let clock = Clock::manual(Ts::from_secs(1_767_225_600));
        let sagas = Sagas::new(config(), db.clone(), clock.clone());
        let (stopper, _) = stop::channel();
        Self {
            db,
            clock,
            sagas,
            bank: Bank::default(),
            ears: Ears::default(),
            stopper,
            workers: JoinSet::new(),
        }
    }

    pub(crate) async fn with(place: &Place, script: Arc<Script>) -> Self {
        let mut agency = Self::open(place).await;
        agency.hire(vec![agency.flow().disturbed(script)]);
        agency
    }

    pub(crate) fn flow(&self) -> Flow {
        Flow::of(BookTrip { bank: self.bank.clone(), ears: self.ears.clone() })
    }

    /// Another process on the same database, as far as sagas can tell.
    pub(crate) fn hire(&mut self, flows: Vec<Flow>) {
        let sagas = Sagas::new(config(), self.db.clone(), self.clock.clone());
        let stop = self.stopper.listener();
        self.workers.spawn(async move { sagas.run(flows, stop).await.unwrap() });
    }

    pub(crate) async fn start(&self, trip: Trip) -> Uuid {
        let id = Uuid::now_v7();
        let mut t = self.db.begin().await.unwrap();
        assert_eq!(self.sagas.start::<BookTrip>(&mut t, id, &trip).await.unwrap(), Started::Now);
        t.commit().await.unwrap();
        id
    }

    pub(crate) async fn one(&self) -> Uuid {
        self.start(Trip { seats: 2, price: 50 }).await
    }

    pub(crate) async fn get(&self, id: Uuid) -> SagaRecord {
        self.sagas.find(id).await.unwrap().unwrap()
    }

    /// The saga once this holds of it.
    pub(crate) async fn meets(&self, id: Uuid, what: impl Fn(&SagaRecord) -> bool) -> SagaRecord {
        eventually(|| async {
            let found = self.get(id).await;
            if what(&found) { Ok(found) } else { Err(found) }
        })
        .await
    }

    /// The saga once it is in this state.
    pub(crate) async fn reaches(&self, id: Uuid, state: chassis::saga::Phase) -> SagaRecord {
        self.meets(id, |saga| saga.state == state).await
    }

    /// The same, while time passes: no pause and no lease lasts.
    pub(crate) async fn reaches_in_time(&self, id: Uuid, state: chassis::saga::Phase) -> SagaRecord {
        self.meets(id, |saga| {
            self.clock.advance(Duration::from_millis(250));
            saga.state == state
        })
        .await
    }

    /// `do reserve done`, in order.
    pub(crate) async fn log(&self, id: Uuid) -> Vec<String> {
        let line = |line: StepRecord| format!("{} {} {}", line.action, line.step, line.outcome);
        self.sagas.log(id).await.unwrap().into_iter().map(line).collect()
    }

    pub(crate) async fn seats(&self) -> i64 {
        let db = &self.db;
        q!(db.read, scalar, "SELECT n FROM seats").unwrap()
    }

    pub(crate) async fn invoices(&self) -> i64 {
        let db = &self.db;
        q!(db.read, scalar, "SELECT count(*) FROM invoices").unwrap()
    }

    /// Nothing is left of a saga that was compensated.
    pub(crate) async fn is_as_before(&self) {
        assert_eq!((self.seats().await, self.bank.charged(), self.invoices().await), (1_000, 0, 0));
    }

    pub(crate) async fn told(&self) -> Vec<String> {
        let db = &self.db;
        let order = if db.engine() == chassis::db::Engine::Sqlite { "rowid" } else { "ctid" };
        let sql = chassis::db::AssertSqlSafe(format!("SELECT what FROM told ORDER BY {order}"));
        let rows: Vec<(String,)> = q!(db.read, fetch_all, sql).unwrap();
        rows.into_iter().map(|(what,)| what).collect()
    }
}
