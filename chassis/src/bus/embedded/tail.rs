//! The end of each topic, read from the file once for all who follow it.
//!
//! A service subscribes to a topic many times over. If each subscription looked into the file after each publish, most of
//! what a process does would be to read the same rows. So one task for each topic looks, and keeps the last records in
//! memory for whoever comes to them.
//!
//! What must hold: what is kept has no gap. It comes from the file, in the order of the positions, so it does not matter
//! which process has published.

use super::reader::look;
use super::{BusError, Topics, away};
use crate::bus::Delivered;
use crate::db::{Db, DbError};
use crate::q;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How many records of a topic are kept at most.
const KEPT: usize = 512;
/// How many bytes of a topic are kept at most, beside one record.
const KEPT_BYTES: usize = 1 << 20;
/// How many records one look takes.
const LOOK: usize = 256;

/// The ends of all topics that somebody follows.
#[derive(Debug)]
pub(super) struct Tails {
    db: Db,
    topics: Topics,
    poll: Duration,
    tails: Mutex<HashMap<Box<str>, Arc<Tail>>>,
    /// Ends with the last clone of the bus.
    followers: Mutex<JoinSet<()>>,
}

/// The end of one topic.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Mutex<Kept>,
    moved: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Every record behind this position and up to `end` is here; nothing until the first look.
    begins: Option<i64>,
    end: i64,
    bytes: usize,
    records: VecDeque<Delivered>,
    /// Why the last look failed.
    failed: Option<BusError>,
}

/// What somebody finds who comes with a position.
#[derive(Debug)]
pub(super) enum Taken {
    /// What is behind it; nothing when there is nothing new.
    Records(Vec<Delivered>),
    /// It lies before what is kept, which begins behind `begins`.
    Older { begins: Option<i64> },
    /// The file could not be read.
    Failed(BusError),
}

impl Tails {
    pub(super) fn new(db: Db, topics: Topics, poll: Duration) -> Self {
        Self { db, topics, poll, tails: Mutex::default(), followers: Mutex::default() }
    }

    /// The end of a topic, which is followed from now on.
    pub(super) fn of(&self, topic: &str) -> Arc<Tail> {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tails.get(topic) {
            return Arc::clone(known);
        }
        let tail = Arc::new(Tail { kept: Mutex::default(), moved: watch::Sender::default() });
        tails.insert(topic.into(), Arc::clone(&tail));
        let (db, news, poll) = (self.db.clone(), self.topics.of(topic).subscribe(), self.poll);
        let following = follow(db, topic.into(), Arc::clone(&tail), news, poll);
        self.followers.lock().unwrap_or_else(PoisonError::into_inner).spawn(following);
        tail
    }
}

/// Keeps the end of a topic up to date.
async fn follow(db: Db, topic: Arc<str>, tail: Arc<Tail>, mut news: watch::Receiver<()>, poll: Duration) {
    loop {
        // Before the look, so that what is published during it is not slept over.
        news.mark_unchanged();
        match advance(&db, &topic, &tail).await {
            Ok(LOOK) => continue,
            Ok(_) => {}
            Err(error) => tail.fail(away(error)),
        }
        // Time runs out when another process may have published.
        if let Ok(Err(_)) = tokio::time::timeout(poll, news.changed()).await {
            return;
        }
    }
}

/// Looks once. Says how many records there were.
async fn advance(db: &Db, topic: &Arc<str>, tail: &Tail) -> Result<usize, DbError> {
    let Some(end) = tail.end() else {
        let sql = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'bus_record'), 0)";
        tail.begin(q!(db.read, scalar, sql)?);
        return Ok(LOOK);
    };
    let batch = look(db, topic, end, LOOK).await?;
    let found = batch.len();
    tail.add(batch);
    Ok(found)
}

