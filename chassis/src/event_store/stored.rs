//! What goes into a stream and what comes out of it.

use super::store::Row;
use crate::clock::Ts;
use crate::db::DbError;
use contract::event::{Event, ReadError};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use thiserror::Error;
use uuid::Uuid;

/// The name of a stream: the aggregate's name, a hyphen and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// The stream of one aggregate: `order` and an id make `order-0199a6d2-...`.
    #[must_use]
    pub fn new(aggregate: &str, id: Uuid) -> Self {
        Self(format!("{aggregate}-{id}"))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the caller believes a stream to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Not there yet.
    NoStream,
    /// At this version; 0 means [`Expected::NoStream`].
    Version(i64),
    /// Wherever it is: for events that are true in any order.
    Any,
}

/// Why events were not appended.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The stream is at another version: somebody else was first. Load it again and decide again.
    #[error("{stream} is at version {actual}, which is not what was expected ({expected:?})")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// What the caller expected.
        expected: Expected,
        /// Where it is; 0 when it is not there.
        actual: i64,
    },
    /// There were no events to append.
    #[error("no events to append")]
    Nothing,
    /// An event cannot be written as JSON.
    #[error("an event cannot be written as JSON: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// One of the events that a stream holds: an enum that [`stored_events!`](crate::stored_events) makes from types of
/// [`Event`].
pub trait StoredEvent: Sized + Send + Sync + 'static {
    /// The type without its version.
    fn kind(&self) -> &'static str;

    /// The version that it is written with.
    fn version(&self) -> u32;

    /// Its data.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    fn to_value(&self) -> Result<Value, serde_json::Error>;

    /// The event from its data, upcast when it is old. `None` when no type of the stream is called `kind`.
    ///
    /// # Errors
    /// As [`contract::event::read`].
    fn from_stored(kind: &str, version: u32, data: Value) -> Result<Option<Self>, ReadError>;
}

/// Declares the events of a stream: an enum of types that implement [`Event`], with [`StoredEvent`] for it.
///
/// ```ignore
/// chassis::stored_events! {
///     /// What happens to an order.
///     pub enum OrderEvent {
///         /// It was placed.
///         Placed(OrderPlaced),
///         /// It was paid.
///         Paid(OrderPaid),
///     }
/// }
/// ```
#[macro_export]
macro_rules! stored_events {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$on:meta])* $variant:ident($event:ty)),+ $(,)? }) => {
        $(#[$meta])*
        $vis enum $name { $($(#[$on])* $variant($event)),+ }

        impl $crate::event_store::StoredEvent for $name {
            fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => <$event as $crate::event_store::Event>::TYPE),+ }
            }

            fn version(&self) -> u32 {
                match self { $(Self::$variant(_) => <$event as $crate::event_store::Event>::VERSION),+ }
            }

            fn to_value(&self) -> Result<$crate::event_store::Json, $crate::event_store::JsonError> {
                match self { $(Self::$variant(event) => $crate::event_store::to_json(event)),+ }
            }

            fn from_stored(
                kind: &str,
                version: u32,
                data: $crate::event_store::Json,
            ) -> Result<Option<Self>, $crate::event_store::ReadError> {
                $(if kind == <$event as $crate::event_store::Event>::TYPE {
                    return $crate::event_store::read::<$event>(version, data).map(|event| Some(Self::$variant(event)));
                })+
                Ok(None)
            }
        }
    };
}

/// An event that is about to be appended.
#[derive(Debug, Serialize)]
pub(super) struct NewEvent {
    kind: &'static str,
    version: u32,
    data: String,
}

pub(super) fn to_new<E: StoredEvent>(events: &[E]) -> Result<Vec<NewEvent>, AppendError> {
    if events.is_empty() {
        return Err(AppendError::Nothing);
    }
    let new = |event: &E| {
        let data = event.to_value().map_err(AppendError::Unwritable)?.to_string();
        Ok(NewEvent { kind: event.kind(), version: event.version(), data })
    };
    events.iter().map(new).collect()
}

/// An event as it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place among all events.
    pub position: i64,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// When it was appended.
    pub at: Ts,
    /// Its type without the version: `order.placed`.
    pub kind: String,
    /// The version that its data is of.
    pub kind_version: u32,
    data: Value,
}

impl Recorded {
    /// The event, upcast when it is old; `None` when it is of another type.
    ///
    /// # Errors
    /// As [`contract::event::read`].
    pub fn read<E: Event>(&self) -> Result<Option<E>, ReadError> {
        if self.kind != E::TYPE {
            return Ok(None);
        }
        contract::event::read(self.kind_version, self.data.clone()).map(Some)
    }

    /// The event as one of those that a stream holds, upcast when it is old; `None` when it is none of them.
    ///
    /// # Errors
    /// As [`contract::event::read`].
    pub fn into_stored<E: StoredEvent>(self) -> Result<Option<E>, ReadError> {
        E::from_stored(&self.kind, self.kind_version, self.data)
    }
}

impl TryFrom<Row> for Recorded {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let corrupt = |what: &str| DbError::Decode(format!("event {}: {what}", row.position).into());
        let data = serde_json::from_str(&row.data).map_err(|_| corrupt("its data is not JSON"))?;
        let kind_version =
            u32::try_from(row.kind_version).map_err(|_| corrupt("its version is out of range"))?;
        let Row { position, stream, version, kind, at, .. } = row;
        Ok(Self { position, stream: StreamId(stream), version, at, kind, kind_version, data })
    }
}
