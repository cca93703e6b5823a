use super::*;
use crate::engines::{Place, on_both_engines};
use std::sync::Arc;
use testkit::eventually;
use tokio::task::JoinSet;

/// The positions that a new reader finds.
async fn positions(store: &EventStore, after: i64) -> Vec<i64> {
    let batch = store.tail().next(after, 1_000).await.unwrap();
    batch.events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_passed_over() {
    let Some(place) = Place::postgres() else { return };
    place.run(late_commits).await;
}

async fn late_commits(place: Arc<Place>) {
    let db = place.migrated().await;
    let store = store(&db, Clock::manual(start()));
    commit_credit(&db, &store, Uuid::new_v4(), 1).await;
    let mut late = db.begin().await.unwrap();
    credit(&store, &mut late, Uuid::new_v4(), Expected::NoStream, 1).await.unwrap();
    commit_credit(&db, &store, Uuid::new_v4(), 1).await;
    let mut reader = store.tail();
    for _ in 0..5 {
        let batch = reader.next(0, 1_000).await.unwrap();
        assert_eq!(
            batch.events.iter().map(|event| event.position).collect::<Vec<_>>(),
            [1],
            "2 is still to come"
        );
        assert!(!batch.is_last);
        assert!(reader.next(1, 1_000).await.unwrap().events.is_empty());
    }
    // A transaction that begins later does not make the wait longer or shorter.
    let mut later = db.begin().await.unwrap();
    credit(&store, &mut later, Uuid::new_v4(), Expected::NoStream, 1).await.unwrap();
    assert!(reader.next(1, 1_000).await.unwrap().events.is_empty());
    late.commit().await.unwrap();
    let batch = reader.next(1, 1_000).await.unwrap();
    assert_eq!(batch.events.iter().map(|event| event.position).collect::<Vec<_>>(), [2, 3]);
    later.commit().await.unwrap();
    assert_eq!(positions(&store, 0).await, [1, 2, 3, 4]);
}

on_both_engines! {
    async fn an_append_that_was_rolled_back_does_not_hold_up_a_reader(place: Arc<Place>) {
        let db = place.migrated().await;
        let store = store(&db, Clock::manual(start()));
        for _ in 0..3 {
            let mut t = db.begin().await.unwrap();
            credit(&store, &mut t, Uuid::new_v4(), Expected::NoStream, 1).await.unwrap();
            t.rollback().await.unwrap();
            commit_credit(&db, &store, Uuid::new_v4(), 1).await;
        }
        let mut reader = store.tail();
        let mut found: Vec<i64> = Vec::new();
        // Other tests have transactions on the same server, whose end a gap waits for.
        while found.len() < 3 {
            let after = found.last().copied().unwrap_or_default();
            let batch = reader.next(after, 2).await.unwrap();
            found.extend(batch.events.iter().map(|event| event.position));
            tokio::task::yield_now().await;
        }
        assert!(found.is_sorted() && found.len() == 3, "{found:?}");
    }

    async fn a_reader_among_writers_sees_each_event_once_and_in_the_order_of_its_stream(place: Arc<Place>) {
        let db = place.migrated().await;
        let store = store(&db, Clock::manual(start()));
        let accounts: Vec<_> = (0..3).map(|_| Uuid::new_v4()).collect();
        let mut writers = JoinSet::new();
        for writer in 0..6_i64 {
            let (db, store, accounts) = (db.clone(), store.clone(), accounts.clone());
            writers.spawn(async move {
                for n in 0..20_i64 {
                    let mut t = db.begin().await.unwrap();
                    // Always in the same order of the streams, so that no two wait for each other.
                    let (one, other) = ((writer + n) % 3, 2);
                    credit(&store, &mut t, accounts[usize::try_from(one.min(other)).unwrap()], Expected::Any, n).await.unwrap();
                    tokio::task::yield_now().await;
                    if one < other && n % 3 == 0 {
                        credit(&store, &mut t, accounts[2], Expected::Any, n).await.unwrap();
                    }
                    match n % 4 {
                        0 => t.rollback().await.unwrap(),
                        _ => t.commit().await.unwrap(),
                    }
                }
            });
        }
        let mut reader = store.tail();
        let mut found = Vec::new();
        loop {
            let written = writers.is_empty() || writers.try_join_next().is_some_and(|ended| { ended.unwrap(); writers.is_empty() });
            let after = found.last().map_or(0, |event: &chassis::event_store::Recorded| event.position);
            let batch = reader.next(after, 7).await.unwrap();
            let is_end = written && batch.is_last;
            found.extend(batch.events);
            if is_end {
                break;
            }
            tokio::task::yield_now().await;
        }
        let all = eventually(|| async {
            let batch = store.tail().next(0, 1_000).await.unwrap();
            if batch.is_last { Ok(batch.events) } else { Err("a gap") }
        })
        .await;
        assert!(all.len() > 90, "{}", all.len());
        assert_eq!(found, all);
        for account in accounts {
            let versions: Vec<_> =
                found.iter().filter(|event| event.stream == stream(account)).map(|event| event.version).collect();
            assert!(versions.iter().copied().eq(1..=i64::try_from(versions.len()).unwrap()), "{versions:?}");
        }
    }
}
