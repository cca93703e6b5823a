#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::ReviewsConfig;

use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};

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
        needs: &[],
        database: Some(MIGRATIONS),
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = ReviewsConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
