//! What the CloudEvents specification and this platform ask of each attribute of an envelope.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use thiserror::Error;
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// The attribute of an envelope that is wrong. The message does not repeat its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("CloudEvents attribute `{attribute}` {message}")]
pub struct EnvelopeError {
    /// The attribute; empty when the envelope as a whole is wrong.
    pub attribute: Cow<'static, str>,
    /// What is wrong with it.
    pub message: &'static str,
}

impl EnvelopeError {
    pub(super) fn new(attribute: impl Into<Cow<'static, str>>, message: &'static str) -> Self {
        Self { attribute: attribute.into(), message }
    }
}

type Checked<T> = Result<T, EnvelopeError>;

/// The attributes of an envelope as they came, in a text that is not copied. Reading takes out what is known.
pub(super) struct Attributes<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Attributes<'a> {
    pub(super) fn parse(json: &'a [u8]) -> Checked<Self> {
        let malformed = |_| EnvelopeError::new("", "cannot be found: this is not a JSON object");
        let attributes: Self = serde_json::from_slice(json).map_err(malformed)?;
        let mut names: Vec<&str> = attributes.0.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(EnvelopeError::new(twice[0].to_owned(), "is there more than once")),
            None => Ok(attributes),
        }
    }

    /// Its value, unless it is absent, or null, which means the same.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let place = self.0.iter().position(|(own, _)| own == name)?;
        let (_, value) = self.0.swap_remove(place);
        (value.get() != "null").then_some(value)
    }

    /// A text, which is not empty.
    pub(super) fn text(&mut self, name: &'static str) -> Checked<Option<String>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text: String =
            serde_json::from_str(value.get()).map_err(|_| EnvelopeError::new(name, "is not a text"))?;
        check_text(name, &text)?;
        Ok(Some(text))
    }

    pub(super) fn needed(&mut self, name: &'static str) -> Checked<String> {
        self.text(name)?.ok_or_else(|| EnvelopeError::new(name, "is missing"))
    }

    /// What is left: extensions. Those that no producer may send are passed over.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter().filter_map(|(name, value)| {
            let value = serde_json::from_str(value.get()).ok()?;
            check_extension(&name, &value).ok()?;
            Some((name.into_owned(), value))
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some(Name(name)) = map.next_key()? {
                    pairs.push((name, map.next_value()?));
                }
                Ok(Attributes(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A text of the specification: not empty, no control characters.
pub(super) fn check_text(name: &'static str, text: &str) -> Checked<()> {
    if text.is_empty() {
        return Err(EnvelopeError::new(name, "is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(EnvelopeError::new(name, "has control characters"));
    }
    Ok(())
}

/// A reference to a resource (RFC 3986, section 4.1), by its characters.
pub(super) fn check_uri_reference(name: &'static str, text: &str) -> Checked<()> {
    check_text(name, text)?;
    let bytes = text.as_bytes();
    let allowed = |(place, byte): (usize, &u8)| match byte {
        b'%' => matches!(bytes.get(place + 1..place + 3), Some(hex) if hex.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    };
    if bytes.iter().enumerate().all(allowed) {
        return Ok(());
    }
    Err(EnvelopeError::new(name, "is not a URI reference"))
}

/// An absolute URI (RFC 3986, section 4.3): one with a scheme.
pub(super) fn check_uri(name: &'static str, text: &str) -> Checked<()> {
    check_uri_reference(name, text)?;
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(allowed) {
        return Ok(());
    }
    Err(EnvelopeError::new(name, "is not an absolute URI"))
}

/// The trace context (W3C, section 3.2.2), by its shape; the tracer judges the rest.
pub(super) fn check_traceparent(text: &str) -> Checked<()> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let lengths = [2, 32, 16, 2];
    let mut parts = text.split('-');
    let fits = lengths
        .iter()
        .all(|length| parts.next().is_some_and(|part| part.len() == *length && part.bytes().all(hex)));
    if fits && (parts.next().is_none() || !text.starts_with("00")) {
        return Ok(());
    }
    Err(EnvelopeError::new("traceparent", "is not a trace context"))
}

/// An extension: its name is of `a-z` and `0-9`, and its value is a boolean, a whole number of 32 bits, or a text.
pub(super) fn check_extension(name: &str, value: &Value) -> Checked<()> {
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !named || KNOWN.contains(&name) {
        return Err(EnvelopeError::new(name.to_owned(), "is not the name of an extension"));
    }
    let allowed = match value {
        Value::Bool(_) => true,
        Value::Number(number) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Value::String(text) => !text.chars().any(char::is_control),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    if allowed {
        return Ok(());
    }
    Err(EnvelopeError::new(name.to_owned(), "is not a boolean, a number of 32 bits or a text"))
}

/// Names that are no extensions of somebody else's.
const KNOWN: [&str; 13] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "traceparent",
    "tracestate",
    "correlationid",
    "data",
    "database64",
];

pub(super) fn read_id(text: &str) -> Checked<Uuid> {
    text.parse().map_err(|_| EnvelopeError::new("id", "is not a UUID"))
}

pub(super) fn read_time(text: &str) -> Checked<OffsetDateTime> {
    let time =
        OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|time| time.checked_to_offset(UtcOffset::UTC));
    time.ok_or_else(|| EnvelopeError::new("time", "is not an RFC 3339 time"))
}

pub(super) fn write_time(time: OffsetDateTime) -> Checked<String> {
    let utc = time.checked_to_offset(UtcOffset::UTC).and_then(|time| time.format(&Rfc3339).ok());
    utc.ok_or_else(|| EnvelopeError::new("time", "is not within the years 0 to 9999"))
}

/// JSON in one of its names; absent means `application/json`.
pub(super) fn check_content_type(text: &str) -> Checked<()> {
    let media_type = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (main, sub) = media_type.split_once('/').unwrap_or_default();
    if !main.is_empty() && (sub == "json" || sub.ends_with("+json")) {
        return Ok(());
    }
    Err(EnvelopeError::new("datacontenttype", "is not a type of JSON"))
}
