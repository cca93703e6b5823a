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

use std::hash::{BuildHasher as _, RandomState};
use std::net::TcpListener;

/// The ports that are chosen from. They are below those that Linux hands out to whoever asks for any port and to outgoing
/// connections, so nothing takes one by chance while a server that had it is down.
const CHOSEN: std::ops::Range<u16> = 10_000..30_000;

/// A TCP port on 127.0.0.1 that is held until it is let go: who needs several holds them until all are found, or two of
/// them could be the same.
///
/// # Errors
/// No port is free.
pub fn held_port() -> std::io::Result<TcpListener> {
    let (count, first) = (u64::from(CHOSEN.end - CHOSEN.start), RandomState::new().hash_one(CHOSEN.start));
    let ports = (0..count).filter_map(|step| u16::try_from((first % count + step) % count).ok());
    let mut refused = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for port in ports {
        match TcpListener::bind(("127.0.0.1", CHOSEN.start + port)) {
            Ok(held) => return Ok(held),
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

/// A TCP port on 127.0.0.1 that was free a moment ago. Another process may take it first: whoever starts a server on it
/// looks whether that worked.
///
/// # Errors
/// No port is free.
pub fn free_port() -> std::io::Result<u16> {
    Ok(held_port()?.local_addr()?.port())
}

/// Ports on 127.0.0.1, all different, that were free a moment ago.
///
/// # Errors
/// No port is free.
pub fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let held: Vec<_> = (0..N).map(|_| held_port()).collect::<Result<_, _>>()?;
    let mut ports = [0; N];
    for (port, held) in ports.iter_mut().zip(&held) {
        *port = held.local_addr()?.port();
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_ports_that_are_needed_at_once_are_the_same() {
        let ports = free_ports::<500>().unwrap();
        assert_eq!(HashSet::from(ports).len(), ports.len());
        assert!(ports.iter().all(|port| CHOSEN.contains(port)));
    }
}
