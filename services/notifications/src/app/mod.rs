//! What the service does, a file a verb. Handlers of requests and of events call it; it decides with [`crate::domain`] and
//! keeps with [`crate::store`].
//!
//! An event calls for a message: a row, and a job that sends it, in the transaction in which the event is handled. The job asks
//! who the person is, writes the letter, and gives it to the mail in the transaction that settles the row. So each letter is
//! written once, however often events and jobs come.

mod audit;
mod hear;
mod low_stock;
mod preferences;
mod read;
mod send;
mod submitted;
mod tell;

pub(crate) use hear::{Calls, Decided, Orders, Receipts};
pub(crate) use low_stock::LowStock;
pub(crate) use submitted::Submitted;

use crate::domain::letters::Letters;
use chassis::clock::Clock;
use chassis::db::Db;
use chassis::events::Outbox;
use chassis::jobs::Jobs;
use chassis::mail::Mailer;
use contract::auth::AuthClient;
use contract::catalog::CatalogClient;
use std::sync::Arc;
use std::time::Duration;

/// The service, shared by its handlers and its jobs.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Inner>);

/// What the service is made of.
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) jobs: Jobs,
    pub(crate) outbox: Outbox,
    pub(crate) mailer: Mailer,
    pub(crate) letters: Letters,
    pub(crate) low_stock_to: Vec<String>,
    pub(crate) auth: AuthClient,
    pub(crate) catalog: CatalogClient,
    pub(crate) keep: Duration,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).finish_non_exhaustive()
    }
}
