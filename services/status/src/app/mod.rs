//! What the service does, a file a verb. Handlers and jobs call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].

mod incidents;
mod look;
mod read;
mod reconcile;
mod snapshot;
mod sweep;
mod webhook;

pub(crate) use snapshot::{DAYS, Kept, Snapshot};

use crate::prober::Watched;
use chassis::cache::Cache;
use chassis::clock::Clock;
use chassis::db::Db;
use chassis::events::Outbox;
use secrecy::SecretString;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The service, shared by its handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    /// The names of all services that there are.
    pub(crate) services: Vec<&'static str>,
    /// Those that can be asked from here, in the order of the list.
    pub(crate) watched: Vec<Watched>,
    pub(crate) token: Option<SecretString>,
    pub(crate) title: String,
    pub(crate) every: Duration,
    pub(crate) patience: Duration,
    pub(crate) incident_after: Duration,
    pub(crate) alert_expires: Duration,
    pub(crate) max_alerts: usize,
    pub(crate) keep: Duration,
    /// What everybody may know, as the database says it.
    pub(crate) snapshots: Cache<Snapshot>,
    /// The same, written out.
    pub(crate) last_shown: Mutex<Option<Kept>>,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Whether anybody ever looks at a subject.
    fn is_watched(&self, subject: &str) -> bool {
        self.watched.iter().any(|watched| watched.name == subject)
    }
}
