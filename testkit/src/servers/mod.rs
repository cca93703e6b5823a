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
use std::net::{TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// The ports that are chosen from. They are below those that Linux hands out to whoever asks for any port and to outgoing
/// connections, so nothing takes one by chance while a server that had it is down.
const CHOSEN: std::ops::Range<u16> = 10_000..30_000;

/// What shows the tests of other processes that a port is taken, while its server is not there or not there yet: a UDP
/// socket of the same number, which the kernel lets go of with the process.
static TAKEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// A free TCP port on 127.0.0.1. Until this process ends, nobody else gets it who asks here, in whichever process.
///
/// # Errors
/// No port is free.
pub fn free_port() -> std::io::Result<u16> {
    let (count, first) = (u64::from(CHOSEN.end - CHOSEN.start), RandomState::new().hash_one(CHOSEN.start));
    let ports = (0..count).filter_map(|step| u16::try_from((first % count + step) % count).ok());
    let mut refused = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for port in ports.map(|port| CHOSEN.start + port) {
        match take(port) {
            Ok(taken) => {
                TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
                return Ok(port);
            }
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

/// Takes a port if nobody has taken it and nothing listens on it.
fn take(port: u16) -> std::io::Result<UdpSocket> {
    let taken = UdpSocket::bind(("127.0.0.1", port))?;
    TcpListener::bind(("127.0.0.1", port))?;
    Ok(taken)
}

/// Free TCP ports on 127.0.0.1, taken as [`free_port`] does.
///
/// # Errors
/// No port is free.
pub fn free_ports<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port()?;
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_port_is_taken_once_by_whoever_asks_and_so_is_one_that_somebody_listens_on() {
        let ports = free_ports::<500>().unwrap();
        assert_eq!(HashSet::from(ports).len(), ports.len());
        assert!(ports.iter().all(|port| CHOSEN.contains(port)));
        // As another process would ask.
        assert!(ports.iter().all(|port| take(*port).is_err()));
        let port = free_port().unwrap();
        let server = TcpListener::bind(("127.0.0.1", port)).unwrap();
        TAKEN.lock().unwrap().pop();
        assert!(take(port).is_err(), "something listens there");
        drop(server);
        take(port).unwrap();
    }
}
