//! Events: facts that a service publishes, in envelopes that any CloudEvents 1.0 tool reads.
//!
//! An event is a type of this crate that implements [`Event`]: its name (`order.created`), its version, its key. On the
//! wire it is the `data` of a [`CloudEvent`] whose `type` is `order.created.v1`. The part of the name before the dot is
//! the topic ([`topic_of`]); the key is the id of the aggregate, and events of one key keep their order.
//!
//! What must hold:
//! - A published version never changes but by an optional field more. Everything else is a new version: the old type
//!   stays, named in [`Event::OLDER`], and [`Event::upcast`] turns its data into that of the next version.
//! - Who reads always gets the newest version: [`CloudEvent::read`] upcasts step by step. A version that is newer than
//!   the reader's code is [`ReadError::Newer`]: to be kept for later, not to be dropped.
//! - Unknown fields of the data are ignored, so that an optional field more does not stop an older reader: a type of
//!   this kind has no `deny_unknown_fields`.
//! - No error repeats a value of the data.
//!
//! What it does not do: it carries no binary data (`data_base64`) and knows no broker.

mod attributes;
mod envelope;
mod read;
mod spec;

pub use attributes::EnvelopeError;
pub use envelope::CloudEvent;
pub use read::{ReadError, UpcastError, read};
pub use spec::{EventSchema, EventSpec, OlderVersion, wire_type};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;

/// A fact that a service publishes.
///
/// ```
/// # use contract::event::{Event, OlderVersion, UpcastError};
/// # use serde::{Deserialize, Serialize};
/// # use serde_json::Value;
/// /// What `order.created.v1` said.
/// #[derive(Serialize, Deserialize, utoipa::ToSchema)]
/// struct OrderCreatedV1 { order: String, total: i64 }
///
/// #[derive(Serialize, Deserialize, utoipa::ToSchema)]
/// struct OrderCreated { order: String, total: i64, currency: String }
///
/// impl Event for OrderCreated {
///     const TYPE: &'static str = "order.created";
///     const VERSION: u32 = 2;
///     const ABOUT: &'static str = "An order was placed.";
///     const OLDER: &'static [OlderVersion] = &[OlderVersion::of::<OrderCreatedV1>(1)];
///
///     fn key(&self) -> String {
///         self.order.clone()
///     }
///
///     fn upcast(version: u32, mut data: Value) -> Result<Value, UpcastError> {
///         match version {
///             1 => data["currency"] = "EUR".into(),
///             _ => return Err(UpcastError::unknown(version)),
///         }
///         Ok(data)
///     }
/// }
/// ```
pub trait Event: Serialize + DeserializeOwned + ToSchema + Send + Sync + 'static {
    /// Its name without the version: a noun, a dot, a verb in the past tense, in `a-z`, `0-9` and `_`
    /// (`order.created`). The noun is the topic.
    const TYPE: &'static str;

    /// The version that this type is, from 1.
    const VERSION: u32;

    /// One line about it, for the AsyncAPI document.
    const ABOUT: &'static str;

    /// All versions before this one, from 1 on. They stay described as long as anybody may hold one.
    const OLDER: &'static [OlderVersion] = &[];

    /// The id of the aggregate: `subject` of the envelope and partition key. Not empty.
    fn key(&self) -> String;

    /// Turns the data of `version`, which is below [`Event::VERSION`], into the data of `version + 1`.
    ///
    /// # Errors
    /// When there is no such version, or the data is not of it.
    fn upcast(version: u32, data: Value) -> Result<Value, UpcastError> {
        drop(data);
        Err(UpcastError::unknown(version))
    }
}

/// Declares events that have the same key field and no older versions.
macro_rules! events {
    ($key:ident: $($event:ident = $kind:literal, $version:literal, $about:literal;)+) => {$(
        impl $crate::event::Event for $event {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = $version;
            const ABOUT: &'static str = $about;

            fn key(&self) -> String {
                self.$key.to_string()
            }
        }
    )+};
}

pub(crate) use events;

/// The topic of a type: what stands before the first dot.
///
/// ```
/// assert_eq!(contract::event::topic_of("order.created"), "order");
/// assert_eq!(contract::event::topic_of("order.created.v2"), "order");
/// ```
#[must_use]
pub fn topic_of(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

#[cfg(test)]
mod tests;
