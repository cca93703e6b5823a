//! The client's address. `X-Forwarded-For` counts only as far as proxies that are trusted wrote it.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// Walks `forwarded` from the right, past trusted proxies, to the first address that no trusted proxy has.
///
/// `socket` is the address that the connection came from; when it is not trusted, the header is somebody's claim.
pub(super) fn client_ip<'a>(
    socket: IpAddr,
    socket_is_trusted: bool,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let socket = socket.to_canonical();
    if !socket_is_trusted && !is_trusted(socket, trusted) {
        return socket;
    }
    let mut client = socket;
    for hop in forwarded.flat_map(|line| line.split(',')).map(str::trim).collect::<Vec<_>>().into_iter().rev()
    {
        let Some(address) = parse(hop) else { break };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client
}

/// Whether what a connection from this address says about the one before it is believed.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// An address as far as it tells clients apart: a household has a whole /64 of IPv6.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare: Option<IpAddr> = hop.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let address = bare.or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(socket: &str, header: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        client_ip(socket.parse().unwrap(), false, header.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(resolve("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_tells_the_client_address() {
        assert_eq!(resolve("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn what_the_client_put_before_the_proxys_entry_does_not_count() {
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4", "203.0.113.9"]), "203.0.113.9");
    }

    #[test]
    fn nonsense_in_the_header_ends_the_walk() {
        assert_eq!(resolve("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
    }

    #[test]
    fn a_port_and_brackets_are_understood() {
        assert_eq!(resolve("10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(resolve("10.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::1");
    }

    #[test]
    fn a_household_of_ipv6_is_one_client_and_its_neighbour_another() {
        let household = |text: &str| household(text.parse().unwrap()).to_string();
        assert_eq!(household("2001:db8:1:2::1"), household("2001:db8:1:2:ffff::9"));
        assert_ne!(household("2001:db8:1:2::1"), household("2001:db8:1:3::1"));
        assert_eq!(household("::ffff:203.0.113.9"), "203.0.113.9");
    }
}
