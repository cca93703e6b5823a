//! What becomes of the bus when brokers of Kafka go away, come back, or refuse. The brokers are librdkafka's mock.

use crate::bus::publishers::{Publishers, RECORDS};
use crate::bus::{LIMIT, Place, numbers, positions, publish, record, take};
use chassis::bus::{Bus, BusDurability, BusError, Position, Record};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};
use testkit::{eventually, eventually_within};

pub(super) type Mock = MockCluster<'static, DefaultProducerContext>;

const BROKERS: [i32; 3] = [1, 2, 3];

fn place() -> Place {
    let mut place = Place::kafka().unwrap();
    place.config.publish_timeout_ms = 1_000;
    place.config.request_timeout_ms = 1_000;
    place
}

impl Place {
    fn mock(&self) -> &Mock {
        self.mock.as_ref().unwrap()
    }

    fn down(&self) {
        BROKERS.iter().for_each(|&broker| self.mock().broker_down(broker).unwrap());
    }

    fn up(&self) {
        BROKERS.iter().for_each(|&broker| self.mock().broker_up(broker).unwrap());
    }
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

/// The numbers by key without what came twice, in the order in which they came first.
fn first_seen(read: &[chassis::bus::Delivered]) -> HashMap<&str, Vec<usize>> {
    let mut seen = numbers(read);
    for numbers in seen.values_mut() {
        let mut before = HashSet::new();
        numbers.retain(|number| before.insert(*number));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_brokers_are_away_calls_fail_in_time_and_afterwards_they_succeed() {
    let place = place();
    let bus = place.open().await;
    publish(&bus, &(0..10).map(|n| record("k", n)).collect::<Vec<_>>()).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let before = take(&mut reader, 10).await;
    place.down();
    for _ in 0..3 {
        fails_in_time(&bus).await;
    }
    let began = Instant::now();
    assert!(bus.ping().await.is_err());
    assert!(bus.reader("order", "readers", &[]).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    place.up();
    eventually(async || bus.publish(&[record("new", 0)]).await.remove(0)).await;
    bus.ping().await.unwrap();
    let mut reader = bus.reader("order", "readers", &positions(&before)).await.unwrap();
    while !take(&mut reader, 1).await.iter().any(|one| &*one.record.key == "new") {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_go_away_under_load_lose_nothing_that_was_confirmed() {
    let place = place();
    let bus = place.open().await;
    publish(&bus, &[record("first", 0)]).await;
    let mut publishers = Publishers::start(&bus);
    // Once for a moment, and once for longer than a call waits.
    publishers.have_confirmed(RECORDS / 8).await;
    place.down();
    tokio::time::sleep(Duration::from_millis(200)).await;
    place.up();
    publishers.have_confirmed(RECORDS / 4).await;
    place.down();
    publishers.meet_a_refusal().await;
    place.up();
    publishers.end().await;
    publish(&bus, &[record("last", 0)]).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let mut read = take(&mut reader, RECORDS + 2).await;
    let complete = |read: &[_]| first_seen(read).values().map(Vec::len).sum::<usize>() == RECORDS + 2;
    while !complete(&read) {
        read.extend(take(&mut reader, 1).await);
    }
    for (key, numbers) in first_seen(&read) {
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_opens_before_its_brokers_are_up() {
    let place = place();
    place.down();
    let bus = place.open().await;
    fails_in_time(&bus).await;
    place.up();
    let published = async || bus.publish(&[record("k", 0)]).await.remove(0);
    eventually_within(Duration::from_secs(10), published).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_error_that_ends_the_producer_another_one_goes_on_in_order() {
    let place = place();
    let bus = place.open().await;
    publish(&bus, &[record("k", 0)]).await;
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_RECORD;
    place.mock().request_errors(RDKafkaApiKey::Produce, &[refusal]);
    let mut rest: Vec<Record> = (1..40).map(|n| record("k", n)).collect();
    let outcomes = bus.publish(&rest).await;
    let failed = outcomes.iter().position(Result::is_err).unwrap();
    assert!(outcomes[failed..].iter().all(Result::is_err), "{outcomes:?}");
    let mut outcomes = outcomes.into_iter();
    rest.retain(|_| outcomes.next().unwrap().is_err());
    publish(&bus, &rest).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let mut read = take(&mut reader, 40).await;
    while first_seen(&read)["k"].len() < 40 {
        read.extend(take(&mut reader, 1).await);
    }
    assert_eq!(first_seen(&read)["k"], (0..40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_of_another_log_are_not_waited_for() {
    let place = place();
    let bus = place.open().await;
    publish(&bus, &[record("k", 0)]).await;
    let after: Vec<Position> = (0..12).map(|partition| Position { partition, position: 1_000 }).collect();
    let mut reader = bus.reader("order", "readers", &after).await.unwrap();
    assert_eq!(numbers(&take(&mut reader, 1).await)["k"], [0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_somebody_else_is_passed_over() {
    let place = place();
    let bus = place.open().await;
    publish(&bus, &[record("k", 0)]).await;
    let servers = place.mock().bootstrap_servers();
    let stranger: FutureProducer = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
    let topic = format!("{}-order", place.config.prefix);
    stranger.send(FutureRecord::to(&topic).key("k").payload("hello"), LIMIT).await.unwrap();
    publish(&bus, &[record("k", 1)]).await;
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    assert_eq!(numbers(&take(&mut reader, 2).await)["k"], [0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_tells_how_many_copies_there_are_and_not_what_the_broker_does_not_say() {
    let place = place();
    let bus = place.open().await;
    publish(&bus, &[record("k", 0)]).await;
    // The mock knows replicas and no settings of topics.
    let durability = bus.durability().await;
    assert_eq!(durability, Ok(BusDurability::Kafka { replicas: 3, min_insync: None }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_the_empty_key_are_in_one_partition_too() {
    let place = place();
    let bus = place.open().await;
    for n in 0..20 {
        publish(&bus, &[record("", n)]).await;
    }
    let mut reader = bus.reader("order", "readers", &[]).await.unwrap();
    let read = take(&mut reader, 20).await;
    assert_eq!(read.iter().map(|one| one.partition).collect::<HashSet<_>>().len(), 1);
}
