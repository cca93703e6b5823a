//! Event sourcing: aggregates whose state is what their events make of it, kept in the service's own database.
//!
//! A stream is the history of one aggregate (`order-<id>`). [`EventStore::append`] adds to it in the caller's
//! transaction, with the version that the caller saw: of two who saw the same version one gets a
//! [`Conflict`](AppendError::Conflict), and its transaction is still usable. An [`Aggregate`] is loaded from a snapshot
//! and the events after it, or as it was at a time. A [`Projection`] turns the events of all streams into a read model.
//!
//! What must hold:
//! - All events have one order, their position. It agrees with the order within each stream, and a reader never passes
//!   over an event: where a transaction that is still open may yet add one below what is visible, the reader waits.
//! - An event is never changed. One of an older version is upcast when it is read, as [`contract::event`] says.
//! - The times of a stream do not run backwards, whatever the clocks of its writers do.
//! - A snapshot is a shortcut and nothing else: without it, or with one of another shape, the state is the same.
//! - A projection's effect and its position are one transaction; one instance at a time works on it.
//!
//! What it does not do: it publishes nothing (the outbox does, in the same transaction), it deletes no history, and it
//! knows no subscriptions other than projections.

mod aggregate;
mod projection;
mod store;
mod stored;
mod tail;

pub use aggregate::{Aggregate, LoadError, Loaded};
pub use projection::{Generation, GenerationState, Projection, ProjectionStatus};
pub use stored::{AppendError, Expected, Recorded, StoredEvent, StreamId};
pub use tail::{Batch, Tail};

use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError, Tx};
use crate::stop::Stop;
use crate::wake::Wake;
use std::sync::Arc;

// What `stored_events!` is written with.
#[doc(hidden)]
pub use contract::event::{Event, ReadError, read};
#[doc(hidden)]
pub use serde_json::{Error as JsonError, Value as Json, to_value as to_json};

/// After every event: the last microsecond of the year 9999, which both engines hold.
const FOREVER: Ts = Ts::from_micros(253_402_300_799_999_999);

/// The event store of one service. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct EventStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    appended: Wake,
    clock: Clock,
}

impl EventStore {
    /// The store in `db`, which has the chassis' migrations. `appended` wakes the projections.
    #[must_use]
    pub fn new(db: Db, appended: Wake, clock: Clock) -> Self {
        Self(Arc::new(Inner { db, appended, clock }))
    }

    /// Appends events to a stream in the caller's transaction and returns the stream's version, which is the number of
    /// its events.
    ///
    /// Until that transaction ends, others who append to the same stream wait.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when the stream is not at the expected version: nothing was appended and the
    /// transaction goes on. Otherwise when the database fails, there are no events, or one cannot be written as JSON.
    pub async fn append<E: StoredEvent>(
        &self,
        t: &mut Tx,
        stream: &StreamId,
        expected: Expected,
        events: &[E],
    ) -> Result<i64, AppendError> {
        let (version, _) = self.append_at(t, stream, expected, events).await?;
        Ok(version)
    }

    async fn append_at<E: StoredEvent>(
        &self,
        t: &mut Tx,
        stream: &StreamId,
        expected: Expected,
        events: &[E],
    ) -> Result<(i64, Ts), AppendError> {
        let new = stored::to_new(events)?;
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let now = self.0.clock.now();
        let Some(head) = store::move_head(t, stream.as_str(), expected, count, now).await? else {
            let actual = store::version(t, stream.as_str()).await?;
            return Err(AppendError::Conflict { stream: stream.clone(), expected, actual });
        };
        store::insert(t, stream.as_str(), head.version - count, &new, head.at).await?;
        let appended = self.0.appended.clone();
        t.after_commit(move || appended.all());
        Ok((head.version, head.at))
    }

    /// At most `limit` events of a stream with a version above `after` (0 for all), oldest first.
    ///
    /// # Errors
    /// When the database fails, or a row is not one of ours.
    pub async fn read(&self, stream: &StreamId, after: i64, limit: u32) -> Result<Vec<Recorded>, DbError> {
        let rows = store::read(&self.0.db, stream.as_str(), after, FOREVER, limit).await?;
        rows.into_iter().map(Recorded::try_from).collect()
    }

    /// A reader of the events of all streams, in the order of their positions.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail::new(self.clone())
    }

    /// Keeps a projection up to date until the stop. Any number of processes may run it; one at a time works.
    pub async fn project_until<P: Projection>(&self, projection: P, stop: Stop) {
        projection::Worker::new(self.clone(), projection).run(stop).await;
    }

    /// Asks for a projection to be built anew from the first event, while the one that there is goes on. Says whether
    /// it was asked for: `false` when it is being built already, or no instance has ever run it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rebuild(&self, t: &mut Tx, projection: &str) -> Result<bool, DbError> {
        let asked = projection::rebuild(t, projection, self.0.clock.now()).await?;
        let appended = self.0.appended.clone();
        t.after_commit(move || appended.all());
        Ok(asked)
    }

    /// How far each projection is, by name and generation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projections(&self) -> Result<Vec<ProjectionStatus>, DbError> {
        projection::statuses(&self.0.db).await
    }
}
