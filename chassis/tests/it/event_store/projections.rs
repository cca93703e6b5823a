use super::*;
use crate::engines::{Place, on_both_engines};
use chassis::event_store::{Generation, GenerationState, Projection, ProjectionStatus, Recorded};
use chassis::q;
use chassis::stop::{self, Stopper};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use testkit::eventually;
use tokio::task::{AbortHandle, JoinSet};

/// Longer than a lease.
const DEAD: Duration = Duration::from_secs(11);

const TABLE: &str = "CREATE TABLE totals (generation BIGINT NOT NULL, account TEXT NOT NULL, total BIGINT NOT NULL, \
    events BIGINT NOT NULL, PRIMARY KEY (generation, account))";

/// What a test can do to a projection.
#[derive(Debug, Default)]
struct Hand {
    refuses: AtomicBool,
    panics: AtomicBool,
    working: AtomicUsize,
    met: AtomicBool,
}

/// The sum and the number of credits of each account; `VERSION` times the sum.
#[derive(Debug, Clone, Default)]
struct Totals<const VERSION: u32>(Arc<Hand>);

impl<const V: u32> Projection for Totals<V> {
    const NAME: &'static str = "totals";
    const VERSION: u32 = V;

    async fn apply(&self, t: &mut Tx, generation: Generation, event: &Recorded) -> anyhow::Result<()> {
        const UPSERT: &str = "INSERT INTO totals (generation, account, total, events) VALUES ($1, $2, $3, 1) \
            ON CONFLICT (generation, account) DO UPDATE \
            SET total = totals.total + excluded.total, events = totals.events + 1";
        let Some(credited) = event.read::<Credited>()? else { return Ok(()) };
        if self.0.working.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.met.store(true, Ordering::SeqCst);
        }
        let account = event.stream.as_str();
        let done = q!(t.tx, execute, UPSERT, generation.0, account, credited.cents * i64::from(V));
        tokio::task::yield_now().await;
        self.0.working.fetch_sub(1, Ordering::SeqCst);
        done?;
        assert!(!self.0.panics.load(Ordering::SeqCst) || credited.cents != 13, "thirteen");
        anyhow::ensure!(!self.0.refuses.load(Ordering::SeqCst) || credited.cents != 13, "not thirteen");
        Ok(())
    }

    async fn reset(&self, t: &mut Tx, generation: Generation) -> anyhow::Result<()> {
        q!(t.tx, execute, "DELETE FROM totals WHERE generation = $1", generation.0)?;
        Ok(())
    }
}

/// A database with the read model's table, and instances that work on it.
struct Bench {
    db: Db,
    store: EventStore,
    clock: Clock,
    hand: Arc<Hand>,
    instances: JoinSet<()>,
    stoppers: Vec<Stopper>,
}

impl Bench {
    async fn of(place: &Place) -> Self {
        let db = place.migrated().await;
        q!(db.write, execute, TABLE).unwrap();
        let clock = Clock::manual(start());
        let store = store(&db, clock.clone());
        Self { db, store, clock, hand: Arc::default(), instances: JoinSet::new(), stoppers: Vec::new() }
    }

    fn run<const V: u32>(&mut self) -> AbortHandle {
        let (stopper, stop) = stop::channel();
        self.stoppers.push(stopper);
        let (store, projection) = (self.store.clone(), Totals::<V>(self.hand.clone()));
        self.instances.spawn(async move { store.project_until(projection, stop).await })
    }

    async fn credit(&self, account: Uuid, cents: i64) {
        commit_credit(&self.db, &self.store, account, cents).await;
    }

    async fn statuses(&self) -> Vec<ProjectionStatus> {
        self.store.projections().await.unwrap()
    }

    async fn live(&self) -> Option<ProjectionStatus> {
        self.statuses().await.into_iter().find(|status| status.state == GenerationState::Live)
    }

