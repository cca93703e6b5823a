//! How many requests of each client are in hand, so that who has the most is refused first. A client is a household: who has a
//! network of IPv6 is not as many as it has addresses.
//!
//! Clients are counted in a table of fixed size, by a hash that nobody outside can foretell: two that meet in one place are
//! one client for as long as this process lives, which only makes them a little less equal than the others.

use super::super::client_ip::household;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

const PLACES: usize = 4_096;

pub(super) struct Clients {
    places: Box<[AtomicU32]>,
    /// How many places are in use.
    active: AtomicU32,
    hash: RandomState,
}

/// A request of a client, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    clients: &'a Clients,
    place: &'a AtomicU32,
    mine: u32,
}

impl Clients {
    pub(super) fn new() -> Self {
        let places = std::iter::repeat_with(|| AtomicU32::new(0)).take(PLACES).collect();
        Self { places, active: AtomicU32::new(0), hash: RandomState::new() }
    }

    /// Counts a request.
    pub(super) fn enter(&self, client: IpAddr) -> Seat<'_> {
        // Cannot be cut: the remainder is less than PLACES.
        let index = (self.hash.hash_one(household(client)) % PLACES as u64) as usize;
        let place = &self.places[index];
        let before = place.fetch_add(1, Relaxed);
        if before == 0 {
            self.active.fetch_add(1, Relaxed);
        }
        Seat { clients: self, place, mine: before + 1 }
    }
}

impl Seat<'_> {
    /// Whether this client has more requests in hand than would be its part of `limit`, were it divided by all who are here.
    pub(super) fn is_greedy(&self, limit: usize) -> bool {
        let active = self.clients.active.load(Relaxed).max(1) as usize;
        self.mine as usize > (limit / active).max(1)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if self.place.fetch_sub(1, Relaxed) == 1 {
            self.clients.active.fetch_sub(1, Relaxed);
        }
    }
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("active", &self.active).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn who_has_more_than_its_part_is_greedy_and_who_is_alone_never_is() {
        let clients = Clients::new();
        let mut many: Vec<_> = (0..60).map(|_| clients.enter(address(1))).collect();
        assert!(!many.last().unwrap().is_greedy(100), "alone");
        // By chance the next one may share the first one's place.
        let mut others = (2..).map(|last| clients.enter(address(last)));
        let one = others.find(|seat| seat.mine == 1).unwrap();
        assert!(!one.is_greedy(100));
        many.push(clients.enter(address(1)));
        assert!(many.last().unwrap().is_greedy(100), "61 of a part of 50");
        drop(one);
        assert!(!clients.enter(address(1)).is_greedy(100));
        many.clear();
        assert_eq!(clients.active.load(Relaxed), 0);
    }

    #[test]
    fn who_has_many_addresses_of_one_network_is_one_client() {
        let clients = Clients::new();
        let many = (0..60_u16).map(|last| clients.enter([0x2001, 0xdb8, 0, 1, 0, 0, 0, last].into()));
        let many: Vec<_> = many.collect();
        assert_eq!((many.last().unwrap().mine, clients.active.load(Relaxed)), (60, 1));
    }
}
