//! The trial of `testkit` finds nothing in a good saga, and finds each of the usual mistakes.

use crate::engines::{Place, on_both_engines};
use chassis::db::{Db, Tx};
use chassis::q;
use chassis::saga::{Phase, Retry, Saga, Step, StepError, StepResult, Steps, local, remote};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::saga::{Fault, SagaWorld, prove_saga, try_saga};
use uuid::Uuid;

/// What somebody may get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    /// The peer is called under a key that is new at every try.
    NewKey,
    /// Each refund gives the money back once more.
    RefundAgain,
    /// A refund of what was not charged is an error.
    RefundOfNothing,
    /// The seat is not released.
    NoUndo,
    /// A local step tells a peer, which its transaction cannot undo.
    CallInTransaction,
}

#[derive(Debug, Default)]
struct Bank {
    charged: HashMap<String, i64>,
    refunded: HashSet<String>,
    given_back: i64,
    told: i64,
    keys: u32,
}

struct Pay {
    bank: Arc<Mutex<Bank>>,
    mistake: Mistake,
}

impl Saga for Pay {
    const NAME: &'static str = "pay";
    type Params = i64;
    type Memory = Option<String>;

    fn steps() -> Steps<Self> {
        Steps::new()
            .step(local("hold", Self::hold).undo(Self::release))
            .step(remote("charge", Self::charge).undo(Self::refund).retry(Retry::times(3)))
            .step(local("book", Self::book).undo(Self::unbook))
            .point_of_no_return()
            .step(remote("tell", Self::tell).retry(Retry::times(3)).timeout(Duration::from_secs(2)))
    }
}

impl Pay {
    async fn hold(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        q!(t.tx, execute, "UPDATE seats SET n = n - $1", step.params)?;
        Ok(())
    }

    async fn release(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        if self.mistake != Mistake::NoUndo {
            q!(t.tx, execute, "UPDATE seats SET n = n + $1", step.params)?;
        }
        Ok(())
    }

    async fn charge(&self, step: &mut Step<Self>) -> StepResult {
        let mut bank = self.bank.lock().unwrap();
        bank.keys += 1;
        let key = match self.mistake {
            Mistake::NewKey => format!("{} {}", step.key(), bank.keys),
            _ => step.key(),
        };
        if bank.refunded.contains(&key) {
            return Err(StepError::refuse("refunded already"));
        }
        bank.charged.insert(key.clone(), step.params);
        step.memory = Some(key);
        Ok(())
    }

    async fn refund(&self, step: &mut Step<Self>) -> StepResult {
        let mut bank = self.bank.lock().unwrap();
        let key = step.done_key();
        let charged = bank.charged.remove(&key);
        if charged.is_none() && self.mistake == Mistake::RefundOfNothing {
            return Err(StepError::refuse("nothing was charged"));
        }
        if self.mistake == Mistake::RefundAgain {
            bank.given_back += step.params;
            if charged.is_some() {
                bank.given_back -= step.params;
            }
        }
        bank.refunded.insert(key);
        Ok(())
    }

    async fn book(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        if self.mistake == Mistake::CallInTransaction {
            self.bank.lock().unwrap().told += 1;
        }
        q!(t.tx, execute, "INSERT INTO invoices VALUES ($1, $2)", step.params, step.id().to_string())?;
        Ok(())
    }

    async fn unbook(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        q!(t.tx, execute, "DELETE FROM invoices WHERE saga = $1", step.id().to_string())?;
        Ok(())
    }

    async fn tell(&self, step: &mut Step<Self>) -> StepResult {
        let (mut bank, key) = (self.bank.lock().unwrap(), step.key());
        if bank.refunded.insert(key) && self.mistake != Mistake::CallInTransaction {
            bank.told += 1;
        }
        Ok(())
    }
}

struct World {
    place: Arc<Place>,
    bank: Arc<Mutex<Bank>>,
    mistake: Mistake,
}

impl World {
    /// The database is emptied rather than made anew: on PostgreSQL that takes half a second.
    async fn new(place: &Arc<Place>, mistake: Mistake) -> Self {
        let db = place.migrated().await;
        let old: Result<i64, _> = q!(db.read, scalar, "SELECT n FROM seats");
        let tables = super::sample::TABLES.split(';');
        let emptied = [
            "DELETE FROM saga",
            "DELETE FROM saga_step",
            "DELETE FROM invoices",
            "UPDATE seats SET n = 1000",
        ];
        let statements: Vec<&str> = if old.is_ok() { emptied.to_vec() } else { tables.collect() };
        for statement in statements {
            q!(db.write, execute, chassis::db::AssertSqlSafe(statement.to_owned())).unwrap();
        }
        db.close().await;
        Self { place: Arc::clone(place), bank: Arc::default(), mistake }
    }
}

impl SagaWorld for World {
    type Saga = Pay;

    async fn open(&self) -> Db {
        self.place.open().await
    }

    fn flow(&self, _: &Db) -> Pay {
        Pay { bank: Arc::clone(&self.bank), mistake: self.mistake }
    }

    fn params(&self) -> i64 {
        5
    }

    async fn audit(&self, db: &Db, _: Uuid, ended: Phase) -> Vec<String> {
        let seats: i64 = q!(db.read, scalar, "SELECT n FROM seats").unwrap();
        let invoices: i64 = q!(db.read, scalar, "SELECT count(*) FROM invoices").unwrap();
        let bank = self.bank.lock().unwrap();
        let charged: i64 = bank.charged.values().sum();
        let found = [1_000 - seats, charged, bank.given_back, invoices, bank.told];
        let done = ended == Phase::Done;
        let wanted = if done { [5, 5, 0, 1, 1] } else { [0, 0, 0, 0, 0] };
        let names = ["seats held", "charged", "given back too much", "invoices", "told"];
        let pairs = names.into_iter().zip(found.into_iter().zip(wanted));
        pairs
            .filter(|(_, (found, wanted))| found != wanted)
            .map(|(name, (found, wanted))| format!("{name}: {found}, not {wanted}"))
            .collect()
    }
}

async fn faults(place: &Arc<Place>, mistake: Mistake) -> Vec<Fault> {
    let (cases, faults) = try_saga(async || World::new(place, mistake).await).await;
    assert!(cases > 40, "only {cases} cases");
    faults
}

on_both_engines! {
    async fn a_good_saga_stands_every_trial(place: Arc<Place>) {
        prove_saga(async || World::new(&place, Mistake::None).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_the_usual_mistakes_is_found() {
    for (mistake, case, found) in [
        (Mistake::NewKey, "charge: it is called twice", "charged: 10, not 5"),
        (Mistake::RefundAgain, "undo of charge: it is called twice", "given back too much: 5, not 0"),
        (
            Mistake::RefundOfNothing,
            "charge: it never takes effect and nobody knows",
            "it is stuck at `charge`",
        ),
        (Mistake::NoUndo, "book: it refuses", "seats held: 5, not 0"),
        (Mistake::CallInTransaction, "book: it takes effect and the answer is lost", "told: 2, not 1"),
    ] {
        Place::sqlite()
            .run(async |place| {
                let faults = faults(&place, mistake).await;
                let seen = |fault: &Fault| fault.case.contains(case) && fault.found.contains(found);
                assert!(faults.iter().any(seen), "{mistake:?}: {faults:#?}");
            })
            .await;
    }
}
