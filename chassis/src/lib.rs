//! What every service stands on, done once: configuration, telemetry, HTTP, identity, database, peers, the run loop.
//!
//! The chassis knows no service. Inside it, lower may not use higher:
//!
//! 1. [`clock`], [`words`]
//! 2. [`config`], [`telemetry`], [`stop`], [`resilience`], [`vault`]
//! 3. [`cache`], [`db`], [`error`], [`http`], [`identity`], [`lease`], [`peer`], [`mail`], [`health`], [`invariant`], [`openapi`], [`operator`], [`state`], [`wake`]
//! 4. [`bus`], [`durability`], [`event_store`], [`events`], [`flags`], [`idempotency`], [`jobs`], [`limits`], [`saga`]
//! 5. [`service`], [`ops`], [`run`]

pub mod bus;
pub mod cache;
pub mod clock;
pub mod config;
pub mod db;
pub mod durability;
pub mod error;
pub mod event_store;
pub mod events;
pub mod flags;
pub mod health;
pub mod http;
pub mod idempotency;
pub mod identity;
pub mod invariant;
pub mod jobs;
pub mod lease;
pub mod limits;
pub mod mail;
pub mod openapi;
pub mod operator;
pub mod ops;
pub mod peer;
pub mod resilience;
pub mod run;
pub mod saga;
pub mod service;
pub mod state;
pub mod stop;
pub mod telemetry;
pub mod vault;
pub mod wake;
pub mod words;
