#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::TodosConfig;

use chassis::service::{Context, Parts, Service, Spec};

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
        database: None,
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = TodosConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
