//! From the data of any version to the type of today.

use super::{CloudEvent, Event};
use serde::Deserializer;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// Why data cannot be turned into that of the next version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct UpcastError(String);

impl UpcastError {
    /// With a reason, which repeats nothing of the data.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// There is no such version.
    #[must_use]
    pub fn unknown(version: u32) -> Self {
        Self(format!("there is no way on from version {version}"))
    }
}

/// Why an event cannot be read. No text of it repeats a value of the data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is of another type.
    #[error("this is {found}, not {expected}")]
    OtherType {
        /// The type that was asked for.
        expected: &'static str,
        /// The `type` of the event.
        found: String,
    },
    /// It is of a version that this code does not know yet: to be kept until it does.
    #[error("{kind} is of version {version}, and this process reads up to {known}")]
    Newer {
        /// The type.
        kind: &'static str,
        /// The version of the event.
        version: u32,
        /// The newest version that this code reads.
        known: u32,
    },
    /// It is old, and its data could not be turned into that of the next version.
    #[error("{kind} cannot be brought from version {version} to the next: {error}")]
    Upcast {
        /// The type.
        kind: &'static str,
        /// The version whose data it was.
        version: u32,
        /// Why.
        error: UpcastError,
    },
    /// The data is not what the type says.
    #[error("{kind}.v{version}: `{field}` {message}")]
    Invalid {
        /// The type.
        kind: &'static str,
        /// The version of the event.
        version: u32,
        /// The path of the field (`lines[1].quantity`); empty for the data as a whole.
        field: String,
        /// What is wrong with it.
        message: String,
    },
}

impl CloudEvent {
    /// The event, in the version of today: old data is upcast step by step.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read<E: Event>(&self) -> Result<E, ReadError> {
        let other = || ReadError::OtherType { expected: E::TYPE, found: self.kind.clone() };
        let (kind, version) = self.kind_and_version().ok_or_else(other)?;
        if kind != E::TYPE {
            return Err(other());
        }
        if version == E::VERSION {
            return typed::<E, _>(version, &mut serde_json::Deserializer::from_str(self.data.get()));
        }
        refuse_newer::<E>(version)?;
        read(version, typed_value::<E>(version, &self.data)?)
    }
}

/// The event whose data of `version` this is, in the version of today.
///
/// # Errors
/// See [`ReadError`]; all but [`ReadError::OtherType`].
pub fn read<E: Event>(version: u32, data: Value) -> Result<E, ReadError> {
    refuse_newer::<E>(version)?;
    let step = |data, version| {
        E::upcast(version, data).map_err(|error| ReadError::Upcast { kind: E::TYPE, version, error })
    };
    let newest = (version..E::VERSION).try_fold(data, step)?;
    typed::<E, _>(version, newest)
}

fn refuse_newer<E: Event>(version: u32) -> Result<(), ReadError> {
    if version > E::VERSION {
        return Err(ReadError::Newer { kind: E::TYPE, version, known: E::VERSION });
    }
    Ok(())
}

fn typed_value<E: Event>(version: u32, data: &RawValue) -> Result<Value, ReadError> {
    serde_json::from_str(data.get()).map_err(|_| ReadError::Invalid {
        kind: E::TYPE,
        version,
        field: String::new(),
        message: "is not JSON".to_owned(),
    })
}

fn typed<'de, E: Event, D: Deserializer<'de>>(version: u32, data: D) -> Result<E, ReadError> {
    serde_path_to_error::deserialize(data).map_err(|error| {
        let (field, message) = fault(&error.path().to_string(), &error.inner().to_string());
        ReadError::Invalid { kind: E::TYPE, version, field, message }
    })
}

/// The field and what is wrong with it, from serde's sentence, which may end with the value.
fn fault(path: &str, sentence: &str) -> (String, String) {
    let path = if path == "." { "" } else { path };
    if let Some(name) = sentence.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        let ends_with_name = path == name || path.ends_with(&format!(".{name}"));
        let field = match path {
            "" => name.to_owned(),
            _ if ends_with_name => path.to_owned(),
            _ => format!("{path}.{name}"),
        };
        return (field, "is missing".to_owned());
    }
    let sentence = sentence.split(" at line ").next().unwrap_or(sentence);
    let message = match sentence.rsplit_once(", expected ") {
        Some((_, expected)) => format!("is not {expected}"),
        None => "is not what its type allows".to_owned(),
    };
    (path.to_owned(), message)
}
