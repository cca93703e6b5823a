//! The ledger: takes entries, each once, and numbers them by account.

mod api;
mod app;
mod store;

pub use app::{Entry, PostEntry, Trouble};

use super::TinyConfig;
use app::App;
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};

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
        needs: &[],
        database: Some(Migrations { sqlite: &SQLITE, postgres: &POSTGRES }),
        events: &[],
        openapi: || chassis::openapi::document("Ledger", "Takes entries, each once."),
    };

    type Config = TinyConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App {
            db: context.db()?,
            clock: context.clock().clone(),
            list_limit: i64::from(config.list_limit),
        };
        Ok(Parts::new(api::routes(app)))
    }
}
