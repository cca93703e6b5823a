#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
pub mod domain;
pub mod error;
mod jobs;
pub mod store;

pub use config::TodosConfig;

use app::App;
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::todos::{TodoChanged, TodoListChanged};

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[EventSpec::of::<TodoChanged>(), EventSpec::of::<TodoListChanged>()];

/// The service.
#[derive(Debug)]
pub struct Todos;

impl Service for Todos {
    const SPEC: Spec = Spec {
        name: "todos",
        about: "What people have to do, each their own",
        owns: &["todos"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = TodosConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let app = App {
            db: context.db()?,
            clock: context.clock().clone(),
            outbox: context.outbox()?,
            max_todos: config.max_per_user,
            max_lists: config.max_lists,
            keep: config.keep(),
        };
        let (router, _) = api::routes().with_state(app.clone()).split_for_parts();
        Ok(Parts::new(router).job(jobs::empty_bins(app)))
    }
}
