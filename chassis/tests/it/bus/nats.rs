//! What only a server of one's own shows: it goes away, comes back, and forgets.

use crate::bus::publishers::{OF_A_KEY, Publishers, RECORDS};
use crate::bus::{LIMIT, Place, numbers, positions, publish, record, take};
use chassis::bus::{Bus, BusConfig, BusDurability, BusError, Position};
use std::time::{Duration, Instant};
use testkit::servers::Nats;
use testkit::{engines, eventually, eventually_within};

/// A server of this test, and the bus on it; nothing where no server is installed.
fn private() -> Option<(Nats, Place)> {
    if Nats::installed().is_none() {
        assert!(!engines::is_ci(), "CI=true but there is no nats-server");
        eprintln!("skipped: nats-server is not installed");
        return None;
    }
    let server = Nats::start().unwrap();
    let url = Some(server.url().into());
    let mut place = Place::with(BusConfig { url, ..BusConfig::default() });
    place.config.publish_timeout_ms = 1_000;
    place.config.request_timeout_ms = 1_000;
    Some((server, place))
}

/// A client that is not the bus.
async fn stranger(place: &Place) -> async_nats::jetstream::Context {
    let url = secrecy::ExposeSecret::expose_secret(place.config.url.as_ref().unwrap()).to_owned();
    async_nats::jetstream::new(async_nats::connect(url).await.unwrap())
}

async fn fails_in_time(bus: &Bus) {
    let began = Instant::now();
    let outcomes = bus.publish(&[record("k", 100), record("k", 101), record("other", 100)]).await;
    assert!(
        outcomes.iter().all(|outcome| outcome.as_ref().is_err_and(BusError::is_temporary)),
        "{outcomes:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_away_calls_fail_in_time_and_afterwards_they_succeed() {
    let Some((mut server, place)) = private() else { return };
    let bus = place.open().await;
    publish(&bus, &(0..10).map(|n| record("k", n)).collect::<Vec<_>>()).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let before = take(&mut reader, 10).await;
    server.kill().unwrap();
    for _ in 0..3 {
        fails_in_time(&bus).await;
    }
    let began = Instant::now();
    assert!(bus.ping().await.is_err());
    assert!(bus.reader("order", "readers", &[]).await.is_err());
    assert!(bus.durability().await.is_err());
    assert!(tokio::time::timeout(LIMIT, reader.next(10)).await.unwrap().is_err());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    server.restart().unwrap();
    eventually(async || bus.publish(&[record("new", 0)]).await.remove(0)).await;
    bus.ping().await.unwrap();
    let mut reader = bus.reader("order", "readers", &positions(&before)).await.unwrap();
    while !take(&mut reader, 1).await.iter().any(|one| &*one.record.key == "new") {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_under_load_loses_nothing_that_was_confirmed() {
    let Some((mut server, place)) = private() else { return };
    let bus = place.open().await;
    publish(&bus, &[record("first", 0)]).await;
    let mut publishers = Publishers::start(&bus);
    for confirmed in [RECORDS / 8, RECORDS / 4, RECORDS / 2] {
        publishers.have_confirmed(confirmed).await;
        server.kill().unwrap();
        server.restart().unwrap();
    }
    publishers.end().await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let read = take(&mut reader, RECORDS + 1).await;
    let numbers = numbers(&read);
    assert_eq!(numbers.len(), 9);
    for (key, numbers) in numbers {
        let wanted = if key == "first" { 1 } else { OF_A_KEY };
        assert_eq!(numbers, (0..wanted).collect::<Vec<_>>(), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_opens_before_its_server_is_up() {
    let Some((mut server, place)) = private() else { return };
    server.stop().unwrap();
    let bus = place.open().await;
    fails_in_time(&bus).await;
    server.restart().unwrap();
    let published = async || bus.publish(&[record("k", 0)]).await.remove(0);
    eventually_within(Duration::from_secs(10), published).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_somebody_removed_is_made_again_and_read_from_its_beginning() {
    let Some((_server, place)) = private() else { return };
    let bus = place.open().await;
    publish(&bus, &(0..10).map(|n| record("k", n)).collect::<Vec<_>>()).await;
    stranger(&place).await.delete_stream(format!("{}-order", place.config.prefix)).await.unwrap();
    eventually(async || bus.publish(&[record("k", 10)]).await.remove(0)).await;
    let after = Position { partition: 0, position: 10 };
    let mut reader = bus.reader("order", "readers", &[after]).await.unwrap();
    assert_eq!(numbers(&take(&mut reader, 1).await)["k"], [10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_goes_on_behind_records_that_were_removed() {
    let Some((_server, place)) = private() else { return };
    let bus = place.open().await;
    publish(&bus, &(0..10).map(|n| record("k", n)).collect::<Vec<_>>()).await;
    let stranger = stranger(&place).await;
    let stream = stranger.get_stream(format!("{}-order", place.config.prefix)).await.unwrap();
    let mut reading = bus.reader("order", "readers", &[]).await.unwrap();
    assert_eq!(numbers(&take(&mut reading, 10).await)["k"].len(), 10);
    stream.purge().sequence(8).await.unwrap();
    let after = Position { partition: 0, position: 2 };
    let mut reader = bus.reader("order", "readers", &[after]).await.unwrap();
    assert_eq!(numbers(&take(&mut reader, 3).await)["k"], [7, 8, 9]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_somebody_else_is_passed_over() {
    let Some((_server, place)) = private() else { return };
    let bus = place.open().await;
    publish(&bus, &[record("k", 0)]).await;
    let subject = format!("{}.order", place.config.prefix);
    stranger(&place).await.publish(subject, "hello".into()).await.unwrap().await.unwrap();
    publish(&bus, &[record("k", 1)]).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let read = take(&mut reader, 2).await;
    assert_eq!((&*numbers(&read)["k"], read[1].position), (&[0, 1][..], 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_kept_in_a_file_for_as_long_as_the_settings_say() {
    let Some((_server, mut place)) = private() else { return };
    for keep_days in [7, 3] {
        place.config.keep_days = keep_days;
        let bus = place.open().await;
        publish(&bus, &[record("k", 0)]).await;
        let stream =
            stranger(&place).await.get_stream(format!("{}-order", place.config.prefix)).await.unwrap();
        let config = stream.cached_info().config.clone();
        assert_eq!(config.storage, async_nats::jetstream::stream::StorageType::File);
        assert_eq!(config.max_age, Duration::from_secs(u64::from(keep_days) * 86_400));
        assert_eq!(bus.durability().await, Ok(BusDurability::Nats { replicas: 1 }));
    }
}
