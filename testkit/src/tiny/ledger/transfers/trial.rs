//! The saga is tried in every way in which one thing can go wrong.

use super::flow::{Params, Transfer};
use super::store;
use crate::saga::{SagaWorld, prove_saga};
use crate::tiny::{Counter, Ledger, movements};
use crate::{Engine, Folder, Setup, TestService};
use chassis::clock::Clock;
use chassis::db::{CHASSIS_MIGRATIONS, DatabaseConfig, Db, q};
use chassis::saga::Phase;
use chassis::service::Service as _;
use std::sync::Arc;
use uuid::Uuid;

const AMOUNT: i64 = 300;

/// A ledger's database for each case, and one counter for all: it tells transfers apart by their ids.
struct World {
    folder: Folder,
    counter: Arc<TestService>,
}

impl SagaWorld for World {
    type Saga = Transfer;

    async fn open(&self) -> Db {
        let db = Db::open(&DatabaseConfig::default(), "ledger", self.folder.path()).await.unwrap();
        db.migrate("chassis", &CHASSIS_MIGRATIONS).await.unwrap();
        db.migrate("ledger", &Ledger::SPEC.database.unwrap()).await.unwrap();
        let mut t = db.begin().await.unwrap();
        // Opens the purse; for the process that comes after a kill it is there.
        store::insert(&mut t, (Uuid::nil(), "ada", AMOUNT), Clock::system().now()).await.unwrap();
        t.commit().await.unwrap();
        db
    }

    fn flow(&self, _: &Db) -> Transfer {
        Transfer { counter: self.counter.assembled().shared().peer("counter").unwrap().caller() }
    }

    fn params(&self) -> Params {
        Params { source: "ada".to_owned(), target: "bob".to_owned(), amount: AMOUNT, refuse: None }
    }

    async fn audit(&self, db: &Db, id: Uuid, ended: Phase) -> Vec<String> {
        const HERE: &str = "SELECT COALESCE(SUM(CASE kind WHEN 'deposit' THEN amount WHEN 'withdraw' THEN -amount ELSE 0 END), 0) \
            FROM movement WHERE transfer_id = $1";
        let counter = self.counter.db("counter");
        let here: i64 = q!(counter.read, scalar, HERE, id).unwrap();
        let sent = if ended == Phase::Done { AMOUNT } else { 0 };
        let books = serde_json::to_value(store::books(db).await.unwrap()).unwrap();
        let opened = books["opened"].as_i64().unwrap();
        let doubled = (movements::doubled(db).await.unwrap(), movements::doubled(counter).await.unwrap());
        let figures = (&books["balance"], &books["held"], &books["sent"], here, doubled);
        let expected = (&(opened - sent).into(), &0.into(), &sent.into(), sent, (0, 0));
        if figures == expected { Vec::new() } else { vec![format!("{figures:?} and not {expected:?}")] }
    }
}

#[tokio::test]
async fn a_transfer_moves_all_or_nothing_whatever_goes_wrong() {
    let counter = Arc::new(Setup::of::<Counter>().start(Engine::Sqlite).await.unwrap());
    prove_saga(async || World { folder: Folder::new("trial").unwrap(), counter: counter.clone() }).await;
}