    /// The live read model, once there is only that and it has no event before it.
    async fn settled(&self, generation: i64) -> BTreeMap<String, (i64, i64)> {
        eventually(|| async {
            // Time goes on: pauses after failures and leases end.
            self.clock.advance(Duration::from_secs(1));
            match &self.statuses().await[..] {
                [only] if only.generation == generation && only.waiting_since.is_none() => Ok(()),
                others => Err(format!("{others:?}")),
            }
        })
        .await;
        self.totals().await
    }

    async fn totals(&self) -> BTreeMap<String, (i64, i64)> {
        const SELECT: &str = "SELECT account, total, events FROM totals WHERE generation = \
            (SELECT generation FROM projection_generation WHERE name = 'totals' AND state = 'live')";
        let db = &self.db;
        let rows: Vec<(String, i64, i64)> = q!(db.read, fetch_all, SELECT).unwrap();
        rows.into_iter().map(|(account, total, events)| (account, (total, events))).collect()
    }

    /// What the read model must be.
    async fn expected(&self, factor: i64) -> BTreeMap<String, (i64, i64)> {
        let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let mut after = 0;
        while let Some(last) = {
            let batch = self.store.tail().next(after, 100).await.unwrap();
            for event in &batch.events {
                let Some(credited) = event.read::<Credited>().unwrap() else { continue };
                let entry = expected.entry(event.stream.to_string()).or_default();
                *entry = (entry.0 + credited.cents * factor, entry.1 + 1);
            }
            batch.events.last().map(|event| event.position)
        } {
            after = last;
        }
        expected
    }
}

