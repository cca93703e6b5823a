//! What is known about an event without having one: for the service's declaration and for AsyncAPI.

use super::{CloudEvent, Event, ReadError, read};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// An event, its type put aside. Made in a `const`, where a name or a list of versions that breaks the rules does not
/// compile.
#[derive(Debug, Clone, Copy)]
pub struct EventSpec {
    /// Its name without the version: `order.created`.
    pub kind: &'static str,
    /// The version that is published.
    pub version: u32,
    /// One line about it.
    pub about: &'static str,
    /// The versions before, from 1 on.
    pub older: &'static [OlderVersion],
    schema: fn() -> EventSchema,
    check: fn(u32, Value) -> Result<(), ReadError>,
}

/// A version that is not published any more, but may still be read.
#[derive(Debug, Clone, Copy)]
pub struct OlderVersion {
    /// Which version.
    pub version: u32,
    schema: fn() -> EventSchema,
}

/// The JSON schema of an event's data.
#[derive(Clone)]
pub struct EventSchema {
    /// The name of the type.
    pub name: String,
    /// Its schema, which refers to `parts` by `#/components/schemas/<name>`.
    pub schema: RefOr<Schema>,
    /// The schemas of the types in it, by name.
    pub parts: Vec<(String, RefOr<Schema>)>,
}

impl std::fmt::Debug for EventSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventSchema").field("name", &self.name).finish_non_exhaustive()
    }
}

impl EventSchema {
    fn of<T: ToSchema>() -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name: T::name().into_owned(), schema: T::schema(), parts }
    }
}

impl OlderVersion {
    /// The type that a version had.
    #[must_use]
    pub const fn of<T: Serialize + DeserializeOwned + ToSchema>(version: u32) -> Self {
        Self { version, schema: EventSchema::of::<T> }
    }

    /// The schema of its data.
    #[must_use]
    pub fn schema(&self) -> EventSchema {
        (self.schema)()
    }
}

impl EventSpec {
    /// The declaration of an event.
    ///
    /// # Panics
    /// In a `const`, that is: it does not compile when the name is not `noun.verb`, when the version is 0, or when
    /// [`Event::OLDER`] is not the list of all versions before this one.
    #[must_use]
    pub const fn of<E: Event>() -> Self {
        const {
            assert!(is_name(E::TYPE), "an event's TYPE is noun.verb in a-z, 0-9 and _");
            assert!(E::VERSION >= 1, "versions of an event begin with 1");
            assert!(
                are_all_before(E::OLDER, E::VERSION),
                "OLDER names every version before VERSION, from 1 on"
            );
        }
        Self {
            kind: E::TYPE,
            version: E::VERSION,
            about: E::ABOUT,
            older: E::OLDER,
            schema: EventSchema::of::<E>,
            check: |version, data| read::<E>(version, data).map(drop),
        }
    }

    /// The type on the wire: `order.created.v1`.
    #[must_use]
    pub fn wire_type(&self) -> String {
        wire_type(self.kind, self.version)
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &'static str {
        super::topic_of(self.kind)
    }

    /// The schema of the data.
    #[must_use]
    pub fn schema(&self) -> EventSchema {
        (self.schema)()
    }

    /// Whether data of a version can be read, upcast where it is old. What an operator edits goes through this before
    /// it is replayed.
    ///
    /// # Errors
    /// As [`read`].
    pub fn check(&self, version: u32, data: Value) -> Result<(), ReadError> {
        (self.check)(version, data)
    }

    /// Whether an event is of this type, in any version.
    #[must_use]
    pub fn is_of(&self, event: &CloudEvent) -> bool {
        event.kind_and_version().is_some_and(|(kind, _)| kind == self.kind)
    }
}

/// The type on the wire: `order.created` and 2 make `order.created.v2`.
#[must_use]
pub fn wire_type(kind: &str, version: u32) -> String {
    format!("{kind}.v{version}")
}

/// One dot, and on both sides of it a word that begins with a letter.
const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (mut place, mut dots, mut word) = (0, 0, 0);
    while place < bytes.len() {
        match bytes[place] {
            b'.' if word > 0 => {
                dots += 1;
                word = 0;
            }
            b'a'..=b'z' => word += 1,
            b'0'..=b'9' | b'_' if word > 0 => word += 1,
            _ => return false,
        }
        place += 1;
    }
    dots == 1 && word > 0
}

const fn are_all_before(older: &[OlderVersion], version: u32) -> bool {
    let (mut place, mut expected) = (0, 1);
    while place < older.len() {
        if older[place].version != expected {
            return false;
        }
        place += 1;
        expected += 1;
    }
    expected == version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_noun_and_a_verb() {
        for good in ["entry.posted", "user.e_mail2_changed"] {
            assert!(is_name(good), "{good}");
        }
        for bad in
            ["", "entry", "entry.", ".posted", "a.b.c", "Entry.posted", "entry.2nd", "entry posted.x", "a..b"]
        {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn every_version_before_is_named() {
        let older = |version| OlderVersion::of::<String>(version);
        assert!(are_all_before(&[], 1));
        assert!(are_all_before(&[older(1), older(2)], 3));
        assert!(!are_all_before(&[], 2));
        assert!(!are_all_before(&[older(2)], 3));
        assert!(!are_all_before(&[older(1), older(2)], 2));
    }
}
