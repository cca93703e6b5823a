//! How many connections each client has.
//!
//! A client is an address; of IPv6 the network of 64 bits that one customer gets. There is an entry for who has a connection, and
//! connections are bounded, so the table is. Proxies that are trusted bring many clients and are not counted.

use super::super::HttpConfig;
use super::super::client_ip::{household, is_trusted};
use ipnet::IpNet;
use metrics::{Counter, counter};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The clients of all threads.
pub(super) struct Clients {
    most: usize,
    trusted: Vec<IpNet>,
    connections: Mutex<HashMap<IpAddr, usize>>,
    refused: Counter,
}

/// A place of a client, until it is dropped.
pub(super) struct Place(Option<(Arc<Clients>, IpAddr)>);

impl Clients {
    pub(super) fn new(config: &HttpConfig) -> Arc<Self> {
        Arc::new(Self {
            most: config.max_connections_per_client,
            trusted: config.trusted_proxies.clone(),
            connections: Mutex::default(),
            refused: counter!("http_connections_refused_total"),
        })
    }

    /// Takes a place; `None` when the client has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        if is_trusted(address, &self.trusted) {
            return Some(Place(None));
        }
        let client = household(address);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let open = connections.entry(client).or_default();
        if *open >= self.most {
            self.refused.increment(1);
            return None;
        }
        *open += 1;
        Some(Place(Some((self.clone(), client))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((clients, client)) = self.0.take() else { return };
        let mut connections = clients.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut open) = connections.entry(client) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(most: usize) -> Arc<Clients> {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Clients::new(&HttpConfig {
            max_connections_per_client: most,
            trusted_proxies,
            ..HttpConfig::default()
        })
    }

    #[test]
    fn a_client_has_its_places_and_no_more_and_what_it_leaves_is_forgotten() {
        let clients = clients(2);
        let enter = |address: &str| clients.enter(address.parse().unwrap());
        let first = enter("192.0.2.1").unwrap();
        let _second = enter("::ffff:192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some(), "another client");
        drop(first);
        let third = enter("192.0.2.1");
        assert!(third.is_some());
        drop((third, _second));
        assert!(clients.connections.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_a_trusted_proxy_is_many() {
        let clients = clients(1);
        let enter = |address: &str| clients.enter(address.parse().unwrap());
        let _one = enter("2001:db8:0:1::1").unwrap();
        assert!(enter("2001:db8:0:1::2").is_none());
        assert!(enter("2001:db8:0:2::1").is_some());
        let _proxy = enter("10.0.0.1").unwrap();
        assert!(enter("10.0.0.1").is_some());
    }
}
