//! The embedded log: an SQLite file in the data folder, for one process or several that share the folder.
//!
//! One task writes, and takes everything that waits into one transaction: publishing from many places at once costs one
//! commit. SQLite lets in one writer at a time, also among processes, so positions are given out in the order of the
//! commits and a reader that has seen one has seen all before it.

mod reader;
mod tail;

pub(super) use reader::Reader;

use super::reader::{missed, reset};
use super::{BusConfig, BusDurability, BusEngine, BusError, Position, Record};
use crate::clock::{Clock, Ts};
use crate::db::{DatabaseConfig, Db, DbError, Migrations, Synchronous};
use crate::q;
use crate::stop::Stop;
use anyhow::Context;
use metrics::counter;
use sqlx::migrate::Migrator;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tail::Tails;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

static TABLES: Migrator = sqlx::migrate!("migrations/bus");

/// How many publishes one transaction takes together at most.
const TOGETHER: usize = 64;
/// How many rows one statement removes, so that a publish does not wait for long.
const REMOVED_AT_ONCE: i64 = 1_000;
/// Between two looks for old records.
const BETWEEN_CLEANINGS: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(super) struct Embedded {
    db: Db,
    clock: Clock,
    synchronous: Synchronous,
    publish_timeout: Duration,
    keep: Duration,
    tails: Tails,
    requests: mpsc::Sender<Request>,
    /// Ends with the last clone of the bus.
    _writer: JoinSet<()>,
}

/// Records that wait to be written together, and where to say how it went.
struct Request {
    records: Vec<Record>,
    done: oneshot::Sender<Result<(), BusError>>,
}

impl Embedded {
    pub(super) async fn open(
        config: &BusConfig,
        data_dir: &Path,
        synchronous: Synchronous,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let timeout = config.publish_timeout_ms;
        let database = DatabaseConfig {
            synchronous,
            acquire_timeout_ms: timeout,
            statement_timeout_ms: timeout,
            ..DatabaseConfig::default()
        };
        let db = Db::open(&database, "bus", data_dir).await.context("the embedded bus cannot be opened")?;
        // Only the first is ever used: the log is an SQLite file by design.
        db.migrate("bus", &Migrations { sqlite: &TABLES, postgres: &TABLES }).await?;
        let topics = Topics::default();
        let (requests, queue) = mpsc::channel(TOGETHER);
        let mut writer = JoinSet::new();
        writer.spawn(write(db.clone(), clock.clone(), topics.clone(), queue));
        let (publish_timeout, keep) = (config.publish_timeout(), config.keep());
        let tails = Tails::new(db.clone(), topics, config.poll());
        Ok(Self { db, clock, synchronous, publish_timeout, keep, tails, requests, _writer: writer })
    }

    pub(super) fn describe(&self) -> String {
        self.db.describe().to_owned()
    }

    /// All or nothing.
    pub(super) async fn publish(&self, records: &[&Record]) -> Vec<Result<(), BusError>> {
        let records: Vec<Record> = records.iter().map(|record| (*record).clone()).collect();
        let count = records.len();
        let outcome = tokio::time::timeout(self.publish_timeout, self.write(records)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(BusError::no_answer()));
        vec![outcome; count]
    }

    async fn write(&self, records: Vec<Record>) -> Result<(), BusError> {
        let (done, told) = oneshot::channel();
        self.requests.send(Request { records, done }).await.map_err(|_| BusError::closed())?;
        told.await.map_err(|_| BusError::closed())?
    }

    pub(super) async fn reader(&self, topic: &str, after: &[Position]) -> Result<Reader, BusError> {
        let named = after.iter().find(|after| after.partition == 0).map(|after| after.position);
        let after = match named {
            Some(after) => self.resume(topic, after).await.map_err(away)?,
            None => 0,
        };
        Ok(Reader::new(self.db.clone(), topic, after, self.tails.of(topic)))
    }

