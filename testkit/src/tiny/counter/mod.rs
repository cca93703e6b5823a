//! The counter: counts what was posted, by account.

mod api;
mod count_entries;
mod transfers;

use super::TinyConfig;
use super::events::EntryCounted;
use chassis::db::{Db, Migrations};
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use count_entries::CountEntries;

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/counter/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/counter/postgres");

/// Counts entries.
#[derive(Debug)]
pub struct Counter;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) db: Db,
    pub(super) list_limit: i64,
}

impl Service for Counter {
    const SPEC: Spec = Spec {
        name: "counter",
        about: "Counts what was posted, by account",
        owns: &["counter"],
        well_known: &[],
        door: false,
        needs: &[],
        database: Some(Migrations { sqlite: &SQLITE, postgres: &POSTGRES }),
        events: &[EventSpec::of::<EntryCounted>()],
        openapi: || chassis::openapi::document("Counter", "Counts what was posted."),
    };

    type Config = TinyConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App { db: context.db()?, list_limit: i64::from(config.list_limit) };
        let counting = CountEntries { outbox: context.outbox()?, clock: context.clock().clone() };
        Ok(Parts::new(api::routes(app)).on("count-entries", counting))
    }
}
