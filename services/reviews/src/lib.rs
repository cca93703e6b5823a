#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
pub mod domain;
pub mod error;
mod projections;
pub mod store;

pub use config::ReviewsConfig;

use app::{App, Buyers};
use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use domain::standing::ModerateFirst;
use projections::ReviewRatings;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// The service.
#[derive(Debug)]
pub struct Reviews;

impl Service for Reviews {
    const SPEC: Spec = Spec {
        name: "reviews",
        about: "What buyers say about products",
        owns: &["reviews"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = ReviewsConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let events = context.event_store()?;
        let app = App {
            db: context.db()?,
            clock: context.clock().clone(),
            events: events.clone(),
            first: ModerateFirst(config.moderate_first),
        };
        let ratings = app.ratings_are_right();
        let (router, _) = api::routes().with_state(app).split_for_parts();
        Ok(Parts::new(router).on("note-buyers", Buyers).projection(events, ReviewRatings).invariant(ratings))
    }
}
