//! What every service stands on, done once: configuration, telemetry, HTTP, identity, database, peers, the run loop.
//!
//! The chassis knows no service. Inside it, lower may not use higher:
//!
//! 1. [`clock`]
//! 2. [`config`], [`telemetry`], [`stop`]
//! 3. [`db`], [`error`], [`http`], [`identity`], [`lease`], [`peer`], [`mail`], [`health`], [`openapi`], [`operator`], [`state`], [`wake`]
//! 4. [`bus`], [`durability`], [`event_store`], [`events`], [`saga`]
//! 5. [`service`], [`ops`], [`run`]

pub mod bus;
pub mod clock;
pub mod config;
pub mod db;
pub mod durability;
pub mod error;
pub mod event_store;
pub mod events;
pub mod health;
pub mod http;
pub mod identity;
pub mod lease;
pub mod mail;
pub mod openapi;
pub mod operator;
pub mod ops;
pub mod peer;
pub mod run;
pub mod saga;
pub mod service;
pub mod state;
pub mod stop;
pub mod telemetry;
pub mod wake;
