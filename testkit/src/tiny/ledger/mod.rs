//! The ledger: takes entries, each once, and numbers them by account.

mod api;
mod app;
mod errands;
mod note_counted;
mod store;
mod transfers;

pub use app::{Deposit, Entry, PostEntry, Trouble};

use super::TinyConfig;
use super::events::EntryPosted;
use anyhow::Context as _;
use app::App;
use chassis::db::Migrations;
use chassis::jobs::Job;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use errands::{DEADLINE, Errand};
use note_counted::NoteCounted;
use transfers::Transfer;

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/ledger/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/ledger/postgres");

/// Takes entries and publishes them.
#[derive(Debug)]
pub struct Ledger;

impl Service for Ledger {
    const SPEC: Spec = Spec {
        name: "ledger",
        about: "Takes entries, each once, and numbers them by account",
        owns: &["ledger"],
        well_known: &[],
        door: false,
        needs: &["counter"],
        database: Some(Migrations { sqlite: &SQLITE, postgres: &POSTGRES }),
        events: &[EventSpec::of::<EntryPosted>()],
        openapi: || chassis::openapi::document("Ledger", "Takes entries, each once."),
    };

    type Config = TinyConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App {
            db: context.db()?,
            outbox: context.outbox()?,
            sagas: context.sagas()?,
            jobs: context.jobs()?,
            clock: context.clock().clone(),
            list_limit: i64::from(config.list_limit),
        };
        let clock = app.clock.clone();
        let counter = context.peer("counter").context("there is no counter")?.caller();
        let errand = Job::queued_in_tx::<Errand>(app.clone()).deadline(DEADLINE);
        Ok(Parts::new(api::routes(app))
            .job(errand)
            .on("note-counted", NoteCounted { clock })
            .saga(Transfer { counter }))
    }
}
