//! What is heard of everything that is published of events.

use crate::bench::Bench;
use chassis::service::Parts;
use contract::event::Event;
use contract::events::{
    EventApproved, EventCreated, EventDeleted, EventRejected, EventReopened, EventSubmitted, EventUpdated,
};
use contract::ids::EventId;
use events::Events;
use serde_json::Value;
use testkit::{Ears, Listen, heard_of};

/// All that is published.
pub(crate) struct All;

impl Ears for All {
    type Publisher = Events;

    fn open(parts: Parts) -> Parts {
        parts
            .on::<EventCreated>("created", Listen)
            .on::<EventUpdated>("updated", Listen)
            .on::<EventSubmitted>("submitted", Listen)
            .on::<EventApproved>("approved", Listen)
            .on::<EventRejected>("rejected", Listen)
            .on::<EventReopened>("reopened", Listen)
            .on::<EventDeleted>("deleted", Listen)
    }
}

/// What was told of an event, by version, once everything was sent and so many were handled. Of one version, that it was changed
/// comes before that it is submitted.
pub(crate) async fn heard(bench: &Bench, id: EventId, count: i64) -> Vec<(&'static str, Value)> {
    let came = heard_of(&bench.service, "events", id, count).await;
    let mut told: Vec<_> = came.into_iter().map(|heard| (heard.kind, heard.data)).collect();
    told.sort_by_key(|(kind, data)| (data["event"]["version"].as_i64(), *kind == EventSubmitted::TYPE));
    told
}
