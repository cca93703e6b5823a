//! The relay: carries what the outbox holds to the bus.
//!
//! It wakes on a commit in its own process, and looks by itself for what other processes have committed. It holds shards
//! by lease, so several processes share the work and events of one key go through one relay. A row is deleted after the
//! bus has confirmed it; a relay that dies in between publishes it again, and the inbox drops the second copy.

use super::outbox::{Outbox, SHARDS};
use super::outbox_store::{self, Waiting};
use super::{EventsConfig, pauses};
use crate::bus::{Bus, BusError, Record};
use crate::clock::{Clock, Ts};
use crate::db::Db;
use crate::lease::{Share, Shares};
use crate::stop::Stop;
use metrics::{Counter, Histogram, counter, histogram};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;

const FAMILY: &str = "outbox";
/// How often a relay looks by itself while other processes may commit events into its shards.
const POLL_AMONG_OTHERS: Duration = Duration::from_millis(50);

/// Carries events of one service to the bus.
#[derive(Debug)]
pub(crate) struct Relay {
    db: Db,
    bus: Bus,
    outbox: Outbox,
    config: Arc<EventsConfig>,
    clock: Clock,
    topics: HashMap<String, Arc<str>>,
    published: Counter,
    failed: Counter,
    waited: Histogram,
}

/// How a round went.
enum Round {
    /// Nothing waits.
    Idle,
    /// Everything that was found is gone, and there may be more.
    Moved,
    /// The bus or the database did not do its part.
    Stuck,
}

impl Relay {
    pub(crate) fn new(db: Db, bus: Bus, outbox: Outbox, config: Arc<EventsConfig>, clock: Clock) -> Self {
        let service = || db.service().to_owned();
        Self {
            published: counter!("outbox_published_total", "service" => service()),
            failed: counter!("outbox_publish_failures_total", "service" => service()),
            waited: histogram!("outbox_wait_seconds", "service" => service()),
            topics: HashMap::new(),
            db,
            bus,
            outbox,
            config,
            clock,
        }
    }

    /// Works until the process stops; finishes the batch in hand.
    pub(crate) async fn run(mut self, stop: Stop) {
        let names = (0..SHARDS).map(|shard| shard.to_string()).collect();
        let shares = Shares::new(self.db.clone(), self.clock.clone(), FAMILY, names, self.config.lease());
        tokio::join!(shares.keep_until(&stop), self.relay(shares.watch(), &stop));
        shares.let_go().await;
    }

    async fn relay(&mut self, mut share: watch::Receiver<Share>, stop: &Stop) {
        let mut pause = pauses::after_failures();
        while !stop.is_stopping() {
            let (shards, members) = of(&share.borrow_and_update());
            if shards.is_empty() {
                tokio::select! {
                    _ = share.changed() => {}
                    () = stop.stopping() => {}
                }
                continue;
            }
            let poll = if members > 1 { POLL_AMONG_OTHERS } else { self.config.poll() };
            match self.round(&shards).await {
                Round::Moved => pause = pauses::after_failures(),
                Round::Idle => tokio::select! {
                    // A commit since the look above has left its mark here.
                    () = self.outbox.committed() => {}
                    _ = share.changed() => {}
                    () = sleep(poll) => {}
                    () = stop.stopping() => {}
                },
                Round::Stuck => tokio::select! {
                    () = sleep(pause.next().unwrap_or(pauses::LONGEST)) => {}
                    () = stop.stopping() => {}
                },
            }
        }
    }

    async fn round(&mut self, shards: &str) -> Round {
        let waiting = match outbox_store::oldest(&self.db, shards, i64::from(self.config.batch)).await {
            Ok(waiting) if waiting.is_empty() => return Round::Idle,
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                return Round::Stuck;
            }
        };
        let now = self.clock.now();
        let (numbers, records): (Vec<(i64, f64)>, Vec<Record>) =
            waiting.into_iter().map(|row| self.record(row, now)).unzip();
        let outcomes = self.publish(&records).await;
        let mut confirmed = Vec::with_capacity(records.len());
        let mut refusal = None;
        for ((number, outcome), record) in numbers.into_iter().zip(outcomes).zip(&records) {
            match outcome {
                Ok(()) => confirmed.push(number),
                Err(error) => drop(refusal.get_or_insert((error, record.id))),
            }
        }
        self.published.increment(confirmed.len() as u64);
        self.failed.increment((records.len() - confirmed.len()) as u64);
        if let Some((error, event)) = &refusal {
            tracing::warn!(%error, %event, waiting = records.len() - confirmed.len(), "events were not published");
        }
        if !confirmed.is_empty() {
            for (_, waited) in &confirmed {
                self.waited.record(*waited);
            }
            let list: Vec<i64> = confirmed.iter().map(|(seq, _)| *seq).collect();
            if let Err(error) = outbox_store::remove(&self.db, &json(&list)).await {
                tracing::warn!(%error, "published events stay in the outbox and will be published again");
                return Round::Stuck;
            }
        }
        // One key that the bus does not take is no reason to be slow with the others.
        if confirmed.is_empty() { Round::Stuck } else { Round::Moved }
    }

    /// Publishes a batch; in a trial late, and some of it twice, as after a crash.
    async fn publish(&self, records: &[Record]) -> Vec<Result<(), BusError>> {
        let EventsConfig { repeat_percent, hold_back_ms, .. } = *self.config;
        if hold_back_ms > 0 {
            sleep(Duration::from_millis(chance(hold_back_ms))).await;
        }
        let outcomes = self.bus.publish(records).await;
        let again: Vec<Record> =
            records.iter().filter(|_| chance(100) < u64::from(repeat_percent)).cloned().collect();
        if !again.is_empty() {
            // Whether it came through twice is no matter.
            drop(self.bus.publish(&again).await);
        }
        outcomes
    }

    fn record(&mut self, row: Waiting, now: Ts) -> ((i64, f64), Record) {
        let topic = match self.topics.get(&row.topic) {
            Some(topic) => topic.clone(),
            None => {
                let topic: Arc<str> = row.topic.as_str().into();
                self.topics.insert(row.topic, topic.clone());
                topic
            }
        };
        let waited = now.micros().saturating_sub(row.created_at.micros()).max(0) as f64 / 1e6;
        let record = Record {
            topic,
            key: row.event_key.into_boxed_str(),
            id: row.event_id,
            body: row.body.into_bytes().into(),
        };
        ((row.seq, waited), record)
    }
}

/// The shards that are held, as a list in JSON (empty when there are none), and how many processes share them.
fn of(share: &Share) -> (String, u64) {
    if share.held.is_empty() {
        return (String::new(), share.members);
    }
    let names: Vec<&str> = share.held.keys().map(String::as_str).collect();
    (format!("[{}]", names.join(",")), share.members)
}

/// A number below `limit`, which is above 0, by chance.
fn chance(limit: u64) -> u64 {
    Uuid::new_v4().as_u64_pair().0 % limit
}

fn json(numbers: &[i64]) -> String {
    serde_json::to_string(numbers).unwrap_or_default()
}
