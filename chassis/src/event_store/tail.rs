//! The events of all streams in one order, with none passed over.
//!
//! On PostgreSQL a position is drawn when an event is inserted and becomes visible when its transaction commits, so a
//! reader may see position 8 while 7 is still to come, or never comes because its transaction was rolled back. A gap is
//! therefore waited for until every transaction that was open when the gap was seen has ended: appending numbers the
//! transaction before it draws a position ([`store::move_head`]), so whoever holds the 7 has a lower number than a
//! transaction that is begun after the 8 was seen.

use super::EventStore;
use super::store::{self, TailRow};
use super::stored::Recorded;
use crate::db::{DbError, Engine};

/// A reader of all streams, from [`EventStore::tail`].
#[derive(Debug)]
pub struct Tail {
    store: EventStore,
    barrier: Option<Barrier>,
}

/// Positions below `below` that are absent stay absent once all transactions below `transaction` have ended.
#[derive(Debug, Clone, Copy)]
struct Barrier {
    below: i64,
    transaction: i64,
}

/// What there is behind a position.
#[derive(Debug)]
pub struct Batch {
    /// The events, by position.
    pub events: Vec<Recorded>,
    /// Whether these are all that there are for now, also of transactions that are still open.
    pub is_last: bool,
}

impl Tail {
    pub(super) fn new(store: EventStore) -> Self {
        Self { store, barrier: None }
    }

    /// At most `limit` events behind a position, 0 being before the first. It does not wait for events; where one may
    /// yet come before those that are visible, it ends there.
    ///
    /// # Errors
    /// When the database fails, or a row is not one of ours.
    pub async fn next(&mut self, after: i64, limit: usize) -> Result<Batch, DbError> {
        let db = &self.store.0.db;
        let asked = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = store::tail(db, after, asked).await?;
        let mut sure = self.sure(db.engine(), after, &rows);
        if let Some(last) = rows.last().filter(|_| sure < rows.len() && !self.covers(&rows[sure])) {
            let below = last.row.position;
            self.barrier = Some(Barrier { below, transaction: store::next_transaction(db).await? });
            rows = store::tail(db, after, asked).await?;
            sure = self.sure(db.engine(), after, &rows);
        }
        let is_last = rows.len() < limit && sure == rows.len();
        rows.truncate(sure);
        let events = rows.into_iter().map(|row| Recorded::try_from(row.row)).collect::<Result<_, _>>()?;
        Ok(Batch { events, is_last })
    }

    /// How many of the rows have nothing to come before them.
    fn sure(&self, engine: Engine, after: i64, rows: &[TailRow]) -> usize {
        if engine == Engine::Sqlite {
            return rows.len();
        }
        let mut expected = after + 1;
        for (place, found) in rows.iter().enumerate() {
            let position = found.row.position;
            let settled =
                |barrier: Barrier| position <= barrier.below && found.ended_below >= barrier.transaction;
            if position != expected && !self.barrier.is_some_and(settled) {
                return place;
            }
            expected = position + 1;
        }
        rows.len()
    }

    /// Whether a barrier for the gap before this row stands already.
    fn covers(&self, found: &TailRow) -> bool {
        self.barrier.is_some_and(|barrier| found.row.position <= barrier.below)
    }
}
