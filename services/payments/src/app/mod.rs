//! What the service does, a file a verb. Handlers, jobs and consumers of events call it; it decides with [`crate::domain`],
//! keeps with [`crate::store`] and asks a [`crate::provider`].
//!
//! The provider is never asked inside a transaction, and never before what it is asked for is written down: whoever dies
//! in between leaves a payment with a time at which somebody asks again.

mod authorize;
mod cancel;
mod capture;
mod confirm;
mod drive;
mod read;
mod reconcile;
mod refund;
mod refund_settle;
mod settle;
mod take_webhook;
mod void;

pub use read::Filter;
pub(crate) use settle::{Heard, Source};

use crate::config::PaymentsConfig;
use crate::domain::record::{Record, pause};
use crate::error::{PaymentsError, PaymentsResult};
use crate::provider::Provider;
use chassis::clock::{Clock, Ts};
use chassis::db::{Db, Tx};
use chassis::events::Outbox;
use chassis::wake::Wake;
use contract::ids::CheckoutId;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;

/// The service, shared by its handlers and its jobs.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the service is made of.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) provider: Arc<dyn Provider>,
    /// Wakes whoever asks the provider again.
    pub(crate) due: Wake,
    /// Tells those who wait in this process which payment has changed.
    pub(crate) changed: broadcast::Sender<CheckoutId>,
    pub(crate) answer_within: Duration,
    pub(crate) provider_timeout: Duration,
    /// How far back the provider's books are compared.
    pub(crate) reconcile_window: Duration,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("provider", &self.provider.name()).finish_non_exhaustive()
    }
}

/// Changes that may be waiting for somebody who reads them late.
const CHANGES: usize = 1_024;

/// How often a change is tried that others come before.
const TRIES: u32 = 8;

impl App {
    pub(crate) fn new(
        config: &PaymentsConfig,
        (db, clock): (Db, Clock),
        outbox: Outbox,
        due: Wake,
        provider: Arc<dyn Provider>,
    ) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            outbox,
            provider,
            due,
            changed: broadcast::channel(CHANGES).0,
            answer_within: config.answer_within(),
            provider_timeout: config.provider_timeout(),
            reconcile_window: Duration::from_secs(config.reconcile_hours * 3_600),
        }))
    }

    /// Runs a small change in a transaction that it may share with others.
    async fn write<T, F>(&self, change: F) -> PaymentsResult<T>
    where
        F: for<'t> Fn(Self, &'t mut Tx) -> BoxFuture<'t, PaymentsResult<T>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let app = self.clone();
        self.db.group(move |t| change(app.clone(), t)).await
    }

    /// When the provider is asked (again) about what is begun now and asked for at once: behind the wait of who asks.
    fn soon(&self) -> Ts {
        self.clock.now() + self.answer_within + pause(0)
    }

    /// Tells those who wait, once the change is committed.
    fn tell_change(&self, t: &mut Tx, id: CheckoutId) {
        let changed = self.changed.clone();
        // Nobody may be waiting.
        t.after_commit(move || drop(changed.send(id)));
    }

    /// Wakes whoever asks the provider, once the change is committed.
    fn wake_pursuer(&self, t: &mut Tx) {
        let due = self.due.clone();
        t.after_commit(move || due.all());
    }

    /// A payment, inside a transaction.
    async fn find_in(&self, t: &mut Tx, id: CheckoutId) -> PaymentsResult<Record> {
        let found = crate::store::payment::find_in(t, id).await?;
        found.ok_or(PaymentsError::NotFound("payment"))
    }
}
