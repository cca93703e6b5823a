//! What only the embedded log does: several processes at one file, and removing old records by itself.

use crate::bus::{Place, numbers, publish, record, take};
use chassis::bus::{Bus, BusConfig, BusDurability, Position};
use chassis::clock::{Clock, Ts};
use chassis::db::{DatabaseConfig, Db, Synchronous};
use chassis::{q, stop};
use std::time::{Duration, Instant};
use testkit::eventually;
use tokio::task::JoinSet;

const DAY: Duration = Duration::from_secs(86_400);

/// The file under the log, opened by somebody else.
async fn file(place: &Place) -> Db {
    Db::open(&DatabaseConfig::default(), "bus", &place.folder).await.unwrap()
}

#[tokio::test]
async fn a_reader_sees_what_another_process_publishes() {
    let place = Place::embedded();
    let (here, there) = (place.open().await, place.open().await);
    let mut reader = here.reader("order", "readers", &[]).await.unwrap();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { take(&mut reader, 1).await });
    publish(&there, &[record("k", 1)]).await;
    assert_eq!(numbers(&waiting.join_next().await.unwrap().unwrap())["k"], [1]);
}

#[tokio::test]
async fn a_reader_of_the_same_process_is_woken_at_once() {
    let mut place = Place::embedded();
    place.config.poll_ms = 60_000;
    let bus = place.open().await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let mut waiting = JoinSet::new();
    waiting.spawn(async move { take(&mut reader, 3).await });
    for n in 0..3 {
        publish(&bus, &[record("k", n)]).await;
    }
    waiting.join_next().await.unwrap().unwrap();
}

#[tokio::test]
async fn while_another_holds_the_file_a_publish_fails_in_time_and_afterwards_succeeds() {
    let mut place = Place::embedded();
    place.config.publish_timeout_ms = 300;
    let bus = place.open().await;
    let held = file(&place).await.begin().await.unwrap();
    let began = Instant::now();
    let [outcome] = bus.publish(&[record("k", 1)]).await.try_into().unwrap();
    assert!(outcome.is_err_and(|error| error.is_temporary()));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    held.rollback().await.unwrap();
    eventually(async || bus.publish(&[record("k", 2)]).await.remove(0)).await;
}

#[tokio::test]
async fn old_records_are_removed_and_a_reader_that_missed_them_goes_on_behind_them() {
    let clock = Clock::manual(Ts::from_secs(1_000_000));
    let config = BusConfig { keep_days: 7, ..BusConfig::default() };
    let place = Place { clock: clock.clone(), ..Place::with(config) };
    let bus = place.open().await;
    publish(&bus, &(0..1_500).map(|n| record("old", n)).collect::<Vec<_>>()).await;
    clock.advance(8 * DAY);
    publish(&bus, &[record("new", 1)]).await;
    let (stopper, stop) = stop::channel();
    let mut maintaining = JoinSet::new();
    maintaining.spawn(bus.clone().maintain(stop));
    let db = file(&place).await;
    let rest = async || {
        let rest: i64 = q!(db.read, scalar, "SELECT count(*) FROM bus_record").unwrap();
        if rest == 1 { Ok(()) } else { Err(rest) }
    };
    eventually(rest).await;
    let removed_to: i64 = q!(db.read, scalar, "SELECT position FROM bus_removed").unwrap();
    assert_eq!(removed_to, 1_500);
    let after = Position { partition: 0, position: 10 };
    let mut reader = bus.reader("order", "readers", &[after]).await.unwrap();
    assert_eq!(numbers(&take(&mut reader, 1).await)["new"], [1]);
    stopper.stop();
    maintaining.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_position_is_never_given_twice() {
    let clock = Clock::manual(Ts::from_secs(1_000_000));
    let place = Place { clock: clock.clone(), ..Place::embedded() };
    let bus = place.open().await;
    publish(&bus, &[record("k", 0), record("k", 1)]).await;
    let db = file(&place).await;
    q!(db.write, execute, "DELETE FROM bus_record").unwrap();
    publish(&bus, &[record("k", 2)]).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    assert_eq!(take(&mut reader, 1).await[0].position, 3);
}

#[tokio::test]
async fn the_log_is_as_durable_as_the_database_beside_it() {
    let place = Place::embedded();
    let open = |synchronous| Bus::open(&place.config, &place.folder, synchronous, Clock::system());
    for synchronous in [Synchronous::Normal, Synchronous::Full] {
        let bus = open(synchronous).await.unwrap();
        assert_eq!(bus.durability().await, Ok(BusDurability::Embedded { synchronous }));
    }
}
