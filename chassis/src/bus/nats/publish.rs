//! Publishing to JetStream: many keys at once, one record of each key at a time.

use super::{KEY, Nats, encode_key};
use crate::bus::{BusError, Record};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use tokio::time::{Instant, timeout_at};

/// How many records one call has under way at most.
const UNDER_WAY: usize = 256;

impl Nats {
    /// A record that is sent before the one in front of it was confirmed could get into the log without it: the
    /// connection may break between the two. So each key waits for its own confirmations, and for nobody else's.
    pub(in crate::bus) async fn publish(&self, records: &[&Record]) -> Vec<Result<(), BusError>> {
        let deadline = Instant::now() + self.publish_timeout;
        let mut outcomes = vec![Err(BusError::HeldBack); records.len()];
        let mut lanes: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (index, record) in records.iter().enumerate() {
            lanes.entry(record.lane()).or_default().push(index);
        }
        if let Err(error) = self.prepare(records, deadline).await {
            outcomes.fill(Err(error));
            return outcomes;
        }
        let sending = lanes.into_values().map(|lane| self.send_lane(records, lane, deadline));
        let mut sending = stream::iter(sending).buffer_unordered(UNDER_WAY);
        while let Some(sent) = sending.next().await {
            for (index, outcome) in sent {
                outcomes[index] = outcome;
            }
        }
        outcomes
    }

    /// A connection, and a stream for every topic.
    async fn prepare(&self, records: &[&Record], deadline: Instant) -> Result<(), BusError> {
        self.wait_connected(deadline).await?;
        for record in records {
            let is_known = self.known().contains(&*record.topic);
            if !is_known {
                let made = timeout_at(deadline, self.stream(&record.topic)).await;
                made.map_err(|_| BusError::no_answer())??;
            }
        }
        Ok(())
    }

    /// One after the other, up to the first that is not confirmed.
    async fn send_lane(
        &self,
        records: &[&Record],
        lane: Vec<usize>,
        deadline: Instant,
    ) -> Vec<(usize, Result<(), BusError>)> {
        let mut sent = Vec::with_capacity(lane.len());
        for index in lane {
            let outcome = timeout_at(deadline, self.send(records[index])).await;
            let outcome = outcome.unwrap_or_else(|_| Err(BusError::no_answer()));
            let failed = outcome.is_err();
            sent.push((index, outcome));
            if failed {
                break;
            }
        }
        sent
    }

    async fn send(&self, record: &Record) -> Result<(), BusError> {
        let id = record.id.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned();
        let message = PublishMessage::build()
            .message_id(id)
            .header(KEY, encode_key(&record.key))
            .payload(record.body.clone());
        let sent = async { self.jetstream.send_publish(self.subject(&record.topic), message).await?.await };
        match sent.await {
            // Also when the server had it already.
            Ok(_) => Ok(()),
            Err(error) => Err(match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => {
                    BusError::Refused(format!("too large for NATS: {error}"))
                }
                PublishErrorKind::StreamNotFound => {
                    // Somebody removed the stream, or the server is still starting: look at it again next time.
                    self.known().remove(&*record.topic);
                    BusError::unavailable(error)
                }
                _ => BusError::unavailable(error),
            }),
        }
    }
}
