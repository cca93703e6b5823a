//! A service that hears what another one publishes, for tests that look at it from outside.

use crate::{TestService, eventually};
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Tx, q};
use chassis::events::{Handled, Handler, Received};
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::Event;
use serde_json::Value;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

/// What came, in all tests of this process.
static HEARD: Mutex<Vec<Heard>> = Mutex::new(Vec::new());

/// An event that came.
#[derive(Debug, Clone)]
pub struct Heard {
    /// Who published it, as a path.
    pub source: String,
    /// Its type.
    pub kind: &'static str,
    /// Its key.
    pub key: String,
    /// What it says.
    pub data: Value,
}

/// The events that came of a key, in the order in which they were handled. Handlers do not wait for each other: only those of
/// one type come in their order.
pub fn heard(key: impl ToString) -> Vec<Heard> {
    let key = key.to_string();
    let all = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    all.iter().filter(|heard| heard.key == key).cloned().collect()
}

/// The same, once everything that a service has published is sent and exactly so many events of the key are handled.
///
/// # Panics
/// When that does not come true in time, and when a database does not answer.
pub async fn heard_of(service: &TestService, publisher: &str, key: impl ToString, count: i64) -> Vec<Heard> {
    const HANDLED: &str = "SELECT COUNT(*) FROM inbox WHERE status = 'done' AND event_key = $1";
    let (publisher, listener) = (service.db(publisher), service.db("listener"));
    let key = key.to_string();
    eventually(|| async {
        let waiting: i64 = q!(publisher.read, scalar, "SELECT COUNT(*) FROM outbox").expect("an outbox");
        let handled: i64 = q!(listener.read, scalar, HANDLED, &key).expect("an inbox");
        if waiting == 0 && handled == count { Ok(()) } else { Err((waiting, handled)) }
    })
    .await;
    heard(key)
}

/// What a [`Listener`] listens to.
pub trait Ears: Send + Sync + 'static {
    /// Whose events they are. The listener has tables like its, for an inbox.
    type Publisher: Service;

    /// Adds a [`Listen`] for each type of event.
    fn open(parts: Parts) -> Parts;
}

/// Keeps what comes for [`heard`].
#[derive(Debug)]
pub struct Listen;

impl<E: Event> Handler<E> for Listen {
    async fn handle(&self, _: &mut Tx, event: Received<E>) -> Handled {
        let (source, key, data) = (event.source, event.subject, serde_json::to_value(&event.data)?);
        let heard = Heard { source, kind: E::TYPE, key, data };
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
        Ok(())
    }
}

settings! {
    /// The listener has none.
    pub struct ListenerConfig {}
}

impl Validate for ListenerConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// A service named `listener` that hears events and does nothing else.
#[derive(Debug)]
pub struct Listener<E>(PhantomData<E>);

impl<E: Ears> Service for Listener<E> {
    const SPEC: Spec = Spec {
        name: "listener",
        about: "Hears everything",
        owns: &[],
        well_known: &[],
        door: false,
        needs: &[],
        database: E::Publisher::SPEC.database,
        events: &[],
        openapi: || chassis::openapi::document("Listener", "Hears everything."),
    };

    type Config = ListenerConfig;

    async fn build(_: ListenerConfig, _: Context) -> anyhow::Result<Parts> {
        Ok(E::open(Parts::new(axum::Router::new())))
    }
}
