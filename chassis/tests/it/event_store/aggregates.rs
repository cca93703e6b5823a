use super::*;
use crate::engines::on_both_engines;
use chassis::event_store::{LoadError, Loaded};
use chassis::q;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::time::Duration;
use tokio::task::JoinSet;

/// The same account, whose snapshots have another shape: it is always made from its first event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Reshaped(Account);

impl Aggregate for Reshaped {
    type Event = AccountEvent;
    const NAME: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 2;
    const SNAPSHOT_EVERY: i64 = 1_000_000;

    fn apply(&mut self, event: AccountEvent) {
        self.0.apply(event);
    }
}

fn event(account: Uuid) -> impl Strategy<Value = AccountEvent> {
    prop_oneof![
        any::<i32>().prop_map(move |cents| credited(account, cents.into())),
        any::<String>().prop_map(move |name| AccountEvent::Renamed(Renamed { account, name })),
    ]
}

fn batches(account: Uuid) -> impl Strategy<Value = Vec<Vec<AccountEvent>>> {
    prop::collection::vec(prop::collection::vec(event(account), 1..7), 1..8)
}

fn folded(events: &[Vec<AccountEvent>]) -> Account {
    let mut account = Account::default();
    events.iter().flatten().for_each(|event| account.apply(event.clone()));
    account
}

async fn save(
    db: &Db,
    store: &EventStore,
    loaded: Loaded<Account>,
    events: Vec<AccountEvent>,
) -> Loaded<Account> {
    let mut t = db.begin().await.unwrap();
    let saved = store.save(&mut t, loaded, events).await.unwrap();
    t.commit().await.unwrap();
    saved
}

on_both_engines! {
    async fn who_holds_an_aggregate_decides_alone_and_sees_what_the_transaction_has_done(place: Arc<Place>) {
        let db = place.migrated().await;
        let (account, store) = (Uuid::new_v4(), store(&db, Clock::manual(start())));
        commit_credit(&db, &store, account, 1).await;
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let (db, store) = (db.clone(), store.clone());
            tasks.spawn(async move {
                let mut t = db.begin().await.unwrap();
                let held: Loaded<Account> = store.hold(&mut t, account).await.unwrap();
                let saved = store.save(&mut t, held, vec![credited(account, 1)]).await.unwrap();
                assert_eq!(store.hold::<Account>(&mut t, account).await.unwrap(), saved);
                t.commit().await.unwrap();
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
        let loaded: Loaded<Account> = store.load(account).await.unwrap();
        assert_eq!((loaded.version, loaded.state.cents), (21, 21));
    }

    async fn from_a_snapshot_and_what_follows_is_the_same_as_from_the_beginning(place: Arc<Place>) {
        let db = place.migrated().await;
        let mut runner = TestRunner::deterministic();
        for _ in 0..12 {
            let account = Uuid::new_v4();
            let batches = batches(account).new_tree(&mut runner).unwrap().current();
            let clock = Clock::manual(start());
            let store = store(&db, clock.clone());
            let mut times = Vec::new();
            for (done, batch) in batches.iter().enumerate() {
                let loaded = store.load(account).await.unwrap();
                assert_eq!(loaded.state, folded(&batches[..done]));
                clock.advance(Duration::from_secs(1));
                let saved = save(&db, &store, loaded, batch.clone()).await;
                assert_eq!(saved, store.load(account).await.unwrap());
                times.push(clock.now());
            }
            let whole: Loaded<Reshaped> = store.load(account).await.unwrap();
            assert_eq!(whole.state.0, folded(&batches));
            for (done, time) in times.iter().enumerate() {
                let then: Loaded<Account> = store.load_at(account, *time).await.unwrap();
                assert_eq!(then.state, folded(&batches[..=done]), "as it was");
                let before: Loaded<Account> = store.load_at(account, *time - Duration::from_micros(1)).await.unwrap();
                assert_eq!(before.state, folded(&batches[..done]), "just before");
                let then: Loaded<Reshaped> = store.load_at(account, *time).await.unwrap();
                assert_eq!(then.state.0, folded(&batches[..=done]), "without a snapshot");
            }
        }
        let kept: i64 = q!(db.read, scalar, "SELECT count(*) FROM event_snapshot").unwrap();
        assert!(kept > 5, "{kept} snapshots");
    }

    async fn a_snapshot_is_used_and_one_of_another_shape_is_not(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        let loaded = store.load(account).await.unwrap();
        save(&db, &store, loaded, (1..=6).map(|n| credited(account, n)).collect()).await;
        // Nobody does this; it shows where the state comes from.
        let state = serde_json::to_string(&Account { cents: 1_000, ..Account::default() }).unwrap();
        q!(db.write, execute, "UPDATE event_snapshot SET state = $1", &state).unwrap();
        assert_eq!(store.load::<Account>(account).await.unwrap().state.cents, 1_000);
        assert_eq!(store.load::<Reshaped>(account).await.unwrap().state.0.cents, 21);
        // What cannot be read is no snapshot either.
        q!(db.write, execute, "UPDATE event_snapshot SET state = '{'").unwrap();
        assert_eq!(store.load::<Account>(account).await.unwrap().state.cents, 21);
    }

    async fn an_aggregate_that_is_not_there_is_at_version_0(place: Arc<Place>) {
        let db = place.migrated().await;
        let loaded: Loaded<Account> = store(&db, Clock::manual(start())).load(Uuid::new_v4()).await.unwrap();
        assert_eq!((loaded.version, loaded.state), (0, Account::default()));
    }

    async fn of_two_who_decided_on_the_same_state_one_decides_again(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        let first = store.load(account).await.unwrap();
        let second: Loaded<Account> = store.load(account).await.unwrap();
        save(&db, &store, first, vec![credited(account, 1)]).await;
        let mut t = db.begin().await.unwrap();
        let error = store.save(&mut t, second, vec![credited(account, 2)]).await.unwrap_err();
        assert!(matches!(error, AppendError::Conflict { actual: 1, .. }), "{error}");
        t.rollback().await.unwrap();
        let again = store.load(account).await.unwrap();
        assert_eq!(save(&db, &store, again, vec![credited(account, 2)]).await.state.cents, 3);
    }

    async fn old_events_are_upcast_and_newer_ones_are_not_guessed_at(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        commit_credit(&db, &store, account, 1).await;
        let v1 = serde_json::to_string(&CreditedV1 { account, euros: 3 }).unwrap();
        q!(db.write, execute, "UPDATE event_store SET kind_version = 1, data = $1", &v1).unwrap();
        assert_eq!(store.load::<Account>(account).await.unwrap().state.cents, 300);
        q!(db.write, execute, "UPDATE event_store SET kind_version = 3").unwrap();
        let error = store.load::<Account>(account).await.unwrap_err();
        assert!(matches!(error, LoadError::Unreadable { version: 1, .. }), "{error}");
        q!(db.write, execute, "UPDATE event_store SET kind = 'account.closed'").unwrap();
        let error = store.load::<Account>(account).await.unwrap_err();
        assert!(matches!(&error, LoadError::Unknown { kind, .. } if kind == "account.closed"), "{error}");
    }
}
