//! Receiving: from the bus into the inbox.
//!
//! A subscription is a consumer group whose position is a row in the service's own database. One process at a time
//! receives for it (by lease); what it keeps, how far it has come, and the proof that it still holds the lease are one
//! transaction. So a process that dies or falls behind repeats nothing that it kept and skips nothing.

use super::inbox_store::{self, Arrival};
use super::subscription::Subscription;
use super::worker::Receiving;
use super::{EventsConfig, pauses};
use crate::bus::{Bus, BusError, Delivered, Position, Reader};
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::lease::{Held, Share};
use crate::stop::Stop;
use contract::event::CloudEvent;
use metrics::{Counter, counter};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Positions that were only passed by are noted within this time.
const NOTED_WITHIN: Duration = Duration::from_secs(2);

/// Receives events of one subscription.
#[derive(Debug)]
pub(super) struct Ingest {
    db: Db,
    bus: Bus,
    clock: Clock,
    config: Arc<EventsConfig>,
    subscription: Subscription,
    arrived: Arc<Notify>,
    received: Counter,
    repeated: Counter,
}

/// Why receiving was broken off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("another process receives for this subscription now")]
    Lost,
}

impl Ingest {
    pub(super) fn new(from: &Receiving, subscription: Subscription, arrived: Arc<Notify>) -> Self {
        let count = |name: &'static str| counter!(name, "service" => from.db.service().to_owned(), "handler" => subscription.name);
        Self {
            received: count("events_received_total"),
            repeated: count("events_repeated_total"),
            db: from.db.clone(),
            bus: from.bus.clone(),
            clock: from.clock.clone(),
            config: from.config.clone(),
            subscription,
            arrived,
        }
    }

    /// Receives whenever the lease is held, until the process stops.
    pub(super) async fn run(&self, mut share: watch::Receiver<Share>, stop: &Stop) {
        let mut pause = pauses::after_failures();
        while !stop.is_stopping() {
            let held = share.borrow_and_update().held.get(self.subscription.name).cloned();
            let Some(held) = held else {
                tokio::select! {
                    _ = share.changed() => {}
                    () = stop.stopping() => {}
                }
                continue;
            };
            let receiving = self.receive(&held, || pause = pauses::after_failures());
            let broken = tokio::select! {
                broken = receiving => broken,
                () = lost(&mut share, &held) => continue,
                () = stop.stopping() => return,
            };
            let handler = self.subscription.name;
            match broken {
                Broken::Lost => tracing::debug!(handler, "another process receives now"),
                broken => tracing::warn!(handler, error = %broken, "events cannot be received"),
            }
            tokio::select! {
                () = sleep(pause.next().unwrap_or(pauses::LONGEST)) => {}
                () = stop.stopping() => {}
            }
        }
    }

    /// Receives until something breaks. `moving` is told of each batch that went through.
    async fn receive(&self, held: &Held, mut moving: impl FnMut()) -> Broken {
        let mut reader = match self.reader().await {
            Ok(reader) => reader,
            Err(broken) => return broken,
        };
        let mut passed = Passed::default();
        loop {
            let batch = tokio::select! {
                batch = reader.next(self.config.batch as usize) => batch,
                () = passed.due() => Ok(Vec::new()),
            };
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => return error.into(),
            };
            let due = batch.is_empty();
            for delivered in &batch {
                passed.by(delivered);
            }
            let arrivals: Vec<Arrival> =
                batch.into_iter().filter_map(|delivered| self.arrival(delivered)).collect();
            if arrivals.is_empty() && !due {
                // Most of a topic is of no concern to one subscription: that is no reason for a commit.
                moving();
                continue;
            }
            match self.store(held, &arrivals, std::mem::take(&mut passed)).await {
                Ok(()) => moving(),
                Err(broken) => return broken,
            }
        }
    }

    async fn reader(&self) -> Result<Reader, Broken> {
        let after = inbox_store::positions(&self.db, self.subscription.name).await?;
        let group = format!("{}-{}", self.db.service(), self.subscription.name);
        Ok(self.bus.reader(self.subscription.topic(), &group, &after).await?)
    }

    async fn store(&self, held: &Held, arrivals: &[Arrival], passed: Passed) -> Result<(), Broken> {
        let mut t = self.db.begin().await?;
        if !held.holds(&mut t).await? {
            return Err(Broken::Lost);
        }
        let mut new = 0;
        if !arrivals.is_empty() {
            new = inbox_store::insert(&mut t, self.subscription.name, arrivals, self.clock.now()).await?;
        }
        inbox_store::advance(&mut t, self.subscription.name, &passed.reached()).await?;
        t.commit().await?;
        self.received.increment(arrivals.len() as u64);
        self.repeated.increment((arrivals.len() as u64).saturating_sub(new));
        if new > 0 {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// What is stored of a record; nothing for an event that is of another type or not wanted. What cannot be read at all
    /// is a dead letter, so that nothing stops behind it and nothing is lost.
    fn arrival(&self, delivered: Delivered) -> Option<Arrival> {
        let record = delivered.record;
        // A topic has many types and a subscription one: the others are told apart without reading the whole.
        if is_another(&record.body, &self.subscription) {
            return None;
        }
        let body = || String::from_utf8_lossy(&record.body).into_owned();
        let unreadable = |reason: String| Arrival {
            id: record.id.simple().to_string(),
            kind: self.subscription.first().to_owned(),
            version: 0,
            key: record.key.as_ref().to_owned(),
            body: body(),
            dead: Some(reason),
        };
        let envelope = match CloudEvent::from_json(&record.body) {
            Ok(envelope) => envelope,
            Err(error) => return Some(unreadable(format!("the envelope cannot be read: {error}"))),
        };
        let Some((kind, version)) = envelope.kind_and_version() else {
            return Some(unreadable("the type of the event names no version".to_owned()));
        };
        if !self.subscription.wants(&envelope) {
            return None;
        }
        let (id, kind) = (envelope.id.simple().to_string(), kind.to_owned());
        Some(Arrival { id, kind, version, key: envelope.subject, body: body(), dead: None })
    }
}

/// Whether this is the envelope of an event of a type that is not its; false when it must be looked at more closely.
fn is_another(body: &[u8], subscription: &Subscription) -> bool {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
    }
    let typed = serde_json::from_slice(body);
    typed.is_ok_and(|typed: Typed<'_>| {
        typed.kind.rsplit_once(".v").is_some_and(|(kind, _)| !subscription.knows(kind))
    })
}

/// How far was read of each partition since that was last noted, and when it is noted at the latest.
///
/// Who comes after a process that died reads again what was not noted, and finds once more that it is of no concern.
#[derive(Debug, Default)]
struct Passed {
    reached: BTreeMap<i32, i64>,
    due: Option<Instant>,
}

impl Passed {
    fn by(&mut self, delivered: &Delivered) {
        self.reached.insert(delivered.partition, delivered.position);
        self.due.get_or_insert_with(|| Instant::now() + NOTED_WITHIN);
    }

    fn reached(&self) -> Vec<Position> {
        let position = |(&partition, &position)| Position { partition, position };
        self.reached.iter().map(position).collect()
    }

    /// Resolves when there is something that must be noted now.
    async fn due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

/// Resolves when this lease is not held any more.
async fn lost(share: &mut watch::Receiver<Share>, held: &Held) {
    let gone = share.wait_for(|share| !share.held.values().any(|other| other == held)).await;
    // The keeper of the leases is gone, and with it the process.
    drop(gone);
}
