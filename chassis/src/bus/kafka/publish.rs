//! Publishing to Kafka.
//!
//! An idempotent producer keeps the order of what it is given, also over its own retries, as long as no message of it is
//! given up alone: then what is behind could still go. So no message has a timeout shorter than the call's, any error
//! that would leave a gap stops the producer (`enable.gapless.guarantee`), and when a call has waited long enough, all
//! that is not sent is withdrawn at once and another producer takes over.

use super::{Kafka, Quiet, away, client};
use crate::bus::{BusError, Record};
use anyhow::Context as _;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer, PurgeConfig};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The header that holds a record's id.
pub(super) const ID: &str = "bowline-id";

/// What may not be changed by any setting: it is what the promises stand on.
const FIXED: [(&str, &str); 4] = [
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("enable.gapless.guarantee", "true"),
    // All records of a key, also of an empty one, in one partition.
    ("partitioner", "murmur2"),
];

pub(super) fn settings(servers: &str, max_message_bytes: usize, publish_timeout: Duration) -> ClientConfig {
    let mut config = client(servers);
    // Longer than any call waits, so that it is never a single message that is given up.
    let timeout_ms = (publish_timeout * 4).as_millis().to_string();
    config
        .set("message.timeout.ms", timeout_ms)
        .set("request.timeout.ms", publish_timeout.as_millis().to_string())
        .set("message.max.bytes", max_message_bytes.to_string())
        .set("linger.ms", "1");
    for (name, value) in FIXED {
        config.set(name, value);
    }
    config
}

/// The producer of the moment.
pub(super) struct Producers {
    settings: ClientConfig,
    current: Mutex<Option<(u64, FutureProducer<Quiet>)>>,
}

/// A producer and its number.
type Numbered = (u64, FutureProducer<Quiet>);

impl Producers {
    pub(super) fn new(settings: ClientConfig) -> anyhow::Result<Self> {
        let first = settings.create_with_context(Quiet).context("the client of Kafka cannot be made")?;
        Ok(Self { settings, current: Mutex::new(Some((0, first))) })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Numbered>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Result<Numbered, BusError> {
        self.lock().clone().ok_or_else(BusError::closed)
    }

    fn is_current(&self, number: u64) -> bool {
        self.lock().as_ref().is_some_and(|(current, _)| *current == number)
    }

    /// Withdraws everything that this producer has not sent, puts another one in its place where nobody has yet, and
    /// lets it go where that may take a while.
    async fn replace(&self, (number, old): Numbered) -> Result<(), BusError> {
        let replaced = {
            let mut current = self.lock();
            match &*current {
                Some((found, _)) if *found == number => {
                    let next = self.settings.create_with_context(Quiet).map_err(away)?;
                    current.replace((number + 1, next))
                }
                // Somebody else was first, or the bus is closed.
                _ => None,
            }
        };
        super::blocking(move || {
            old.purge(PurgeConfig::default().queue().inflight());
            drop((old, replaced));
            Ok(())
        })
        .await
    }

    pub(super) async fn close(&self) {
        let last = self.lock().take();
        let closed = super::blocking(move || {
            drop(last);
            Ok(())
        });
        if let Err(error) = closed.await {
            tracing::debug!(%error, "the client of Kafka was not closed in order");
        }
    }
}

impl Kafka {
    pub(in crate::bus) async fn publish(&self, records: &[&Record]) -> Vec<Result<(), BusError>> {
        let deadline = Instant::now() + self.publish_timeout;
        let mut outcomes = vec![Err(BusError::HeldBack); records.len()];
        let prepared = timeout_at(deadline, self.prepare(records)).await;
        let (number, producer) = match prepared.unwrap_or_else(|_| Err(BusError::no_answer())) {
            Ok(numbered) => numbered,
            Err(error) => {
                outcomes.fill(Err(error));
                return outcomes;
            }
        };
        let mut stopped = HashSet::new();
        let mut under_way = Vec::with_capacity(records.len());
        for (index, record) in records.iter().enumerate() {
            if stopped.contains(&record.lane()) {
                continue;
            }
            match producer.send_result(self.message(record).record()) {
                Ok(delivery) => under_way.push((index, delivery)),
                Err((error, _)) => {
                    outcomes[index] = Err(refusal(error));
                    stopped.insert(record.lane());
                }
            }
        }
        let mut lost = false;
        for (index, delivery) in under_way {
            outcomes[index] = match timeout_at(deadline, delivery).await {
                Ok(Ok(Ok(_))) => Ok(()),
                Ok(Ok(Err((error, _)))) => Err(away(error)),
                Ok(Err(_)) => Err(BusError::closed()),
                Err(_) => Err(BusError::no_answer()),
            };
            lost |= outcomes[index].is_err();
        }
        // A report may come between two looks: then one behind a record without a report would seem to stand alone.
        let mut stopped = HashSet::new();
        for (record, outcome) in records.iter().zip(&mut outcomes) {
            if outcome.is_ok() && stopped.contains(&record.lane()) {
                *outcome = Err(BusError::HeldBack);
            } else if outcome.is_err() {
                stopped.insert(record.lane());
            }
        }
        let spent = lost || producer.client().fatal_error().is_some() || !self.producers.is_current(number);
        if spent && let Err(error) = self.producers.replace((number, producer)).await {
            tracing::warn!(%error, "the client of Kafka could not be replaced");
        }
        outcomes
    }

    async fn prepare(&self, records: &[&Record]) -> Result<Numbered, BusError> {
        for record in records {
            self.topic(&record.topic).await?;
        }
        self.producers.get()
    }

    fn message<'a>(&self, record: &'a Record) -> Message<'a> {
        Message { topic: self.name(&record.topic), id: record.id.to_string(), record }
    }
}

/// A record in Kafka's terms.
struct Message<'a> {
    topic: String,
    id: String,
    record: &'a Record,
}

impl Message<'_> {
    fn record(&self) -> FutureRecord<'_, str, [u8]> {
        let id = Header { key: ID, value: Some(self.id.as_str()) };
        FutureRecord::to(&self.topic)
            .key(&*self.record.key)
            .payload(&self.record.body[..])
            .headers(OwnedHeaders::new_with_capacity(1).insert(id))
    }
}

/// Why the client did not take a record. Only its size is the record's own fault.
fn refusal(error: KafkaError) -> BusError {
    match error {
        KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge) => {
            BusError::Refused(format!("too large for Kafka: {error}"))
        }
        error => away(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_confirmed_by_all_replicas_and_keeps_its_order() {
        let settings = settings("localhost:9092", 1_000_000, Duration::from_secs(5));
        let expected = [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("enable.gapless.guarantee", "true"),
            ("partitioner", "murmur2"),
        ];
        for (name, value) in expected {
            assert_eq!(settings.get(name), Some(value), "{name}");
        }
        let timeout: u64 = settings.get("message.timeout.ms").unwrap().parse().unwrap();
        assert!(timeout > 5_000, "a single message must not be given up before its call is");
        // The library agrees with all of it.
        drop(settings.create_with_context::<_, FutureProducer<Quiet>>(Quiet).unwrap());
    }
}
