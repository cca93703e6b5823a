//! Publishing: an event is a row in the caller's own transaction.

use super::{EventsConfig, outbox_store};
use crate::clock::Clock;
use crate::db::{DbError, Tx};
use crate::error::ApiError;
use crate::http::origin;
use contract::event::{CloudEvent, EnvelopeError, Event, EventSpec, topic_of, wire_type};
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// How many parts an outbox has. Events of one key are always in the same part, and a part has one relay at a time.
/// Written into rows: a change needs a migration.
pub(super) const SHARDS: u16 = 16;

/// In bytes; no engine of the bus takes more.
const LONGEST_KEY: usize = 1_024;

/// The outbox of one service. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: &'static str,
    source: String,
    events: &'static [EventSpec],
    max_bytes: usize,
    clock: Clock,
    committed: Arc<Notify>,
}

/// Why an event was not put into the outbox.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The database failed; the transaction is over.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The event is not among those that the service's `SPEC` declares.
    #[error("{service} publishes {event} without declaring it among the events of its SPEC")]
    Undeclared {
        /// The service.
        service: &'static str,
        /// The type and version of the event.
        event: String,
    },
    /// The event is larger than `delivery.max_bytes`; brokers refuse what is too large, and then nothing behind it moves.
    #[error("the event {event} has {bytes} bytes; delivery.max_bytes allows {max}")]
    TooLarge {
        /// The type of the event.
        event: &'static str,
        /// Its size with its envelope.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The key of the event is longer than 1024 bytes, which is what a broker takes.
    #[error("the key of the event {event} has {bytes} bytes; 1024 is the most")]
    LongKey {
        /// The type of the event.
        event: &'static str,
        /// The length of its key.
        bytes: usize,
    },
    /// The event does not fit into an envelope: its key is empty, or it has no form in JSON.
    #[error("the event {event} cannot be sent: {error}")]
    Unfit {
        /// The type of the event.
        event: &'static str,
        /// Why.
        error: EnvelopeError,
    },
}

impl From<PublishError> for ApiError {
    #[track_caller]
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl Outbox {
    /// The outbox of a service that publishes these events. A service is given its own by its context; a test of a flow makes
    /// one.
    #[must_use]
    pub fn new(
        service: &'static str,
        events: &'static [EventSpec],
        config: &EventsConfig,
        clock: Clock,
    ) -> Self {
        let max_bytes = config.max_bytes as usize;
        let source = format!("/{service}");
        Self(Arc::new(Inner { service, source, events, max_bytes, clock, committed: Arc::default() }))
    }

    /// Puts an event into the outbox, in the caller's transaction: it is published when that is committed and not
    /// otherwise. Returns its id.
    ///
    /// Events of one key reach every subscription in the order in which their transactions publish them, if those
    /// transactions exclude each other, as two that change the same aggregate do. Publish after the change.
    ///
    /// # Errors
    /// When the service does not declare the event, when it is too large, and when the statement fails.
    pub async fn publish<E: Event>(&self, t: &mut Tx, event: &E) -> Result<Uuid, PublishError> {
        let outbox = &*self.0;
        let declared = |spec: &EventSpec| spec.kind == E::TYPE && spec.version == E::VERSION;
        if !outbox.events.iter().any(declared) {
            let event = wire_type(E::TYPE, E::VERSION);
            return Err(PublishError::Undeclared { service: outbox.service, event });
        }
        let now = outbox.clock.now();
        let id = Uuid::now_v7();
        let unfit = |error| PublishError::Unfit { event: E::TYPE, error };
        let mut envelope = CloudEvent::of(event, id, &outbox.source, now.to_datetime()).map_err(unfit)?;
        if let Some(origin) = origin() {
            envelope.traceparent = Some(origin.trace.to_string());
            envelope.tracestate = origin.trace.state().map(str::to_owned);
            envelope.correlation_id = Some(origin.correlation_id.into());
        }
        let body = envelope.to_json().map_err(unfit)?;
        if body.len() > outbox.max_bytes {
            return Err(PublishError::TooLarge { event: E::TYPE, bytes: body.len(), max: outbox.max_bytes });
        }
        let key = &envelope.subject;
        if key.len() > LONGEST_KEY {
            return Err(PublishError::LongKey { event: E::TYPE, bytes: key.len() });
        }
        let body = String::from_utf8_lossy(&body);
        outbox_store::insert(t, shard_of(key), topic_of(E::TYPE), key, id, &body, now).await?;
        let committed = Arc::clone(&outbox.committed);
        t.after_commit(move || committed.notify_one());
        Ok(id)
    }

    /// Resolves when something was committed since the last time.
    pub(super) async fn committed(&self) {
        self.0.committed.notified().await;
    }
}

/// FNV-1a, whose result must be the same in every process and release.
pub(super) fn shard_of(key: &str) -> u16 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u16::try_from((hash ^ (hash >> 32)) % u64::from(SHARDS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_same_shard_in_every_release() {
        let keys = ["", "a", "018f2c1e-7a4b-7c3d-9e5f-0a1b2c3d4e5f", "order-1"];
        let found: Vec<u16> = keys.iter().map(|key| shard_of(key)).collect();
        assert_eq!(found, [1, 0, 1, 2], "rows in databases were written with these");
    }

    #[test]
    fn keys_spread_over_all_shards() {
        let mut counts = [0_u32; SHARDS as usize];
        for n in 0..16_000 {
            counts[usize::from(shard_of(&format!("account-{n}")))] += 1;
        }
        assert!(counts.iter().all(|&count| count > 800), "{counts:?}");
    }
}
