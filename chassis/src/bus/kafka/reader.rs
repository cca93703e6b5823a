//! Reading all partitions of a topic, each from its own position. No member of a consumer group: the database that keeps
//! the positions is the group, and who reads is decided there.

use super::publish::ID;
use super::topics::ask;
use super::{Kafka, OVERHEAD, Quiet, away, blocking, client};
use crate::bus::reader::{missed, reset};
use crate::bus::{BusEngine, BusError, Delivered, Position, Record};
use bytes::Bytes;
use futures_util::FutureExt;
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// How often a reader looks whether its topic has got more partitions.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);
/// The client does not let a broker keep it waiting for much longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How much a reader holds in memory that was not asked for yet, in kilobytes.
const AHEAD_KB: &str = "16384";

pub(in crate::bus) struct Reader {
    topic: Arc<str>,
    name: String,
    consumer: Option<StreamConsumer<Quiet>>,
    lookup: Arc<BaseConsumer<Quiet>>,
    patience: Duration,
    partitions: usize,
    look_at: Instant,
    ready: VecDeque<Delivered>,
    broken: Option<BusError>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("topic", &self.name).finish_non_exhaustive()
    }
}

impl Kafka {
    pub(in crate::bus) async fn reader(
        &self,
        topic: &str,
        group: &str,
        after: &[Position],
    ) -> Result<Reader, BusError> {
        if self.producers.is_closed() {
            return Err(BusError::closed());
        }
        self.topic(topic).await?;
        let mut config = client(&self.servers);
        config
            .set("group.id", self.name(group))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // What was removed meanwhile is for the next reader to find out and to tell.
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", self.poll.min(LONGEST_WAIT).as_millis().to_string())
            .set("fetch.message.max.bytes", (self.max_message_bytes + OVERHEAD).to_string())
            .set("queued.max.messages.kbytes", AHEAD_KB);
        let (name, patience, told) = (self.name(topic), self.request_timeout, topic.to_owned());
        let (asked, after) = (name.clone(), after.to_vec());
        let lookup = Arc::clone(&self.lookup);
        let (consumer, partitions) = blocking(move || {
            let partitions = count(&lookup, &asked, patience)?;
            let consumer: StreamConsumer<Quiet> = config.create_with_context(Quiet).map_err(away)?;
            let mut from = TopicPartitionList::with_capacity(partitions.len());
            for &partition in &partitions {
                let (low, high) = consumer.fetch_watermarks(&asked, partition, patience).map_err(away)?;
                let named = after.iter().find(|after| after.partition == partition);
                let start = start(&told, partition, named.map(|after| after.position), low, high);
                from.add_partition_offset(&asked, partition, Offset::Offset(start)).map_err(away)?;
            }
            consumer.assign(&from).map_err(away)?;
            Ok((consumer, partitions.len()))
        })
        .await?;
        Ok(Reader {
            topic: topic.into(),
            name,
            consumer: Some(consumer),
            lookup: Arc::clone(&self.lookup),
            patience,
            partitions,
            look_at: Instant::now() + BETWEEN_LOOKS,
            ready: VecDeque::new(),
            broken: None,
        })
    }
}

/// The partitions of a topic that must be there. Blocks.
fn count(lookup: &BaseConsumer<Quiet>, name: &str, patience: Duration) -> Result<Vec<i32>, BusError> {
    let found = ask(lookup, Some(name), patience)?.into_iter().next().map(|found| found.partitions);
    found
        .filter(|partitions| !partitions.is_empty())
        .ok_or_else(|| BusError::Unavailable(format!("topic {name} is not there yet")))
}

/// Where to begin: behind the position, unless what is there is not what the position is about.
fn start(topic: &str, partition: i32, after: Option<i64>, low: i64, high: i64) -> i64 {
    match after {
        Some(after) if after >= high => {
            reset(BusEngine::Kafka, topic, partition, after);
            low
        }
        Some(after) if after + 1 < low => {
            missed(BusEngine::Kafka, topic, partition, after, low - 1);
            low
        }
        Some(after) => after + 1,
        None => low,
    }
}

impl Reader {
    pub(in crate::bus) async fn next(&mut self, max: usize) -> Result<Vec<Delivered>, BusError> {
        while self.ready.is_empty() {
            if let Some(error) = &self.broken {
                return Err(error.clone());
            }
            let Some(consumer) = &self.consumer else { return Err(BusError::closed()) };
            tokio::select! {
                received = consumer.recv() => {
                    // From here to the end of the round nothing waits: what was received is in `ready`, whoever drops us.
                    let mut accepted = vec![accept(&self.topic, received)];
                    while accepted.len() < max && accepted.last().is_some_and(Result::is_ok) {
                        let Some(received) = consumer.recv().now_or_never() else { break };
                        accepted.push(accept(&self.topic, received));
                    }
                    for one in accepted {
                        match one {
                            Ok(delivered) => self.ready.extend(delivered),
                            Err(error) => self.broken = Some(error),
                        }
                    }
                }
                () = sleep_until(self.look_at) => {
                    self.look_at = Instant::now() + BETWEEN_LOOKS;
                    self.look_for_partitions().await?;
                }
            }
        }
        let count = max.min(self.ready.len());
        Ok(self.ready.drain(..count).collect())
    }

    /// Ends the reader when its topic has more partitions than it reads; the next one reads all of them.
    async fn look_for_partitions(&self) -> Result<(), BusError> {
        let (lookup, name, patience) = (Arc::clone(&self.lookup), self.name.clone(), self.patience);
        let found = blocking(move || count(&lookup, &name, patience)).await?.len();
        if found == self.partitions {
            return Ok(());
        }
        Err(BusError::Unavailable(format!("topic {} has {found} partitions now", self.name)))
    }
}

/// Its end waits for threads of librdkafka.
impl Drop for Reader {
    fn drop(&mut self) {
        let consumer = self.consumer.take();
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn_blocking(move || drop(consumer)));
        }
    }
}

/// Nothing for a message that no bus published.
fn accept(
    topic: &Arc<str>,
    received: Result<BorrowedMessage<'_>, KafkaError>,
) -> Result<Option<Delivered>, BusError> {
    let message = received.map_err(away)?;
    let (partition, position) = (message.partition(), message.offset());
    let Some((id, key)) = id_and_key(&message) else {
        tracing::warn!(
            topic = &**topic,
            partition,
            position,
            "a message that the bus did not publish is passed over"
        );
        return Ok(None);
    };
    let body = Bytes::copy_from_slice(message.payload().unwrap_or_default());
    Ok(Some(Delivered { partition, position, record: Record { topic: Arc::clone(topic), key, id, body } }))
}

fn id_and_key(message: &BorrowedMessage<'_>) -> Option<(Uuid, Box<str>)> {
    let id = message.headers()?.iter().find(|header| header.key == ID)?.value?;
    let key = std::str::from_utf8(message.key().unwrap_or_default()).ok()?;
    Some((Uuid::try_parse_ascii(id).ok()?, key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_begins_behind_the_position() {
        assert_eq!(start("order", 0, Some(4), 0, 10), 5);
        assert_eq!(start("order", 0, Some(9), 0, 10), 10);
        assert_eq!(start("order", 0, None, 3, 10), 3);
    }

    #[test]
    fn reading_goes_on_at_what_is_left_and_begins_again_in_a_log_that_is_another() {
        assert_eq!(start("order", 0, Some(4), 7, 10), 7);
        assert_eq!(start("order", 0, Some(10), 0, 10), 0);
        assert_eq!(start("order", 0, Some(5), 0, 0), 0);
    }
}