    /// The position to go on after, which is the one named unless this is not the log that it is about.
    async fn resume(&self, topic: &str, after: i64) -> Result<i64, DbError> {
        let db = &self.db;
        let (last, removed_to): (i64, i64) = q!(
            db.read,
            fetch_one,
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'bus_record'), 0),
                    coalesce((SELECT position FROM bus_removed WHERE topic = $1), 0)",
            topic
        )?;
        if after > last {
            reset(BusEngine::Embedded, topic, 0, after);
            return Ok(0);
        }
        if removed_to > after {
            missed(BusEngine::Embedded, topic, 0, after, removed_to);
        }
        Ok(after)
    }

    /// Removes what is older than the settings say, at once and then every ten minutes.
    pub(super) async fn maintain(&self, stop: &Stop) {
        loop {
            if let Err(error) = remove_old(&self.db, self.clock.now() - self.keep).await {
                tracing::warn!(%error, "old records of the bus were not removed; tried again later");
            }
            tokio::select! {
                () = tokio::time::sleep(BETWEEN_CLEANINGS) => {}
                () = stop.stopping() => return,
            }
        }
    }

    pub(super) const fn durability(&self) -> BusDurability {
        BusDurability::Embedded { synchronous: self.synchronous }
    }

    pub(super) async fn ping(&self) -> Result<(), BusError> {
        self.db.ping().await.map_err(away)
    }

    pub(super) async fn close(&self) {
        self.db.close().await;
    }
}

fn away(error: DbError) -> BusError {
    BusError::unavailable(error)
}

/// Who waits for news of a topic in this process.
#[derive(Debug, Clone, Default)]
struct Topics(Arc<Mutex<HashMap<Box<str>, watch::Sender<()>>>>);

impl Topics {
    fn of(&self, topic: &str) -> watch::Sender<()> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = topics.get(topic) {
            return known.clone();
        }
        topics.entry(topic.into()).or_default().clone()
    }
}

async fn write(db: Db, clock: Clock, topics: Topics, mut queue: mpsc::Receiver<Request>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut waiting, TOGETHER).await > 0 {
        // Nobody waits any more for what has been given up; it is published again.
        waiting.retain(|request| !request.done.is_closed());
        let outcome = commit(&db, clock.now(), &waiting).await;
        if outcome.is_ok() {
            let mut told: Vec<&str> = Vec::new();
            for record in waiting.iter().flat_map(|request| &request.records) {
                if !told.contains(&&*record.topic) {
                    topics.of(&record.topic).send_replace(());
                    told.push(&record.topic);
                }
            }
        }
        for request in waiting.drain(..) {
            // An error is a caller that has gone away meanwhile.
            drop(request.done.send(outcome.clone()));
        }
    }
}

/// Writes everything in one transaction, with one statement: the texts in one JSON document, the bodies in one blob.
async fn commit(db: &Db, now: Ts, requests: &[Request]) -> Result<(), BusError> {
    let mut bodies = Vec::new();
    let mut rows = Vec::new();
    for record in requests.iter().flat_map(|request| &request.records) {
        let id = record.id.simple().to_string();
        rows.push((&*record.topic, &*record.key, id, bodies.len() + 1, record.body.len()));
        bodies.extend_from_slice(&record.body);
    }
    if rows.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_string(&rows).map_err(BusError::unavailable)?;
    q!(
        db.write,
        execute,
        "INSERT INTO bus_record (topic, key, id, body, published_at)
         SELECT value ->> 0, value ->> 1, unhex(value ->> 2), substr($2, value ->> 3, value ->> 4), $3
         FROM json_each($1) ORDER BY json_each.key",
        &rows,
        &bodies,
        now
    )
    .map(|_| ())
    .map_err(away)
}

/// Removes what was published before `before`, and notes for each topic up to where.
async fn remove_old(db: &Db, before: Ts) -> Result<(), DbError> {
    loop {
        let mut t = db.begin().await?;
        let oldest: Vec<(String, i64)> = q!(
            t.tx,
            fetch_all,
            "SELECT topic, max(position) FROM
                (SELECT topic, position, published_at FROM bus_record ORDER BY position LIMIT $2)
             WHERE published_at < $1 GROUP BY topic",
            before,
            REMOVED_AT_ONCE
        )?;
        if oldest.is_empty() {
            return t.rollback().await;
        }
        let marks = serde_json::to_string(&oldest).map_err(|error| DbError::Encode(error.into()))?;
        q!(
            t.tx,
            execute,
            "INSERT INTO bus_removed (topic, position)
             SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true
             ON CONFLICT (topic) DO UPDATE SET position = excluded.position",
            &marks
        )?;
        let removed = q!(
            t.tx,
            execute,
            "DELETE FROM bus_record WHERE published_at < $1
             AND position IN (SELECT position FROM bus_record ORDER BY position LIMIT $2)",
            before,
            REMOVED_AT_ONCE
        )?;
        t.commit().await?;
        counter!("bus_removed_total").increment(removed);
    }
}
