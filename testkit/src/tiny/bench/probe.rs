//! The service that is measured on.

use super::sagas::{FiveSteps, Waits};
use anyhow::anyhow;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Db, DbError, Migrations, Tx, q};
use chassis::events::{Handled, Handler, Outbox, Received};
use chassis::saga::Sagas;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::{Event, EventSpec};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use utoipa::ToSchema;

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/probe/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/probe/postgres");
/// What the service of this process was given when it was built.
static MEANS: OnceLock<Means> = OnceLock::new();

/// About as much as a real row holds besides its ids.
const NOTE: &str =
    "a hundred bytes or so of what a row of a service usually holds besides its ids and its amounts";
const KEYS: i64 = 64;

/// What a measurement needs of the service.
#[derive(Debug, Clone)]
pub(super) struct Means {
    pub(super) db: Db,
    pub(super) outbox: Outbox,
    pub(super) handled: Arc<Seen>,
    pub(super) sagas: Sagas,
    pub(super) ran: Arc<watch::Sender<u32>>,
}

/// When the handler was first called for each event, by its number.
#[derive(Debug)]
pub(super) struct Seen {
    moments: Mutex<HashMap<i64, Instant>>,
    count: watch::Sender<usize>,
}

impl Seen {
    fn see(&self, number: i64) {
        let mut moments = lock(&self.moments);
        moments.entry(number).or_insert_with(Instant::now);
        self.count.send_replace(moments.len());
    }

    pub(super) fn moment(&self, number: i64) -> Option<Instant> {
        lock(&self.moments).get(&number).copied()
    }

    /// Resolves when this many different events were handled.
    pub(super) async fn reached(&self, count: usize) -> anyhow::Result<()> {
        let mut counted = self.count.subscribe();
        let waiting = counted.wait_for(|handled| *handled >= count);
        let reached = tokio::time::timeout(super::LIMIT, waiting).await.map(|seen| seen.is_ok());
        match reached {
            Ok(true) => Ok(()),
            _ => {
                Err(anyhow!("{} of {count} events were handled in {:?}", *self.count.borrow(), super::LIMIT))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The means of the service that runs in this process.
pub(super) fn means() -> Option<Means> {
    MEANS.get().cloned()
}

/// Publishes one event in a transaction with one row, as a service does that changes something.
pub(super) async fn publish(means: &Means, number: i64) -> anyhow::Result<()> {
    let outbox = means.outbox.clone();
    let published = means.db.group(move |t| {
        let outbox = outbox.clone();
        Box::pin(async move {
            insert(t, number).await?;
            outbox.publish(t, &ProbeSent { number, key: format!("key-{}", number % KEYS) }).await
        })
    });
    published.await?;
    Ok(())
}

/// Writes one row.
pub(super) async fn insert(t: &mut Tx, number: i64) -> Result<(), DbError> {
    q!(t.tx, execute, "INSERT INTO effect (number, note) VALUES ($1, $2)", number, NOTE).map(|_| ())
}

/// A row was written.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ProbeSent {
    number: i64,
    key: String,
}

impl Event for ProbeSent {
    const TYPE: &'static str = "probe.sent";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "A row was written.";

    fn key(&self) -> String {
        self.key.clone()
    }
}

struct Note(Arc<Seen>);

impl Handler<ProbeSent> for Note {
    async fn handle(&self, t: &mut Tx, event: Received<ProbeSent>) -> Handled {
        self.0.see(event.data.number);
        insert(t, event.data.number).await?;
        Ok(())
    }
}

settings! {
    /// The service that is measured on.
    pub struct ProbeConfig {}
}

impl Validate for ProbeConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// The service that is measured on.
#[derive(Debug)]
pub(super) struct Probe;

impl Service for Probe {
    const SPEC: Spec = Spec {
        name: "probe",
        about: "Is measured on",
        owns: &["probe"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(Migrations { sqlite: &SQLITE, postgres: &POSTGRES }),
        events: &[EventSpec::of::<ProbeSent>()],
        openapi: || chassis::openapi::document("Probe", "Is measured on."),
    };

    type Config = ProbeConfig;

    async fn build(_: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let handled = Arc::new(Seen { moments: Mutex::default(), count: watch::channel(0).0 });
        let ran = Arc::new(watch::channel(0).0);
        let means = Means {
            db: context.db()?,
            outbox: context.outbox()?,
            handled: handled.clone(),
            sagas: context.sagas()?,
            ran: ran.clone(),
        };
        MEANS.set(means).map_err(|_| anyhow!("one probe a process"))?;
        let parts = Parts::new(axum::Router::new()).on("note", Note(handled));
        Ok(parts.saga(FiveSteps { ran }).saga(Waits))
    }
}
