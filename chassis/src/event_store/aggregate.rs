//! Aggregates: state that is what the events of one stream make of it.

use super::store::{self, Head};
use super::stored::{AppendError, Expected, Recorded, StoredEvent, StreamId};
use super::{EventStore, FOREVER};
use crate::clock::Ts;
use crate::db::{DbError, Tx};
use contract::event::ReadError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use uuid::Uuid;

/// Events read at once.
const PAGE: u32 = 1_000;

/// State that is made of events and of nothing else.
pub trait Aggregate: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What happens to it.
    type Event: StoredEvent;

    /// Its name, the beginning of its streams: `order`.
    const NAME: &'static str;

    /// The version of this type's shape. Raise it when the fields, or what [`Aggregate::apply`] makes of an event,
    /// change: snapshots of another shape are not used.
    const SNAPSHOT_VERSION: u32;

    /// Events between two snapshots.
    const SNAPSHOT_EVERY: i64 = 100;

    /// Takes in what happened. It cannot refuse: what is in the stream is true.
    fn apply(&mut self, event: Self::Event);
}

/// An aggregate as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<A> {
    /// Its id.
    pub id: Uuid,
    /// The version of the stream that it is of; 0 when there is no stream.
    pub version: i64,
    /// What the events made of it.
    pub state: A,
}

/// Why an aggregate could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// An event of its stream cannot be read, for example because newer code wrote it.
    #[error("event {version} of {stream} cannot be read: {error}")]
    Unreadable {
        /// The stream.
        stream: StreamId,
        /// The event's place in it.
        version: i64,
        /// Why.
        #[source]
        error: ReadError,
    },
    /// An event of its stream is of a type that the aggregate does not name.
    #[error("event {version} of {stream} is of the type {kind}, which is none of its types")]
    Unknown {
        /// The stream.
        stream: StreamId,
        /// The event's place in it.
        version: i64,
        /// The type.
        kind: String,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl<A: Aggregate> Loaded<A> {
    /// The stream of it.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId::new(A::NAME, self.id)
    }

    /// What was kept, or nothing yet when that cannot be read.
    fn of_snapshot(id: Uuid, kept: Option<store::Snapshot>) -> Self {
        let kept = kept.and_then(|kept| Some((serde_json::from_str(&kept.state).ok()?, kept.version)));
        let (state, version) = kept.unwrap_or_default();
        Self { id, version, state }
    }

    fn apply(&mut self, event: Recorded) -> Result<(), LoadError> {
        let (stream, version, kind) = (event.stream.clone(), event.version, event.kind.clone());
        match event.into_stored() {
            Ok(Some(event)) => self.state.apply(event),
            Ok(None) => return Err(LoadError::Unknown { stream, version, kind }),
            Err(error) => return Err(LoadError::Unreadable { stream, version, error }),
        }
        self.version = version;
        Ok(())
    }
}

impl EventStore {
    /// An aggregate as it is now, as far as it is committed. One that does not exist is at version 0.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn load<A: Aggregate>(&self, id: Uuid) -> Result<Loaded<A>, LoadError> {
        self.load_at(id, FOREVER).await
    }

    /// An aggregate as it was at a time: with the events that were appended until then.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn load_at<A: Aggregate>(&self, id: Uuid, until: Ts) -> Result<Loaded<A>, LoadError> {
        let mut loaded = self.kept_state(id, until).await?;
        let stream = StreamId::new(A::NAME, id);
        loop {
            let rows = store::read(&self.0.db, stream.as_str(), loaded.version, until, PAGE).await?;
            let is_last = rows.len() < PAGE as usize;
            for row in rows {
                loaded.apply(Recorded::try_from(row)?)?;
            }
            if is_last {
                return Ok(loaded);
            }
        }
    }

    /// An aggregate as it is within the caller's transaction, and held: nobody else appends to it until that ends, so what
    /// is decided on it is appended without a conflict. Hold one aggregate only, or several in one order everywhere.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn hold<A: Aggregate>(&self, t: &mut Tx, id: Uuid) -> Result<Loaded<A>, LoadError> {
        let stream = StreamId::new(A::NAME, id);
        let version = store::lock(t, stream.as_str()).await?;
        let kept = match version < A::SNAPSHOT_EVERY {
            true => None,
            false => store::snapshot_in(t, stream.as_str(), A::SNAPSHOT_VERSION, FOREVER).await?,
        };
        let mut loaded = Loaded::of_snapshot(id, kept);
        while loaded.version < version {
            let rows = store::read_in(t, stream.as_str(), loaded.version, FOREVER, PAGE).await?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                loaded.apply(Recorded::try_from(row)?)?;
            }
        }
        Ok(loaded)
    }

    async fn kept_state<A: Aggregate>(&self, id: Uuid, until: Ts) -> Result<Loaded<A>, DbError> {
        let stream = StreamId::new(A::NAME, id);
        let kept = store::snapshot(&self.0.db, stream.as_str(), A::SNAPSHOT_VERSION, until).await?;
        Ok(Loaded::of_snapshot(id, kept))
    }

    /// Appends to an aggregate what was decided on its state, and keeps a snapshot when one is due. Returns it as it
    /// is once the transaction commits.
    ///
    /// # Errors
    /// As [`EventStore::append`]; after a conflict load it again and decide again.
    pub async fn save<A: Aggregate>(
        &self,
        t: &mut Tx,
        mut loaded: Loaded<A>,
        events: Vec<A::Event>,
    ) -> Result<Loaded<A>, AppendError> {
        let (stream, before) = (loaded.stream(), loaded.version);
        let (version, at) = self.append_at(t, &stream, Expected::Version(before), &events).await?;
        events.into_iter().for_each(|event| loaded.state.apply(event));
        loaded.version = version;
        if before / A::SNAPSHOT_EVERY != version / A::SNAPSHOT_EVERY {
            let state = serde_json::to_string(&loaded.state).map_err(AppendError::Unwritable)?;
            let head = Head { version, at };
            store::keep_snapshot(t, stream.as_str(), A::SNAPSHOT_VERSION, head, &state).await?;
        }
        Ok(loaded)
    }
}