impl Tail {
    /// Changes whenever there is something to take.
    pub(super) fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// At most `max` records behind a position.
    pub(super) fn take(&self, after: i64, max: usize) -> Taken {
        let kept = self.kept();
        if let Some(error) = &kept.failed {
            return Taken::Failed(error.clone());
        }
        if kept.begins.is_none_or(|begins| after < begins) {
            return Taken::Older { begins: kept.begins };
        }
        let from = kept.records.partition_point(|delivered| delivered.position <= after);
        Taken::Records(kept.records.iter().skip(from).take(max).cloned().collect())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) -> Option<i64> {
        let kept = self.kept();
        kept.begins.map(|_| kept.end)
    }

    fn begin(&self, at: i64) {
        let mut kept = self.kept();
        (kept.begins, kept.end) = (Some(at), at);
        drop(kept);
        self.moved.send_replace(());
    }

    fn add(&self, batch: Vec<Delivered>) {
        let mut kept = self.kept();
        if batch.is_empty() && kept.failed.is_none() {
            return;
        }
        kept.failed = None;
        for delivered in batch {
            kept.end = delivered.position;
            kept.bytes += delivered.record.body.len();
            kept.records.push_back(delivered);
        }
        while kept.records.len() > KEPT || kept.bytes > KEPT_BYTES && kept.records.len() > 1 {
            let Some(oldest) = kept.records.pop_front() else { break };
            kept.bytes -= oldest.record.body.len();
            kept.begins = Some(oldest.position);
        }
        drop(kept);
        self.moved.send_replace(());
    }

    fn fail(&self, error: BusError) {
        self.kept().failed = Some(error);
        self.moved.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Record;
    use uuid::Uuid;

    fn tail() -> Tail {
        Tail { kept: Mutex::default(), moved: watch::Sender::default() }
    }

    fn records(positions: impl IntoIterator<Item = i64>, bytes: usize) -> Vec<Delivered> {
        let record =
            || Record { topic: "t".into(), key: "k".into(), id: Uuid::nil(), body: vec![0; bytes].into() };
        positions.into_iter().map(|position| Delivered { partition: 0, position, record: record() }).collect()
    }

    fn positions(taken: Taken) -> Vec<i64> {
        match taken {
            Taken::Records(records) => records.into_iter().map(|delivered| delivered.position).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn who_stands_in_what_is_kept_gets_what_is_behind_and_no_more_than_asked() {
        let tail = tail();
        tail.begin(10);
        tail.add(records([11, 14, 15], 1));
        assert_eq!(positions(tail.take(10, 9)), [11, 14, 15]);
        assert_eq!(positions(tail.take(12, 1)), [14]);
        assert_eq!(positions(tail.take(15, 9)), [0_i64; 0]);
        // Somebody who was told of more than was read here yet.
        assert_eq!(positions(tail.take(20, 9)), [0_i64; 0]);
    }

    #[test]
    fn who_is_behind_what_is_kept_is_sent_to_the_file() {
        let tail = tail();
        assert!(matches!(tail.take(0, 9), Taken::Older { begins: None }));
        tail.begin(10);
        assert!(matches!(tail.take(9, 9), Taken::Older { begins: Some(10) }));
    }

    #[test]
    fn no_more_than_so_much_is_kept_and_nobody_takes_the_rest_for_all() {
        let (many, large) = (tail(), tail());
        many.begin(0);
        many.add(records(1..=KEPT as i64 + 3, 1));
        assert!(matches!(many.take(2, 1), Taken::Older { begins: Some(3) }));
        assert_eq!(positions(many.take(3, 1)), [4]);
        large.begin(0);
        large.add(records(1..=3, KEPT_BYTES));
        assert!(matches!(large.take(1, 1), Taken::Older { begins: Some(2) }));
        assert_eq!(positions(large.take(2, 1)), [3], "one record is always kept");
    }

    #[test]
    fn a_failed_look_is_told_until_one_succeeds() {
        let tail = tail();
        tail.begin(0);
        tail.fail(BusError::no_answer());
        assert!(matches!(tail.take(0, 1), Taken::Failed(_)));
        tail.add(Vec::new());
        assert_eq!(positions(tail.take(0, 1)), [0_i64; 0]);
    }
}
