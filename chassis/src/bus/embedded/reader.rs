//! Reading a topic of the embedded log.

use super::tail::{Tail, Taken};
use super::{BusError, away};
use crate::bus::{Delivered, Record};
use crate::db::{Db, DbError};
use crate::q;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::watch;
use uuid::Uuid;

/// Reads one topic of the embedded log: what is older than the end that is kept for all from the file, then that end.
#[derive(Debug)]
pub(in crate::bus) struct Reader {
    db: Db,
    topic: Arc<str>,
    after: i64,
    tail: Arc<Tail>,
    moved: watch::Receiver<()>,
}

impl Reader {
    pub(super) fn new(db: Db, topic: &str, after: i64, tail: Arc<Tail>) -> Self {
        let moved = tail.moved();
        Self { db, topic: topic.into(), after, tail, moved }
    }

    pub(in crate::bus) async fn next(&mut self, max: usize) -> Result<Vec<Delivered>, BusError> {
        loop {
            // Before the look, so that what arrives during it is not slept over.
            self.moved.mark_unchanged();
            let batch = match self.tail.take(self.after, max) {
                Taken::Records(batch) => batch,
                Taken::Older { begins } => {
                    let batch = look(&self.db, &self.topic, self.after, max).await.map_err(away)?;
                    if let (true, Some(begins)) = (batch.is_empty(), begins) {
                        // Nothing lies between: whatever comes is in what is kept.
                        self.after = begins;
                        continue;
                    }
                    batch
                }
                Taken::Failed(error) => return Err(error),
            };
            if let Some(last) = batch.last() {
                self.after = last.position;
                return Ok(batch);
            }
            if self.moved.changed().await.is_err() {
                return Err(BusError::closed());
            }
        }
    }
}

/// What stands in the file behind a position.
pub(super) async fn look(
    db: &Db,
    topic: &Arc<str>,
    after: i64,
    max: usize,
) -> Result<Vec<Delivered>, DbError> {
    let most = i64::try_from(max).unwrap_or(i64::MAX);
    let rows: Vec<(i64, String, Uuid, Vec<u8>)> = q!(
        db.read,
        fetch_all,
        "SELECT position, key, id, body FROM bus_record WHERE topic = $1 AND position > $2
         ORDER BY position LIMIT $3",
        &**topic,
        after,
        most
    )?;
    let delivered = |(position, key, id, body): (i64, String, Uuid, Vec<u8>)| Delivered {
        partition: 0,
        position,
        record: Record { topic: Arc::clone(topic), key: key.into(), id, body: Bytes::from(body) },
    };
    Ok(rows.into_iter().map(delivered).collect())
}
