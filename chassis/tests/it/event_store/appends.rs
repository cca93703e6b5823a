use super::*;
use crate::engines::on_both_engines;
use std::time::Duration;
use tokio::task::JoinSet;

/// Eight at once expect the same version. Returns how many of them appended; the others' transactions go on and commit.
async fn race(db: &Db, expected: Expected, account: Uuid) -> usize {
    let store = store(db, Clock::manual(start()));
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(8));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (db, store, barrier) = (db.clone(), store.clone(), barrier.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            let mut t = db.begin().await.unwrap();
            let outcome = credit(&store, &mut t, account, expected, 1).await;
            credit(&store, &mut t, Uuid::new_v4(), Expected::NoStream, 1).await.unwrap();
            t.commit().await.unwrap();
            match outcome {
                Ok(_) => true,
                Err(AppendError::Conflict { actual, .. }) if actual > 0 => false,
                Err(error) => panic!("{error}"),
            }
        });
    }
    tasks.join_all().await.into_iter().filter(|won| *won).count()
}

on_both_engines! {
    async fn of_many_with_one_expected_version_exactly_one_wins(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        for round in 0..5 {
            let expected = if round == 0 { Expected::NoStream } else { Expected::Version(round) };
            assert_eq!(race(&db, expected, account).await, 1, "round {round}");
            let recorded = store.read(&stream(account), 0, 100).await.unwrap();
            let versions: Vec<_> = recorded.iter().map(|event| event.version).collect();
            assert_eq!(versions, (1..=round + 1).collect::<Vec<_>>());
        }
        // The losers' transactions took effect.
        assert_eq!(store.tail().next(0, 1_000).await.unwrap().events.len(), 5 + 40);
    }

    async fn a_conflict_says_where_the_stream_is_and_appends_nothing(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        let mut t = db.begin().await.unwrap();
        for (expected, found) in [(Expected::Version(3), 0), (Expected::Version(-1), 0)] {
            let error = credit(&store, &mut t, account, expected, 1).await.unwrap_err();
            assert!(matches!(error, AppendError::Conflict { actual, .. } if actual == found), "{error}");
        }
        assert_eq!(credit(&store, &mut t, account, Expected::Version(0), 1).await.unwrap(), 1);
        let error = credit(&store, &mut t, account, Expected::NoStream, 1).await.unwrap_err();
        let text = format!("account-{account} is at version 1, which is not what was expected (NoStream)");
        assert_eq!(error.to_string(), text);
        assert!(matches!(store.append::<AccountEvent>(&mut t, &stream(account), Expected::Any, &[]).await, Err(AppendError::Nothing)));
        t.commit().await.unwrap();
        assert_eq!(store.read(&stream(account), 0, 10).await.unwrap().len(), 1);
    }

    async fn what_is_rolled_back_was_never_there(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        let mut t = db.begin().await.unwrap();
        credit(&store, &mut t, account, Expected::NoStream, 1).await.unwrap();
        t.rollback().await.unwrap();
        assert!(store.read(&stream(account), 0, 10).await.unwrap().is_empty());
        let mut t = db.begin().await.unwrap();
        assert_eq!(credit(&store, &mut t, account, Expected::NoStream, 1).await.unwrap(), 1);
    }

    async fn events_come_back_as_they_were_appended(place: Arc<Place>) {
        let db = place.migrated().await;
        let (store, account) = (store(&db, Clock::manual(start())), Uuid::new_v4());
        let name = "Ada \u{0} \"\\u0000\" \u{1f980} é".to_owned();
        let events = [credited(account, i64::MIN), AccountEvent::Renamed(Renamed { account, name: name.clone() }), credited(account, 7)];
        let mut t = db.begin().await.unwrap();
        assert_eq!(store.append(&mut t, &stream(account), Expected::NoStream, &events).await.unwrap(), 3);
        t.commit().await.unwrap();
        let recorded = store.read(&stream(account), 0, 10).await.unwrap();
        assert_eq!(recorded.iter().map(|event| event.version).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(recorded[1].read::<Renamed>().unwrap(), Some(Renamed { account, name }));
        assert_eq!(recorded[1].read::<Credited>().unwrap(), None);
        assert_eq!((recorded[0].kind.as_str(), recorded[0].kind_version, recorded[0].at), ("account.credited", 2, start()));
        assert_eq!(recorded[0].read::<Credited>().unwrap().unwrap().cents, i64::MIN);
        assert_eq!(store.read(&stream(account), 1, 1).await.unwrap()[0].version, 2);
    }

    async fn the_times_of_a_stream_do_not_run_backwards(place: Arc<Place>) {
        let db = place.migrated().await;
        let account = Uuid::new_v4();
        let ahead = store(&db, Clock::manual(start() + Duration::from_secs(60)));
        let behind = store(&db, Clock::manual(start()));
        commit_credit(&db, &ahead, account, 1).await;
        commit_credit(&db, &behind, account, 1).await;
        let mut t = db.begin().await.unwrap();
        credit(&behind, &mut t, account, Expected::Version(2), 1).await.unwrap();
        t.commit().await.unwrap();
        let times: Vec<_> = behind.read(&stream(account), 0, 10).await.unwrap().iter().map(|event| event.at).collect();
        assert_eq!(times, [start() + Duration::from_secs(60); 3]);
    }
}
