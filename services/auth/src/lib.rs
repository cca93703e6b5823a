#![doc = include_str!("../README.md")]

mod api;
pub mod app;
pub mod commands;
mod config;
pub mod domain;
pub mod error;
pub mod hasher;
mod jobs;
pub mod store;
pub mod studio;

pub use config::AuthConfig;

use app::{App, KeyRing, Means, Views};
use chassis::db::Migrations;
use chassis::flags::Flag;
use chassis::health::Check;
use chassis::jobs::Job;
use chassis::service::{Context, Parts, Service, Spec};
use contract::auth::{OrganizationCreated, OrganizationMemberJoined, OrganizationMemberLeft, UserRegistered};
use contract::event::EventSpec;
use jobs::{reload_keys, sweep};
use std::time::Duration;

/// The tables.
const MIGRATIONS: Migrations = chassis::migrations!();

/// What the service publishes.
const EVENTS: &[EventSpec] = &[
    EventSpec::of::<UserRegistered>(),
    EventSpec::of::<OrganizationCreated>(),
    EventSpec::of::<OrganizationMemberJoined>(),
    EventSpec::of::<OrganizationMemberLeft>(),
];

/// Whether people may make accounts for themselves.
const REGISTRATION: Flag = Flag::on("registration", "Whether people may make accounts for themselves.");

/// The service.
#[derive(Debug)]
pub struct Auth;

impl Service for Auth {
    const SPEC: Spec = Spec {
        name: "auth",
        about: "Identity: accounts, profiles, sessions, tokens, organisations, audit",
        owns: &["auth", "users", "profiles", "organizations", "audit"],
        well_known: &["/.well-known/jwks.json"],
        door: false,
        needs: &[],
        database: Some(MIGRATIONS),
        events: EVENTS,
        openapi: || api::routes().into_openapi(),
    };

    const FLAGS: &'static [Flag] = &[REGISTRATION];

    type Config = AuthConfig;

    async fn build(config: Self::Config, context: Context) -> anyhow::Result<Parts> {
        let (db, clock) = (context.db()?, context.clock().clone());
        let master = commands::master_key(&config, &context)?;
        let means = Means {
            keys: KeyRing::open(&db, master, clock.now()).await?,
            mailer: context.mailer()?,
            outbox: context.outbox()?,
            jobs: context.jobs()?,
            verifier: context.verifier().clone(),
            issuer: context.identity().issuer.clone(),
            audience: context.identity().audience.clone(),
            public_url: context.public_url().to_owned(),
            news: context.wake("news"),
            registration: context.flag(&REGISTRATION)?,
            // Half of the time between a key's publication and its first signature: who asks that often has it in time.
            views: Views::new(&context, Duration::from_secs(config.key_activation_secs / 2))?,
            db,
            clock,
        };
        let organizations = means.views.organizations.clone();
        let app = App::new(&config, means)?;
        let guarded = api::guarded().layer(context.limits().policy("auth")?);
        let (router, _) = api::open().merge(guarded).with_state(app.clone()).split_for_parts();
        let [keys, resets, signer] = [app.clone(), app.clone(), app.clone()];
        Ok(Parts::new(router)
            .invalidates("forget-joined", &organizations, Views::joined)
            .invalidates("forget-left", &organizations, Views::left)
            .worker("reload-keys", |stop| reload_keys(keys, stop))
            .job(Job::queued_in_tx(resets))
            .job(sweep(app))
            .check(Check::new("auth.signing_key", move || {
                let signing = signer.keys.signing(signer.clock.now());
                std::future::ready(signing.map(|_| ()).map_err(|_| "no signing key can be used".to_owned()))
            })))
    }
}
