#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
pub mod domain;
pub mod error;
pub mod extractive;
mod jobs;
pub mod knowledge;
pub mod provider;
pub mod store;
pub mod tools;

pub use config::AssistantConfig;

use app::{App, carry_out_turns};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use jobs::{end_abandoned, sweep};

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// The service.
#[derive(Debug)]
pub struct Assistant;

impl Service for Assistant {
    const SPEC: Spec = Spec {
        name: "assistant",
        about: "Conversations with a language model, over the own knowledge and within a budget",
        owns: &["assistant"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = AssistantConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let (app, turns) = App::new(config, &context)?;
        if app.upstreams.is_empty() {
            tracing::info!("no provider of models is set: answers are sentences of the knowledge");
        }
        let (router, _) = api::routes().with_state(app.clone()).split_for_parts();
        let worker = app.clone();
        Ok(Parts::new(router)
            .worker("answers", |stop| carry_out_turns(worker, turns, stop))
            .job(end_abandoned(app.clone()))
            .job(sweep(app.clone()))
            .invariant(app.accounts_are_right())
            .invariant(app.knowledge.holdings_agree()))
    }
}
