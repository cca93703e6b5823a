//! Leases are shared out, change hands when their owner is gone, and a late owner is told apart by its fence.

use crate::engines::on_both_engines;
use chassis::clock::{Clock, Ts};
use chassis::lease::{Share, Shares};
use chassis::stop;
use std::sync::Arc;
use std::time::Duration;
use testkit::eventually;
use tokio::sync::watch;
use tokio::task::JoinSet;

const SPAN: Duration = Duration::from_secs(5);

fn names() -> Vec<String> {
    (0..4).map(|n| n.to_string()).collect()
}

/// One process that takes part, and how to end it.
struct Member {
    share: watch::Receiver<Share>,
    stopper: stop::Stopper,
    work: JoinSet<()>,
}

impl Member {
    fn start(db: &chassis::db::Db, clock: &Clock) -> Self {
        let (stopper, stop) = stop::channel();
        // Refreshed every few milliseconds of real time; what runs out does so by the test's clock.
        let shares = Arc::new(Shares::new(db.clone(), clock.clone(), "family", names(), SPAN));
        let share = shares.watch();
        let mut work = JoinSet::new();
        work.spawn(async move {
            shares.keep_until(&stop).await;
            shares.let_go().await;
        });
        Self { share, stopper, work }
    }

    async fn holds(&self, count: usize) {
        eventually(|| async {
            let held = self.share.borrow().held.len();
            if held == count { Ok(()) } else { Err(held) }
        })
        .await;
    }
}

on_both_engines! {
    async fn leases_are_shared_out_and_let_go_at_a_stop(place: Arc<Place>) {
        let db = place.migrated().await;
        let clock = Clock::manual(Ts::from_secs(1_000_000));
        let first = Member::start(&db, &clock);
        first.holds(4).await;
        let at_first = first.share.borrow().clone();
        let mut second = Member::start(&db, &clock);
        first.holds(2).await;
        second.holds(2).await;
        let (mine, others) = (first.share.borrow().clone(), second.share.borrow().clone());
        assert!(mine.held.keys().all(|name| !others.held.contains_key(name)), "{mine:?} {others:?}");
        second.stopper.stop();
        second.work.join_next().await.unwrap().unwrap();
        first.holds(4).await;
        // What was away in between is held anew: whoever still acts for the first time of holding it is told apart.
        let mut t = db.begin().await.unwrap();
        for (name, held) in &at_first.held {
            assert_eq!(held.holds(&mut t).await.unwrap(), mine.held.contains_key(name), "{name}");
        }
        t.commit().await.unwrap();
    }

    async fn leases_of_a_process_that_died_are_taken_over_and_its_fence_does_not_hold(place: Arc<Place>) {
        let db = place.migrated().await;
        let clock = Clock::manual(Ts::from_secs(1_000_000));
        let mut dead = Member::start(&db, &clock);
        dead.holds(4).await;
        dead.work.abort_all();
        let before = dead.share.borrow().held.get("0").unwrap().clone();
        let mut t = db.begin().await.unwrap();
        assert!(before.holds(&mut t).await.unwrap());
        t.commit().await.unwrap();
        let heir = Member::start(&db, &clock);
        heir.holds(0).await;
        clock.advance(SPAN + Duration::from_secs(1));
        heir.holds(4).await;
        let now = heir.share.borrow().held.get("0").unwrap().clone();
        let mut t = db.begin().await.unwrap();
        assert!(!before.holds(&mut t).await.unwrap(), "the late owner acts no more");
        assert!(now.holds(&mut t).await.unwrap());
        t.commit().await.unwrap();
    }
}
