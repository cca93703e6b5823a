//! The bus: the same questions on every engine, and the same answers.

mod embedded;
mod faults;
#[cfg(feature = "kafka")]
mod kafka;
mod log;
mod nats;
mod publishers;
mod records;

use crate::engines::Folder;
use bytes::Bytes;
use chassis::bus::{Bus, BusConfig, Delivered, Position, Reader, Record};
use chassis::clock::Clock;
use chassis::db::Synchronous;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// How long anything may take that is expected to come.
const LIMIT: Duration = Duration::from_secs(20);

/// Where a test's bus is, and how to open it.
pub(crate) struct Place {
    pub(crate) config: BusConfig,
    pub(crate) folder: Folder,
    pub(crate) clock: Clock,
    #[cfg(feature = "kafka")]
    mock: Option<kafka::Mock>,
}

impl Place {
    fn with(config: BusConfig) -> Self {
        let prefix = format!("t{}", Uuid::new_v4().simple());
        let config = BusConfig { prefix, publish_timeout_ms: 3_000, request_timeout_ms: 3_000, ..config };
        Self {
            config,
            folder: Folder::new(),
            clock: Clock::system(),
            #[cfg(feature = "kafka")]
            mock: None,
        }
    }

    pub(crate) fn embedded() -> Self {
        Self::with(BusConfig::default())
    }

    /// On the server that tests share.
    pub(crate) fn nats() -> Option<Self> {
        let url = testkit::engines::nats_url()?;
        Some(Self::with(BusConfig { url: Some(url.into()), ..BusConfig::default() }))
    }

    /// On a mock of a Kafka cluster in this process.
    #[cfg(feature = "kafka")]
    pub(crate) fn kafka() -> Option<Self> {
        let mock = kafka::Mock::new(3).unwrap();
        let url = format!("kafka://{}", mock.bootstrap_servers());
        let place = Self::with(BusConfig { url: Some(url.into()), ..BusConfig::default() });
        // Nobody can make a topic through the mock's protocol; what is asked for appears after a while, with few partitions.
        for topic in ["order", "entry"] {
            mock.create_topic(&format!("{}-{topic}", place.config.prefix), 12, 3).unwrap();
        }
        Some(Self { mock: Some(mock), ..place })
    }

    #[cfg(not(feature = "kafka"))]
    pub(crate) fn kafka() -> Option<Self> {
        assert!(!testkit::engines::is_ci(), "CI=true but the tests were built without the feature `kafka`");
        eprintln!("skipped on Kafka: built without the feature `kafka` (`cargo xtask test` builds with it)");
        None
    }

    pub(crate) async fn open(&self) -> Bus {
        Bus::open(&self.config, &self.folder, Synchronous::Normal, self.clock.clone()).await.unwrap()
    }
}

/// A record of topic `order` whose body is a number.
pub(crate) fn record(key: &str, number: usize) -> Record {
    let body = Bytes::from(number.to_string());
    Record { topic: "order".into(), key: key.into(), id: Uuid::new_v4(), body }
}

/// Publishes, and insists that all of it is confirmed.
pub(crate) async fn publish(bus: &Bus, records: &[Record]) {
    for outcome in bus.publish(records).await {
        outcome.unwrap();
    }
}

/// Reads until `count` records are there.
pub(crate) async fn take(reader: &mut Reader, count: usize) -> Vec<Delivered> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let batch = tokio::time::timeout(LIMIT, reader.next(100)).await;
        taken.extend(batch.unwrap_or_else(|_| panic!("{} of {count} records came", taken.len())).unwrap());
    }
    taken
}

/// How far this was read, for a later reader.
pub(crate) fn positions(delivered: &[Delivered]) -> Vec<Position> {
    let mut last = HashMap::new();
    for one in delivered {
        last.insert(one.partition, one.position);
    }
    last.into_iter().map(|(partition, position)| Position { partition, position }).collect()
}

/// The numbers in the bodies, by key, in the order of reading.
pub(crate) fn numbers(delivered: &[Delivered]) -> HashMap<&str, Vec<usize>> {
    let mut numbers: HashMap<&str, Vec<usize>> = HashMap::new();
    for one in delivered {
        let number = std::str::from_utf8(&one.record.body).unwrap().parse().unwrap();
        numbers.entry(&one.record.key).or_default().push(number);
    }
    numbers
}

/// Makes a test of each function for each engine.
macro_rules! on_every_bus {
    ($(async fn $name:ident($place:ident: Place) $body:block)*) => {$(
        async fn $name($place: crate::bus::Place) $body

        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_embedded() {
                super::$name(crate::bus::Place::embedded()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_nats() {
                if let Some(place) = crate::bus::Place::nats() {
                    super::$name(place).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_kafka() {
                if let Some(place) = crate::bus::Place::kafka() {
                    super::$name(place).await;
                }
            }
        }
    )*};
}

pub(crate) use on_every_bus;
