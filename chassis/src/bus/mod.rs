//! The bus: a log of records for each topic, on the broker that an installation has.
//!
//! A topic is an ordered log in one or more partitions; a record has a key, and records of one key are in one partition.
//! Whoever publishes learns for each record whether the broker keeps it. Whoever reads begins after the positions that
//! it names and remembers them itself, in the database in which the effect of the records is kept: so the bus knows no
//! acknowledgements, and a record is not lost between the two.
//!
//! | engine | what it is | a topic | a position |
//! | --- | --- | --- | --- |
//! | embedded | an SQLite file in the data folder | rows with its name | the row's number; partition 0 |
//! | NATS | a JetStream stream in file storage | the stream `<prefix>-<topic>` | the stream's sequence; partition 0 |
//! | Kafka | a topic, written by an idempotent producer with acks=all | `<prefix>-<topic>` | the offset in each partition |
//!
//! What must hold, on each of them:
//! - A record is confirmed when it is as durable as the engine makes it ([`Bus::durability`]), and not before.
//! - In the log, no record overtakes an earlier one of its key from the same call of [`Bus::publish`], also when some of
//!   them fail: what comes after a failed one is held back. Calls one after another keep their order as well.
//! - A broker that is away is an error of the call within the configured time, never a hang. Nothing is kept in memory
//!   for it: the outbox keeps it.
//! - A reader never passes over a record, except one that was removed because of its age; that is logged and counted.
//!
//! What it does not do: it does not promise that a record is there once. A publish whose confirmation was lost is
//! repeated, so the reader (the inbox) recognises doubles by the record's id.

mod config;
mod embedded;
mod error;
#[cfg(feature = "kafka")]
mod kafka;
mod nats;
mod reader;
mod record;

pub use config::BusConfig;
pub use error::BusError;
pub use reader::Reader;
pub use record::{Delivered, Position, Record};

use crate::clock::Clock;
use crate::db::Synchronous;
use crate::stop::Stop;
use anyhow::anyhow;
use embedded::Embedded;
use metrics::{counter, histogram};
use nats::Nats;
use reader::Log;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Which engine the bus runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusEngine {
    /// An SQLite file in the data folder.
    Embedded,
    /// NATS JetStream.
    Nats,
    /// Kafka.
    Kafka,
}

impl BusEngine {
    /// Its name in metrics and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Nats => "nats",
            Self::Kafka => "kafka",
        }
    }
}

/// What is known about how a confirmed record is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusDurability {
    /// In a file of this machine.
    Embedded {
        /// What a confirmed record survives.
        synchronous: Synchronous,
    },
    /// In JetStream, in file storage. A server confirms before it has synchronised its file (`sync_interval`, two minutes
    /// unless its configuration says otherwise), and does not tell its clients: what survives a power cut is what is on
    /// another server as well.
    Nats {
        /// On how many servers each record is kept: the fewest of all topics, or what new ones get when there are none.
        replicas: u32,
    },
    /// In Kafka, where a publish is confirmed when all replicas in sync have it (acks=all).
    Kafka {
        /// On how many servers each record is kept: the fewest of all topics, or what new ones get when there are none.
        replicas: u32,
        /// How many of them must have a record before it is confirmed (`min.insync.replicas`), the fewest of all
        /// topics; `None` when the broker does not say.
        min_insync: Option<u32>,
    },
}

/// The bus of a process. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    place: String,
    max_record_bytes: usize,
}

#[derive(Debug)]
enum Engine {
    Embedded(Box<Embedded>),
    Nats(Box<Nats>),
    #[cfg(feature = "kafka")]
    Kafka(Box<kafka::Kafka>),
}

impl Bus {
    /// Opens the bus that the settings name. A broker need not be there yet.
    ///
    /// `synchronous` says how the embedded log is kept; brokers decide for themselves.
    ///
    /// # Errors
    /// When the URL cannot be used, or the file cannot be opened.
    pub async fn open(
        config: &BusConfig,
        data_dir: &Path,
        synchronous: Synchronous,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let (engine, place) = match (config.engine(), &config.url) {
            (Ok(BusEngine::Embedded), _) => {
                let log = Embedded::open(config, data_dir, synchronous, clock).await?;
                let place = log.describe();
                (Engine::Embedded(Box::new(log)), place)
            }
            (Ok(BusEngine::Nats), Some(url)) => {
                let log = Nats::open(config, url).await?;
                let place = log.describe();
                (Engine::Nats(Box::new(log)), place)
            }
            #[cfg(feature = "kafka")]
            (Ok(BusEngine::Kafka), Some(url)) => {
                let log = kafka::Kafka::open(config, url)?;
                let place = log.describe();
                (Engine::Kafka(Box::new(log)), place)
            }
            (Ok(_), _) => return Err(anyhow!("bus.url cannot be used")),
            (Err(reason), _) => return Err(anyhow!("bus.url {reason}")),
        };
        Ok(Self(Arc::new(Inner { engine, place, max_record_bytes: config.max_record_bytes })))
    }

