#![doc = include_str!("../README.md")]

mod api;
mod config;

pub use config::AssistantConfig;

use chassis::service::{Context, Parts, Service, Spec};

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
        database: None,
        events: &[],
        openapi: || api::routes().into_openapi(),
    };

    type Config = AssistantConfig;

    async fn build(_: Self::Config, _: Context) -> anyhow::Result<Parts> {
        let (router, _) = api::routes().split_for_parts();
        Ok(Parts::new(router))
    }
}
