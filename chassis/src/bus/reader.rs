//! Reading a topic, whichever engine it is on.

#[cfg(feature = "kafka")]
use super::kafka;
use super::{BusEngine, BusError, Delivered, embedded, nats};
use metrics::{Counter, counter};

/// Reads one topic from a position on. Made by [`Bus::reader`](super::Bus::reader).
#[derive(Debug)]
pub struct Reader {
    log: Log,
    received: Counter,
}

#[derive(Debug)]
pub(super) enum Log {
    Embedded(embedded::Reader),
    Nats(Box<nats::Reader>),
    #[cfg(feature = "kafka")]
    Kafka(Box<kafka::Reader>),
}

impl Reader {
    pub(super) fn new(log: Log, engine: BusEngine, topic: &str) -> Self {
        let engine = engine.as_str();
        let received = counter!("bus_received_total", "engine" => engine, "topic" => topic.to_owned());
        Self { log, received }
    }

    /// Waits until there is at least one record, and returns at most `max` in the order of the log. May be dropped while
    /// it waits: no record is lost by that.
    ///
    /// # Errors
    /// When the broker is away. Whether this reader goes on afterwards is not said: make a new one, from the positions
    /// of what is done with.
    pub async fn next(&mut self, max: usize) -> Result<Vec<Delivered>, BusError> {
        let max = max.max(1);
        let batch = match &mut self.log {
            Log::Embedded(log) => log.next(max).await?,
            Log::Nats(log) => log.next(max).await?,
            #[cfg(feature = "kafka")]
            Log::Kafka(log) => log.next(max).await?,
        };
        self.received.increment(batch.len() as u64);
        Ok(batch)
    }
}

/// Notes that records which a reader has not seen were removed because of their age.
pub(super) fn missed(engine: BusEngine, topic: &str, partition: i32, after: i64, removed_to: i64) {
    tracing::error!(
        engine = engine.as_str(),
        topic,
        partition,
        after,
        removed_to,
        "records were removed because of their age before they were read: bus.keep_days is less than the time that \
         this reader was away"
    );
    count_gap(engine, topic);
}

/// Notes that a log ends before the position up to which it was read: it is not the log that was read, or the broker has
/// lost its end. It is read again from its beginning.
pub(super) fn reset(engine: BusEngine, topic: &str, partition: i32, after: i64) {
    tracing::error!(
        engine = engine.as_str(),
        topic,
        partition,
        after,
        "the log ends before the position up to which it was read: the broker has lost records, or it is another one; \
         reading it from its beginning"
    );
    count_gap(engine, topic);
}

fn count_gap(engine: BusEngine, topic: &str) {
    counter!("bus_gaps_total", "engine" => engine.as_str(), "topic" => topic.to_owned()).increment(1);
}
