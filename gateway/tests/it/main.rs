//! The door as its clients and the services behind it see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod access;
mod aggregate;
mod bff;
mod cache;
mod described;
mod explain;
mod failures;
mod headers;
mod house;
mod instances;
mod live;
mod malformed;
mod reloads;
mod rollouts;
mod routes;
mod routing;
mod streaming;
mod tunnels;
mod upgrades;
mod upstreams;
mod websockets;
