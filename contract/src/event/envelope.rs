//! The envelope: a CloudEvents 1.0.2 document in the structured JSON format.
//!
//! The specification leaves `subject`, `time` and the form of `id` to the producer. On this platform the subject is the
//! partition key and the id tells a repetition from a new event, so here all three must be there and the id is a UUID.

use super::attributes::{
    Attributes, EnvelopeError, check_content_type, check_extension, check_text, check_traceparent, check_uri,
    check_uri_reference, read_id, read_time, write_time,
};
use super::{Event, topic_of, wire_type};
use serde::Serialize;
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// An event in its envelope.
///
/// The fields are checked when it is read and again when it is written: neither a peer nor a slip of ours puts a
/// document on the wire that another tool refuses.
#[derive(Debug, Clone)]
pub struct CloudEvent {
    /// Which event it is: together with the source the same only for the same event, however often it is delivered.
    pub id: Uuid,
    /// Who published it, a URI reference: `/auth`.
    pub source: String,
    /// What it is, with its version: `order.created.v1`. On the wire `type`.
    pub kind: String,
    /// The id of the aggregate, which is the partition key.
    pub subject: String,
    /// When it happened; in UTC on the wire.
    pub time: OffsetDateTime,
    /// Where its schema is, an absolute URI.
    pub data_schema: Option<String>,
    /// The trace it belongs to (W3C Trace Context).
    pub traceparent: Option<String>,
    /// What else belongs to the trace.
    pub tracestate: Option<String>,
    /// What all that follows from one user action has in common. On the wire `correlationid`.
    pub correlation_id: Option<String>,
    /// Attributes of others, kept as they came: booleans, numbers of 32 bits, texts.
    pub extensions: BTreeMap<String, Value>,
    /// What happened, as JSON.
    pub data: Box<RawValue>,
}

impl CloudEvent {
    /// The media type of the document.
    pub const MEDIA_TYPE: &str = "application/cloudevents+json";

    /// An event of now. Trace and correlation are the caller's to add.
    ///
    /// # Errors
    /// When the event cannot be written as JSON, or its key is empty.
    pub fn of<E: Event>(
        event: &E,
        id: Uuid,
        source: &str,
        time: OffsetDateTime,
    ) -> Result<Self, EnvelopeError> {
        let data =
            to_raw_value(event).map_err(|_| EnvelopeError::new("data", "cannot be written as JSON"))?;
        let made = Self {
            id,
            source: source.to_owned(),
            kind: wire_type(E::TYPE, E::VERSION),
            subject: event.key(),
            time,
            data_schema: None,
            traceparent: None,
            tracestate: None,
            correlation_id: None,
            extensions: BTreeMap::new(),
            data,
        };
        made.check()?;
        Ok(made)
    }

    /// The type without its version, and the version; `None` when the type does not end with one, which no event of
    /// this platform does.
    #[must_use]
    pub fn kind_and_version(&self) -> Option<(&str, u32)> {
        let (kind, version) = self.kind.rsplit_once(".v")?;
        let canonical = !version.starts_with(['0', '+']) && !kind.is_empty();
        Some((kind, version.parse().ok().filter(|_| canonical)?))
    }

    /// The topic: what stands before the first dot of the type.
    #[must_use]
    pub fn topic(&self) -> &str {
        topic_of(&self.kind)
    }

    /// The document.
    ///
    /// # Errors
    /// When an attribute is not as the specification wants it.
    pub fn to_json(&self) -> Result<Vec<u8>, EnvelopeError> {
        self.check()?;
        serde_json::to_vec(self).map_err(|_| EnvelopeError::new("data", "cannot be written as JSON"))
    }

    /// Reads a document. Extensions that are not known are kept; those that the specification forbids are passed over.
    ///
    /// # Errors
    /// When it is not JSON, or an attribute is missing, twice there or not as the specification wants it.
    pub fn from_json(json: &[u8]) -> Result<Self, EnvelopeError> {
        let mut attributes = Attributes::parse(json)?;
        if attributes.needed("specversion")? != SPEC_VERSION {
            return Err(EnvelopeError::new("specversion", "is not 1.0"));
        }
        if let Some(content_type) = attributes.text("datacontenttype")? {
            check_content_type(&content_type)?;
        }
        if attributes.take("data_base64").is_some() {
            return Err(EnvelopeError::new("data_base64", "is not carried here; data is JSON"));
        }
        let id = read_id(&attributes.needed("id")?)?;
        let time = read_time(&attributes.needed("time")?)?;
        let data = attributes.take("data").ok_or_else(|| EnvelopeError::new("data", "is missing"))?;
        let read = Self {
            id,
            source: attributes.needed("source")?,
            kind: attributes.needed("type")?,
            subject: attributes.needed("subject")?,
            time,
            data_schema: attributes.text("dataschema")?,
            traceparent: attributes.text("traceparent")?,
            tracestate: attributes.text("tracestate")?,
            correlation_id: attributes.text("correlationid")?,
            data: data.to_owned(),
            extensions: attributes.rest().collect(),
        };
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), EnvelopeError> {
        check_uri_reference("source", &self.source)?;
        check_text("type", &self.kind)?;
        check_text("subject", &self.subject)?;
        write_time(self.time)?;
        self.data_schema.as_deref().map_or(Ok(()), |uri| check_uri("dataschema", uri))?;
        self.traceparent.as_deref().map_or(Ok(()), check_traceparent)?;
        self.tracestate.as_deref().map_or(Ok(()), |text| check_text("tracestate", text))?;
        self.correlation_id.as_deref().map_or(Ok(()), |text| check_text("correlationid", text))?;
        self.extensions.iter().try_for_each(|(name, value)| check_extension(name, value))
    }
}

const SPEC_VERSION: &str = "1.0";

impl Serialize for CloudEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", SPEC_VERSION)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("subject", &self.subject)?;
        map.serialize_entry("time", &write_time(self.time).map_err(S::Error::custom)?)?;
        map.serialize_entry("datacontenttype", "application/json")?;
        let optional = [
            ("dataschema", &self.data_schema),
            ("traceparent", &self.traceparent),
            ("tracestate", &self.tracestate),
            ("correlationid", &self.correlation_id),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        for (name, value) in &self.extensions {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("data", &self.data)?;
        map.end()
    }
}

/// Two are the same when they are the same document: the data is compared as it is written.
impl PartialEq for CloudEvent {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.source == other.source
            && self.kind == other.kind
            && self.subject == other.subject
            && self.time == other.time
            && self.data_schema == other.data_schema
            && self.traceparent == other.traceparent
            && self.tracestate == other.tracestate
            && self.correlation_id == other.correlation_id
            && self.extensions == other.extensions
            && self.data.get() == other.data.get()
    }
}
