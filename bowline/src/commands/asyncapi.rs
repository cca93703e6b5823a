//! `bowline asyncapi`: the AsyncAPI 3.0 document of what all services publish.
//!
//! A topic is a channel, a type in a version is a message, what a service publishes is an operation of it. Versions
//! that are not published any more stay: somebody may still hold events of them.

use crate::services;
use anyhow::ensure;
use chassis::service::Spec;
use contract::event::{CloudEvent, EventSchema, EventSpec, wire_type};
use serde_json::{Map, Value, json};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  bowline asyncapi                          print the document; docs/asyncapi.json is the one of this release
  bowline asyncapi | jq '.channels | keys'  list the topics";

/// Print the AsyncAPI document of the events of all services
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AsyncApi {}

impl AsyncApi {
    #[expect(clippy::unused_self, reason = "a command without arguments")]
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let specs = services::ALL.iter().map(|registration| registration.spec);
        super::say(serde_json::to_string_pretty(&document(specs)?)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The document of these services.
fn document<'a>(specs: impl Iterator<Item = &'a Spec>) -> anyhow::Result<Value> {
    let mut parts = Parts::default();
    parts.schemas.insert(ENVELOPE.to_owned(), envelope());
    for spec in specs {
        for event in spec.events {
            parts.add(spec.name, event)?;
        }
    }
    let Parts { channels, operations, messages, schemas } = parts;
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Bowline events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": CloudEvent::MEDIA_TYPE,
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    }))
}

const ABOUT: &str = "What the services publish. A message is a CloudEvents 1.0 document in the structured JSON format; \
its subject is the id of the aggregate and the partition key, and messages of one subject keep their order. A message \
may come more than once, with the same id. A published version changes only by an optional field more.";

/// The name of the envelope's schema.
const ENVELOPE: &str = "CloudEvent";

/// The parts of the document that grow with each event.
#[derive(Default)]
struct Parts {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Parts {
    fn add(&mut self, service: &str, event: &EventSpec) -> anyhow::Result<()> {
        let (topic, kind) = (event.topic(), event.wire_type());
        for older in event.older {
            let about = format!("{} An older version: still read, no longer published.", event.about);
            self.add_message(topic, &wire_type(event.kind, older.version), &about, older.schema())?;
        }
        self.add_message(topic, &kind, event.about, event.schema())?;
        let operation = json!({
            "action": "send",
            "channel": { "$ref": format!("#/channels/{topic}") },
            "summary": event.about,
            "tags": [{ "name": service }],
            "messages": [{ "$ref": format!("#/channels/{topic}/messages/{kind}") }],
        });
        self.operations.insert(format!("{service}.{}", event.kind), operation);
        Ok(())
    }

    fn add_message(&mut self, topic: &str, kind: &str, about: &str, data: EventSchema) -> anyhow::Result<()> {
        ensure!(!self.messages.contains_key(kind), "two services publish {kind}; an event has one publisher");
        self.add_schema(kind, serde_json::to_value(&data.schema)?)?;
        for (name, part) in data.parts {
            self.add_schema(&name, serde_json::to_value(&part)?)?;
        }
        let payload = json!({
            "allOf": [
                { "$ref": format!("#/components/schemas/{ENVELOPE}") },
                {
                    "type": "object",
                    "properties": { "type": { "const": kind }, "data": { "$ref": format!("#/components/schemas/{kind}") } },
                },
            ],
        });
        let message = json!({
            "name": kind,
            "title": kind,
            "summary": about,
            "contentType": CloudEvent::MEDIA_TYPE,
            "payload": payload,
        });
        self.messages.insert(kind.to_owned(), message);
        let channel = self.channels.entry(topic).or_insert_with(
            || json!({ "address": topic, "description": format!("The topic `{topic}`."), "messages": {} }),
        );
        channel["messages"][kind] = json!({ "$ref": format!("#/components/messages/{kind}") });
        Ok(())
    }

