#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::NotificationsConfig;

use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// The service.
#[derive(Debug)]
pub struct Notifications;

impl Service for Notifications {
    const SPEC: Spec = Spec {
        name: "notifications",
        about: "E-mails from events, preferences, and a log of what was sent",
        owns: &["notifications"],
        well_known: &[],
        door: false,
        needs: &["auth", "catalog"],
        database: Some(MIGRATIONS),
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = NotificationsConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
