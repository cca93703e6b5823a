//! Private servers: the real thing, started for one test or one test run, gone afterwards.
//!
//! What must hold:
//! - A server listens on the loopback address only, on a free port, and keeps its files in a temporary folder of its own.
//! - It never outlives its owner. Dropping it stops it; when the owner is killed, the guardian that holds the other end
//!   of a pipe notices, stops the server and removes its folder.
//! - An interrupt at the terminal reaches the tests and not the servers under them: they are stopped last.
//!
//! The calls block (they start and wait for processes); from async code use `spawn_blocking` where that matters.

mod account;
mod guardian;
mod kafka_mock;
mod nats;
mod postgres;
mod redis;
mod redis_cluster;
mod redis_node;

pub use kafka_mock::KafkaMock;
pub use nats::Nats;
pub use postgres::Postgres;
pub use redis::Redis;
pub use redis_cluster::RedisCluster;

/// A TCP port on 127.0.0.1 that was free a moment ago. Another process may take it first: whoever starts a server on it
/// looks whether that worked.
///
/// # Errors
/// No port is free.
pub fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
