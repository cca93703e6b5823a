//! Many who ask for the same at the same time.

use super::*;

#[tokio::test]
async fn of_many_who_ask_at_once_one_asks_the_origin() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    origin.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let (house, origin) = (house.clone(), origin.clone());
        asking.spawn(async move { house.get(&origin, &[]).await });
    }
    eventually(async || origin.asked() == 1).await;
    origin.gate.add_permits(100);
    let got = asking.join_all().await;
    assert_eq!(origin.asked(), 1);
    let collapsed = got.iter().filter(|got| got.told() == "fwd=miss; collapsed").count();
    assert_eq!((got.len(), collapsed), (20, 19));
}

#[tokio::test]
async fn when_the_one_who_asks_goes_away_another_asks() {
    let house = House::of(r#"{"ttl_secs": 60}"#);
    let origin = Origin::new([says(200, &[], "one")]);
    origin.gate.forget_permits(Semaphore::MAX_PERMITS);
    let ask = || {
        let (house, origin) = (house.clone(), origin.clone());
        async move { house.get(&origin, &[]).await }
    };
    let (mut first, mut others) = (JoinSet::new(), JoinSet::new());
    first.spawn(ask());
    eventually(async || origin.asked() == 1).await;
    (0..3).for_each(|_| drop(others.spawn(ask())));
    first.shutdown().await;
    eventually(async || origin.asked() == 2).await;
    origin.gate.add_permits(10);
    assert!(others.join_all().await.iter().all(|got| got.body == "one"));
    assert_eq!(origin.asked(), 2);
}

#[tokio::test]
async fn those_who_wait_for_what_cannot_be_shared_ask_for_themselves_at_once() {
    let house = House::of("{}");
    let origin = Origin::new([control("private")]);
    origin.gate.forget_permits(Semaphore::MAX_PERMITS);
    let mut asking = JoinSet::new();
    for _ in 0..5 {
        let (house, origin) = (house.clone(), origin.clone());
        asking.spawn(async move { house.get(&origin, &[]).await });
    }
    eventually(async || origin.asked() == 1).await;
    origin.gate.add_permits(1);
    eventually(async || origin.asked() == 5).await;
    origin.gate.add_permits(10);
    assert_eq!(asking.join_all().await.len(), 5);
}