on_both_engines! {
    async fn a_projection_killed_at_any_moment_takes_each_event_in_once(place: Arc<Place>) {
        let mut bench = Bench::of(&place).await;
        let accounts: Vec<_> = (0..4).map(|_| Uuid::new_v4()).collect();
        for round in 0..25_u64 {
            let instance = bench.run::<1>();
            for n in 0..12_i64 {
                bench.credit(accounts[usize::try_from(n % 4).unwrap()], n).await;
            }
            tokio::time::sleep(Duration::from_micros(round * 400)).await;
            instance.abort();
            while bench.instances.join_next().await.is_some() {}
            bench.hand.working.store(0, Ordering::SeqCst);
            bench.clock.advance(DEAD);
        }
        bench.run::<1>();
        let totals = bench.settled(1).await;
        assert_eq!(totals.values().map(|(_, events)| events).sum::<i64>(), 300);
        assert_eq!(totals, bench.expected(1).await);
    }

    async fn a_rebuild_while_appends_go_on_ends_with_the_same_read_model(place: Arc<Place>) {
        let mut bench = Bench::of(&place).await;
        let accounts: Vec<_> = (0..3).map(|_| Uuid::new_v4()).collect();
        for n in 0..150_i64 {
            bench.credit(accounts[usize::try_from(n % 3).unwrap()], n).await;
        }
        bench.run::<1>();
        bench.settled(1).await;
        // Something is wrong with it; only a rebuild puts it right.
        let db = &bench.db;
        q!(db.write, execute, "UPDATE totals SET total = 0").unwrap();
        let mut t = db.begin().await.unwrap();
        assert!(bench.store.rebuild(&mut t, "totals").await.unwrap());
        assert!(!bench.store.rebuild(&mut t, "totals").await.unwrap(), "it is being built");
        assert!(!bench.store.rebuild(&mut t, "nothing").await.unwrap());
        t.commit().await.unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..120_i64 {
            bench.credit(accounts[usize::try_from(n % 3).unwrap()], n).await;
            let live = bench.live().await.unwrap();
            assert!(bench.totals().await.len() == 3, "there is a whole read model at every moment");
            seen.insert(live.generation);
        }
        assert!(seen.iter().all(|generation| [1, 2].contains(generation)), "{seen:?}");
        let totals = bench.settled(2).await;
        assert_eq!(totals, bench.expected(1).await);
        let all: i64 = q!(db.read, scalar, "SELECT count(*) FROM totals").unwrap();
        assert_eq!(all, 3, "the old generation is gone");
    }

    async fn a_projection_that_fails_shows_why_and_goes_on_when_it_can(place: Arc<Place>) {
        let mut bench = Bench::of(&place).await;
        let account = Uuid::new_v4();
        bench.hand.refuses.store(true, Ordering::SeqCst);
        for cents in [1, 2, 13, 4] {
            bench.credit(account, cents).await;
        }
        bench.run::<1>();
        let stopped = eventually(|| async {
            bench.clock.advance(Duration::from_secs(1));
            let live = bench.live().await.ok_or("not there")?;
            if live.failures >= 2 { Ok(live) } else { Err("no failure") }
        })
        .await;
        let error = stopped.error.unwrap();
        assert_eq!(error, format!("account.credited at position {}: not thirteen", stopped.position + 1));
        assert!(stopped.lag == 2 && stopped.retry_at.is_some() && stopped.waiting_since.is_some());
        assert_eq!(bench.totals().await[stream(account).as_str()], (3, 2), "what comes before it was taken in");
        bench.hand.panics.store(true, Ordering::SeqCst);
        bench.hand.refuses.store(false, Ordering::SeqCst);
        eventually(|| async {
            bench.clock.advance(Duration::from_secs(1));
            bench.live().await.and_then(|live| live.error).is_some_and(|error| error.ends_with("panicked: thirteen"))
        })
        .await;
        bench.hand.panics.store(false, Ordering::SeqCst);
        assert_eq!(bench.settled(1).await, bench.expected(1).await);
        let live = bench.live().await.unwrap();
        assert_eq!((live.failures, live.error, live.retry_at, live.lag), (0, None, None, 0));
    }

    async fn a_build_that_fails_leaves_the_live_read_model_as_it_is(place: Arc<Place>) {
        let mut bench = Bench::of(&place).await;
        let account = Uuid::new_v4();
        for cents in [1, 13] {
            bench.credit(account, cents).await;
        }
        bench.run::<1>();
        bench.settled(1).await;
        bench.hand.refuses.store(true, Ordering::SeqCst);
        let mut t = bench.db.begin().await.unwrap();
        assert!(bench.store.rebuild(&mut t, "totals").await.unwrap());
        t.commit().await.unwrap();
        eventually(|| async { bench.statuses().await.iter().any(|status| status.failures > 0) }).await;
        bench.credit(account, 5).await;
        eventually(|| async { bench.totals().await[stream(account).as_str()] == (19, 3) }).await;
        bench.hand.refuses.store(false, Ordering::SeqCst);
        assert_eq!(bench.settled(2).await, bench.expected(1).await);
    }

    async fn one_instance_works_and_another_takes_over_when_it_stops(place: Arc<Place>) {
        let mut bench = Bench::of(&place).await;
        let account = Uuid::new_v4();
        for _ in 0..3 {
            bench.run::<1>();
        }
        for n in 0..60 {
            bench.credit(account, n).await;
        }
        bench.settled(1).await;
        for left in [2, 1] {
            bench.stoppers.remove(0).stop();
            for n in 0..20 {
                bench.credit(account, n).await;
            }
            assert_eq!(bench.settled(1).await, bench.expected(1).await, "{left} left");
        }
        assert!(!bench.hand.met.load(Ordering::SeqCst), "two worked at the same time");
    }

    async fn a_newer_version_is_built_beside_the_old_one_which_older_code_then_leaves_alone(place: Arc<Place>) {
        let mut bench = Bench::of(&place).await;
        let account = Uuid::new_v4();
        for n in 0..30 {
            bench.credit(account, n).await;
        }
        let old = bench.run::<1>();
        assert_eq!(bench.settled(1).await, bench.expected(1).await);
        old.abort();
        bench.clock.advance(DEAD);
        let new = bench.run::<2>();
        assert_eq!(bench.settled(2).await, bench.expected(2).await);
        new.abort();
        bench.clock.advance(DEAD);
        bench.run::<1>();
        bench.credit(account, 5).await;
        // The newer code comes back and finds what it left; nothing but it has touched that.
        bench.run::<2>();
        assert_eq!(bench.settled(2).await, bench.expected(2).await);
    }
}
