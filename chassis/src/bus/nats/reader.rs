//! Reading a stream of JetStream with a consumer of one's own that nobody acknowledges to: the position is the reader's.
//!
//! The server forgets a record as soon as it has sent it, so what is lost on the way shows only as a jump in the
//! consumer's own count. Then the reader ends with an error, and the next one begins at the position that the caller
//! has kept.

use super::{Nats, id_and_key};
use crate::bus::reader::{missed, reset};
use crate::bus::{BusEngine, BusError, Delivered, Position, Record};
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use futures_util::{FutureExt, StreamExt};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How many records the server sends ahead.
const AHEAD: usize = 128;
/// How often the server says that there is nothing; after twice that without a word it is away.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long the server waits for a record before it wants to be asked again.
const EXPIRES: Duration = Duration::from_secs(30);
/// After that time without being asked the server forgets a reader.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

pub(in crate::bus) struct Reader {
    topic: Arc<str>,
    messages: pull::Stream,
    /// The last record that came, by the stream's count.
    position: i64,
    /// How many came, by the consumer's count.
    count: u64,
    /// Whether what is missing before the next record has been told already, or does not matter.
    told: bool,
    ready: VecDeque<Delivered>,
    broken: Option<BusError>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Reader");
        shown.field("topic", &self.topic).field("position", &self.position).finish_non_exhaustive()
    }
}

impl Nats {
    pub(in crate::bus) async fn reader(
        &self,
        topic: &str,
        group: &str,
        after: &[Position],
    ) -> Result<Reader, BusError> {
        self.wait_connected(Instant::now() + self.request_timeout).await?;
        let stream = self.stream(topic).await?;
        let state = &stream.cached_info().state;
        let (first, last) = (signed(state.first_sequence), signed(state.last_sequence));
        let named = after.iter().find(|after| after.partition == 0).map(|after| after.position);
        let position = match named {
            Some(after) if after > last => {
                reset(BusEngine::Nats, topic, 0, after);
                0
            }
            Some(after) => {
                if first > after + 1 {
                    missed(BusEngine::Nats, topic, 0, after, first - 1);
                }
                after
            }
            None => 0,
        };
        let deliver_policy = match u64::try_from(position) {
            Ok(position) if position > 0 => DeliverPolicy::ByStartSequence { start_sequence: position + 1 },
            _ => DeliverPolicy::All,
        };
        let consumer = pull::Config {
            name: Some(format!("{}-{group}-{}", self.prefix, Uuid::new_v4().simple())),
            deliver_policy,
            ack_policy: AckPolicy::None,
            inactive_threshold: FORGOTTEN_AFTER,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer: Consumer<pull::Config> = self.in_time(stream.create_consumer(consumer)).await?;
        let messages = consumer.stream().max_messages_per_batch(AHEAD).heartbeat(HEARTBEAT).expires(EXPIRES);
        let messages = self.in_time(messages.messages()).await?;
        let topic = topic.into();
        Ok(Reader { topic, messages, position, count: 0, told: true, ready: VecDeque::new(), broken: None })
    }
}

impl Reader {
    pub(in crate::bus) async fn next(&mut self, max: usize) -> Result<Vec<Delivered>, BusError> {
        while self.ready.is_empty() {
            if let Some(error) = &self.broken {
                return Err(error.clone());
            }
            // From here to the end of the round nothing waits: what was received is in `ready`, whoever drops us.
            let received = self.messages.next().await;
            self.accept(received);
            while self.ready.len() < max && self.broken.is_none() {
                let Some(received) = self.messages.next().now_or_never() else { break };
                self.accept(received);
            }
        }
        let count = max.min(self.ready.len());
        Ok(self.ready.drain(..count).collect())
    }

    fn accept(&mut self, received: Option<Result<jetstream::Message, pull::MessagesError>>) {
        let accepted = match received {
            Some(Ok(message)) => self.place(message),
            Some(Err(error)) => Err(BusError::unavailable(error)),
            None => Err(BusError::Unavailable("the subscription ended".to_owned())),
        };
        match accepted {
            Ok(delivered) => self.ready.extend(delivered),
            Err(error) => self.broken = Some(error),
        }
    }

    /// Nothing for a message that no bus published.
    fn place(&mut self, message: jetstream::Message) -> Result<Option<Delivered>, BusError> {
        let info = message.info().map_err(BusError::unavailable)?;
        let (position, count) = (signed(info.stream_sequence), info.consumer_sequence);
        if count != self.count + 1 || position <= self.position {
            return Err(BusError::Unavailable("records were lost on the way from the server".to_owned()));
        }
        if position > self.position + 1 && !self.told {
            missed(BusEngine::Nats, &self.topic, 0, self.position, position - 1);
        }
        (self.position, self.count, self.told) = (position, count, false);
        let Some((id, key)) = id_and_key(&message) else {
            tracing::warn!(
                topic = &*self.topic,
                position,
                "a message that the bus did not publish is passed over"
            );
            return Ok(None);
        };
        let body = message.message.payload;
        Ok(Some(Delivered {
            partition: 0,
            position,
            record: Record { topic: Arc::clone(&self.topic), key, id, body },
        }))
    }
}

/// Sequences are far from the end of either.
fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