    /// Publishes records in this order, and says of each whether the broker confirmed it.
    ///
    /// After a record that was not confirmed, the later ones of its topic and key are not confirmed either, and the log
    /// never holds one of them without it. The whole may be published again with the same ids. A caller that goes away
    /// while it waits has learnt nothing: some of the records may be in the log.
    pub async fn publish(&self, records: &[Record]) -> Vec<Result<(), BusError>> {
        let began = Instant::now();
        let mut outcomes = record::inspect(records, self.0.max_record_bytes);
        let fit = |(index, outcome): (usize, &Result<(), BusError>)| outcome.is_ok().then_some(index);
        let fit: Vec<usize> = outcomes.iter().enumerate().filter_map(fit).collect();
        if !fit.is_empty() {
            let chosen: Vec<&Record> = fit.iter().filter_map(|index| records.get(*index)).collect();
            let confirmed = match &self.0.engine {
                Engine::Embedded(log) => log.publish(&chosen).await,
                Engine::Nats(log) => log.publish(&chosen).await,
                #[cfg(feature = "kafka")]
                Engine::Kafka(log) => log.publish(&chosen).await,
            };
            for (index, outcome) in fit.into_iter().zip(confirmed) {
                outcomes[index] = outcome;
            }
        }
        self.count(records, &outcomes, began);
        outcomes
    }

    /// Reads `topic` from after these positions on; a partition that is not named from its oldest record.
    ///
    /// `group` names who reads, for the broker's own displays; the positions are the caller's.
    ///
    /// # Errors
    /// When the broker is away, or the topic cannot be had.
    pub async fn reader(&self, topic: &str, group: &str, after: &[Position]) -> Result<Reader, BusError> {
        record::check_topic(topic)?;
        record::check_topic(group)?;
        let log = match &self.0.engine {
            Engine::Embedded(log) => Log::Embedded(log.reader(topic, after).await?),
            Engine::Nats(log) => Log::Nats(Box::new(log.reader(topic, group, after).await?)),
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => Log::Kafka(Box::new(log.reader(topic, group, after).await?)),
        };
        Ok(Reader::new(log, self.engine(), topic))
    }

    /// Does what the engine needs done from time to time, until the stop: the embedded log removes old records.
    ///
    /// # Errors
    /// None at present; what fails is logged and tried again.
    pub async fn maintain(self, stop: Stop) -> anyhow::Result<()> {
        match &self.0.engine {
            Engine::Embedded(log) => log.maintain(&stop).await,
            Engine::Nats(_) => stop.stopping().await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(_) => stop.stopping().await,
        }
        Ok(())
    }

    /// How a confirmed record is kept.
    ///
    /// # Errors
    /// When the broker is away.
    pub async fn durability(&self) -> Result<BusDurability, BusError> {
        match &self.0.engine {
            Engine::Embedded(log) => Ok(log.durability()),
            Engine::Nats(log) => log.durability().await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.durability().await,
        }
    }

    /// Asks the broker for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), BusError> {
        match &self.0.engine {
            Engine::Embedded(log) => log.ping().await,
            Engine::Nats(log) => log.ping().await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.ping().await,
        }
    }

    /// Where it is, for people, without credentials: `SQLite data/bus.db`, `NATS broker.internal:4222`.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.0.place
    }

    /// The engine behind it.
    #[must_use]
    pub fn engine(&self) -> BusEngine {
        match &self.0.engine {
            Engine::Embedded(_) => BusEngine::Embedded,
            Engine::Nats(_) => BusEngine::Nats,
            #[cfg(feature = "kafka")]
            Engine::Kafka(_) => BusEngine::Kafka,
        }
    }

    /// Closes the connection. What begins afterwards fails.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Embedded(log) => log.close().await,
            Engine::Nats(log) => log.close().await,
            #[cfg(feature = "kafka")]
            Engine::Kafka(log) => log.close().await,
        }
    }

    fn count(&self, records: &[Record], outcomes: &[Result<(), BusError>], began: Instant) {
        let engine = self.engine().as_str();
        histogram!("bus_publish_seconds", "engine" => engine).record(began.elapsed());
        for (record, outcome) in records.iter().zip(outcomes) {
            let topic = record.topic.to_string();
            match outcome {
                Ok(()) => counter!("bus_published_total", "engine" => engine, "topic" => topic).increment(1),
                Err(error) => {
                    let reason = error.reason();
                    counter!("bus_publish_failures_total", "engine" => engine, "reason" => reason)
                        .increment(1);
                }
            }
        }
    }
}
