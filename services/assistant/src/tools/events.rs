//! A tool that looks at the events of the organisations that the person belongs to: those that they may see, and no others.

use super::{Refusal, ToolOutcome, ToolSpec, Tools, found, parse, refused, some, way_to};
use contract::events::{Event, EventsClient, ListEvents};
use garde::Validate;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(super) const LIST: &str = "list_events";
const NAME: &str = "events";
/// Characters of a description that are told.
const DESCRIPTION: usize = 300;

pub(super) fn specs() -> [ToolSpec; 1] {
    [ToolSpec {
        name: LIST,
        about: "Events of the person's organisations: what, when, where, and whether they are approved.",
        parameters: json!({"type": "object", "additionalProperties": false, "properties": {
            "search": {"type": "string", "maxLength": 100, "description": "Words of the title or the description"},
            "from": {"type": "string", "format": "date-time", "description": "Only those that begin then or later"},
            "to": {"type": "string", "format": "date-time", "description": "Only those that begin then or earlier"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 20}}}),
    }]
}

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    #[garde(inner(length(chars, min = 1, max = 100)))]
    search: Option<String>,
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option")]
    from: Option<OffsetDateTime>,
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option")]
    to: Option<OffsetDateTime>,
    #[garde(range(min = 1, max = 20))]
    #[serde(default = "some")]
    limit: u32,
}

impl Tools {
    pub(super) async fn list_events(&self, arguments: &Value) -> Result<ToolOutcome, Refusal> {
        let List { search, from, to, limit } = parse(arguments)?;
        let query =
            ListEvents { search, start_date_from: from, start_date_to: to, limit, ..ListEvents::default() };
        let events = EventsClient::new(way_to(self.events.as_ref(), NAME)?);
        let listed = events.events(&query).await.map_err(|error| refused(NAME, &error))?;
        found(&listed.iter().map(told).collect::<Vec<_>>())
    }
}

/// An event as a model is told of it.
fn told(event: &Event) -> Value {
    let at = |time: OffsetDateTime| {
        time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    };
    json!({
        "title": event.title,
        "description": event.description.chars().take(DESCRIPTION).collect::<String>(),
        "location": event.location,
        "begins": at(event.start_date),
        "ends": at(event.end_date),
        "status": event.status.to_string(),
    })
}
