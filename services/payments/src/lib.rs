#![doc = include_str!("../README.md")]

mod api;
pub mod app;
mod config;
mod consumers;
pub mod domain;
pub mod error;
mod invariants;
mod jobs;
pub mod provider;
pub mod store;

pub use config::PaymentsConfig;

use anyhow::Context as _;
use app::App;

use chassis::db::Migrations;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::EventSpec;
use contract::payments::{
    PaymentActionRequired, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided,
};
use jobs::{pursue, reconcile, sweep};
use provider::Provider;
use provider::sandbox::{Manners, Sandbox, deliver};
use provider::stripe::{self, Stripe, StripeConfig};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<PaymentAuthorized>(),
    EventSpec::of::<PaymentActionRequired>(),
    EventSpec::of::<PaymentFailed>(),
    EventSpec::of::<PaymentCaptured>(),
    EventSpec::of::<PaymentVoided>(),
    EventSpec::of::<PaymentRefunded>(),
];

/// The service.
#[derive(Debug)]
pub struct Payments;

impl Service for Payments {
    const SPEC: Spec = Spec {
        name: "payments",
        about: "Authorising, capturing and giving back money through a provider",
        owns: &["payments"],
        well_known: &[],
        door: false,
        needs: &["auth"],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    type Config = PaymentsConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let (db, clock) = (context.db()?, context.clock().clone());
        let sandbox = (config.provider != stripe::NAME)
            .then(|| Sandbox::new(db.clone(), clock.clone(), manners(&config, &context)));
        let provider: Arc<dyn Provider> = match &sandbox {
            Some(sandbox) => Arc::new(sandbox.clone()),
            None => Arc::new(Stripe::new(access(&config)?)?),
        };
        let name = provider.name();
        if context.mode().is_production() && sandbox.is_some() {
            tracing::warn!("payments.provider is the sandbox: no card is real, and no money moves");
        }
        let app = App::new(&config, (db.clone(), clock), context.outbox()?, context.wake("due"), provider);
        let guarded = api::guarded().layer(context.limits().policy("payments")?);
        let (router, _) = api::open().merge(guarded).with_state(app.clone()).split_for_parts();
        let pursuer = app.clone();
        // A signature that does not hold any more cannot come again; the rest is for clocks that differ.
        let keep = config.webhook_tolerance() * 2 + Duration::from_secs(86_400);
        let mut parts = Parts::new(router)
            .worker("pursue", |stop| pursue(pursuer, stop))
            .job(sweep(app.clone(), keep))
            .job(reconcile(app.clone(), Duration::from_secs(config.reconcile_secs)));
        if let Some(sandbox) = sandbox {
            let taker = app.clone();
            parts = parts.worker("sandbox", |stop| deliver(sandbox, taker, stop));
        }
        Ok(invariants::declare(consumers::subscribe(parts, &app), &db, name))
    }
}

fn manners(config: &PaymentsConfig, context: &Context) -> Manners {
    let fresh = || SecretString::from(format!("whsec_{}", Uuid::new_v4().simple()));
    Manners {
        slow: Duration::from_millis(config.sandbox_slow_ms),
        copies: config.sandbox_webhook_copies,
        delay: Duration::from_millis(config.sandbox_webhook_delay_ms),
        secret: config.sandbox_webhook_secret.clone().unwrap_or_else(fresh),
        tolerance: config.webhook_tolerance(),
        public_url: context.public_url().to_owned(),
    }
}

fn access(config: &PaymentsConfig) -> anyhow::Result<StripeConfig> {
    let set = |secret: &Option<SecretString>, name| {
        secret.clone().with_context(|| format!("payments.{name} is not set"))
    };
    Ok(StripeConfig {
        api_base: config.stripe_api_base.clone(),
        secret_key: set(&config.stripe_secret_key, "stripe_secret_key")?,
        webhook_secret: set(&config.stripe_webhook_secret, "stripe_webhook_secret")?,
        tolerance: config.webhook_tolerance(),
        return_url: config.stripe_return_url.clone(),
    })
}
