//! For tests only: private servers, the engines that a test runs on, services under test and fake peers, and waiting
//! for a condition.
//!
//! What must hold: nothing here is a normal dependency of a service or of the chassis (the architecture test sees to
//! it), and nothing that a test starts outlives it, even when the test is killed.
//!
//! Without the default feature `harness` only [`servers`], [`engines`] and [`Folder`] remain. They need little more than the
//! standard library, so that `cargo xtask` builds in seconds.

#![cfg_attr(feature = "harness", expect(clippy::expect_used, reason = "a test that cannot go on fails"))]

#[cfg(feature = "harness")]
mod authority;
#[cfg(feature = "harness")]
mod client;
#[cfg(feature = "harness")]
mod collector;
#[cfg(feature = "harness")]
mod databases;
pub mod engines;
#[cfg(feature = "harness")]
mod eventually;
#[cfg(feature = "harness")]
mod fake_auth;
#[cfg(feature = "harness")]
mod fake_consul;
#[cfg(feature = "harness")]
mod fake_vault;
#[cfg(feature = "harness")]
mod faulty_peer;
mod folder;
#[cfg(feature = "harness")]
mod keys;
#[cfg(feature = "harness")]
mod listener;
#[cfg(feature = "harness")]
mod listening;
#[cfg(feature = "harness")]
pub mod model;
#[cfg(feature = "harness")]
mod raw_peer;
#[cfg(feature = "harness")]
pub mod saga;
#[cfg(feature = "harness")]
pub mod schema;
pub mod servers;
#[cfg(feature = "harness")]
mod service;
#[cfg(feature = "harness")]
pub mod tiny;
#[cfg(feature = "harness")]
pub mod ws;

#[cfg(feature = "harness")]
pub use authority::{Authority, Pair, connect};
#[cfg(feature = "harness")]
pub use client::{Answer, Ask, Client};
#[cfg(feature = "harness")]
pub use collector::Collector;
#[cfg(feature = "harness")]
pub use databases::Databases;
#[cfg(feature = "harness")]
pub use eventually::{Settled, eventually, eventually_within};
#[cfg(feature = "harness")]
pub use fake_auth::{FakeAuth, FakeAuthConfig, Issuer};
#[cfg(feature = "harness")]
pub use fake_consul::FakeConsul;
#[cfg(feature = "harness")]
pub use fake_vault::{FakeVault, Mood};
#[cfg(feature = "harness")]
pub use faulty_peer::{Fault, FaultyPeer};
pub use folder::Folder;
#[cfg(feature = "harness")]
pub use keys::routes_with_a_key;
#[cfg(feature = "harness")]
pub use listener::{Ears, Heard, Listen, Listener, ListenerConfig, heard, heard_of};
#[cfg(feature = "harness")]
pub use listening::Listening;
#[cfg(feature = "harness")]
pub use raw_peer::{RawPeer, Wire};
#[cfg(feature = "harness")]
pub use service::{Engine, Setup, TestService};
