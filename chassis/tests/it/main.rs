//! The chassis against real engines and servers; one binary, because each one links everything.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod acme;
mod bus;
mod cache;
mod calls;
mod db;
mod durability;
mod engines;
mod errors;
mod event_store;
mod events;
mod frames;
mod hostile;
mod house;
mod http;
mod idempotency;
mod identity;
mod jobs;
mod limits;
mod listener;
mod mail;
mod malformed;
mod observed;
mod ops;
mod peer;
mod run;
mod saga;
mod shed;
mod state;
mod telemetry;
mod tls;
mod vault;
mod wake;
