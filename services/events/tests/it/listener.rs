//! A service that hears everything that is published of events.

use crate::bench::Bench;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Tx, q};
use chassis::events::{Handled, Handler, Received};
use chassis::openapi::document;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::Event;
use contract::events::{
    EventApproved, EventCreated, EventDeleted, EventRejected, EventReopened, EventSubmitted, EventUpdated,
};
use contract::ids::EventId;
use events::Events;
use serde_json::Value;
use std::sync::Mutex;
use testkit::eventually;

/// The service.
pub(crate) struct Listener;

struct Listen;

/// The key, type and data of what came, in all tests of this process.
static CAME: Mutex<Vec<(String, &str, Value)>> = Mutex::new(Vec::new());

impl<E: Event> Handler<E> for Listen {
    async fn handle(&self, _: &mut Tx, event: Received<E>) -> Handled {
        let data = serde_json::to_value(&event.data)?;
        CAME.lock().unwrap().push((event.subject, E::TYPE, data));
        Ok(())
    }
}

settings! {
    /// None.
    pub(crate) struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

impl Service for Listener {
    const SPEC: Spec = Spec {
        name: "listener",
        about: "Hears everything",
        owns: &[],
        well_known: &[],
        door: false,
        needs: &[],
        // Some tables; it uses none of them.
        database: Events::SPEC.database,
        events: &[],
        openapi: || document("Listener", "Hears everything."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(axum::Router::new())
            .on::<EventCreated>("created", Listen)
            .on::<EventUpdated>("updated", Listen)
            .on::<EventSubmitted>("submitted", Listen)
            .on::<EventApproved>("approved", Listen)
            .on::<EventRejected>("rejected", Listen)
            .on::<EventReopened>("reopened", Listen)
            .on::<EventDeleted>("deleted", Listen))
    }
}

/// What was told of an event, by version, once everything was sent and so many were handled. Of one version, that it was changed
/// comes before that it is submitted.
pub(crate) async fn heard(bench: &Bench, id: EventId, count: i64) -> Vec<(&'static str, Value)> {
    let (events, listener) = (bench.service.db("events"), bench.service.db("listener"));
    eventually(|| async {
        let waiting: i64 = q!(events.read, scalar, "SELECT COUNT(*) FROM outbox").unwrap();
        let sql = "SELECT COUNT(*) FROM inbox WHERE status = 'done' AND event_key = $1";
        let done: i64 = q!(listener.read, scalar, sql, id.to_string()).unwrap();
        if waiting == 0 && done == count { Ok(()) } else { Err((waiting, done)) }
    })
    .await;
    let came = CAME.lock().unwrap().clone();
    let of_it = came.into_iter().filter(|(key, ..)| *key == id.to_string());
    let mut told: Vec<_> = of_it.map(|(_, kind, data)| (kind, data)).collect();
    told.sort_by_key(|(kind, data)| (data["event"]["version"].as_i64(), *kind == EventSubmitted::TYPE));
    told
}