    /// A name means one schema in the whole document.
    fn add_schema(&mut self, name: &str, schema: Value) -> anyhow::Result<()> {
        let kept = self.schemas.entry(name).or_insert_with(|| schema.clone());
        ensure!(*kept == schema, "two types of events have the name {name}; give one of them another");
        Ok(())
    }
}

/// The envelope, as `contract::event::CloudEvent` reads and writes it.
fn envelope() -> Value {
    let text = |about: &str| json!({ "type": "string", "minLength": 1, "description": about });
    let format =
        |format: &str, about: &str| json!({ "type": "string", "format": format, "description": about });
    json!({
        "type": "object",
        "description": "A CloudEvents 1.0 envelope.",
        "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": format("uuid", "Which event it is; the same on each delivery."),
            "source": format("uri-reference", "The service that published it."),
            "type": text("What it is, with its version."),
            "subject": text("The id of the aggregate, which is the partition key."),
            "time": format("date-time", "When it happened, in UTC."),
            "datacontenttype": { "type": "string", "description": "Always application/json." },
            "dataschema": format("uri", "Where its schema is."),
            "traceparent": text("The trace it belongs to (W3C Trace Context)."),
            "tracestate": text("What else belongs to the trace."),
            "correlationid": text("What all that follows from one user action has in common."),
            "data": { "description": "What happened." },
        },
        "additionalProperties": { "type": ["boolean", "integer", "string"] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::openapi;
    use contract::event::{Event, OlderVersion};
    use serde::{Deserialize, Serialize};
    use utoipa::ToSchema;

    #[derive(Serialize, Deserialize, ToSchema)]
    struct PlacedV1 {
        order: String,
    }

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Placed {
        order: String,
        lines: Vec<Line>,
    }

    #[derive(Serialize, Deserialize, ToSchema)]
    struct Line {
        quantity: u32,
    }

    impl Event for Placed {
        const TYPE: &'static str = "order.placed";
        const VERSION: u32 = 2;
        const ABOUT: &'static str = "An order was placed.";
        const OLDER: &'static [OlderVersion] = &[OlderVersion::of::<PlacedV1>(1)];

        fn key(&self) -> String {
            self.order.clone()
        }
    }

    const EVENTS: &[EventSpec] = &[EventSpec::of::<Placed>()];

    const fn spec(name: &'static str) -> Spec {
        Spec {
            name,
            about: "",
            owns: &[],
            well_known: &[],
            door: false,
            needs: &[],
            database: None,
            events: EVENTS,
            openapi: || openapi::document("", ""),
        }
    }

    /// Every `$ref` of the document, wherever it stands.
    fn references(value: &Value) -> Vec<&str> {
        match value {
            Value::Object(map) => {
                let own = map.get("$ref").and_then(Value::as_str);
                own.into_iter().chain(map.values().flat_map(references)).collect()
            }
            Value::Array(list) => list.iter().flat_map(references).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_service_sends_its_newest_version_and_the_older_ones_stay_described() {
        let document = document([&spec("orders")].into_iter()).unwrap();
        let messages = document["channels"]["order"]["messages"].as_object().unwrap();
        assert_eq!(messages.keys().collect::<Vec<_>>(), ["order.placed.v1", "order.placed.v2"]);
        let operation = &document["operations"]["orders.order.placed"];
        assert_eq!(operation["action"], "send");
        assert_eq!(operation["messages"], json!([{ "$ref": "#/channels/order/messages/order.placed.v2" }]));
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for name in ["CloudEvent", "Line", "order.placed.v1", "order.placed.v2"] {
            assert!(schemas.contains_key(name), "{name}");
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document([&spec("orders")].into_iter()).unwrap();
        let references = references(&document);
        assert!(references.len() > 6, "{references:?}");
        for reference in references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn an_event_has_one_publisher() {
        let error = document([&spec("orders"), &spec("shop")].into_iter()).unwrap_err();
        assert!(error.to_string().contains("order.placed.v1"), "{error}");
    }

    #[test]
    fn a_name_means_one_schema() {
        let mut parts = Parts::default();
        parts.add_schema("Line", json!({ "type": "object" })).unwrap();
        parts.add_schema("Line", json!({ "type": "object" })).unwrap();
        assert!(parts.add_schema("Line", json!({ "type": "string" })).is_err());
    }
}
