//! Whose count a request belongs to.

use super::rule::By;
use crate::http::{RequestContext, household};
use aws_lc_rs::digest;
use axum::body::Body;
use axum::extract::MatchedPath;
use http::{HeaderName, Request};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The header that carries a client's API key.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// So many bytes of a hash tell keys and callers apart; nobody gains by two that are the same.
const HASH_BYTES: usize = 16;

/// Writes the name of the window of a request; `None` when it is by user and nobody is known. `caller` is who asks when
/// something else than an access token has proved it; then a token beside that is not looked at.
pub(super) fn write(
    by: By,
    caller: Option<&str>,
    cx: &RequestContext,
    request: &Request<Body>,
    name: &mut String,
) -> Option<()> {
    let mut parts = Parts { name, first: true };
    // A key that anybody can make up must not give anybody a count beside that of their address.
    if by.ip || by.key {
        parts.add(format_args!("ip:{}", Household(cx.client_ip)));
    }
    if by.user {
        match caller {
            Some(caller) => parts.add(format_args!("caller:{}", hashed(caller.as_bytes()))),
            None => {
                let user = cx.identity().and_then(|identity| identity.as_ref().ok())?.user();
                parts.add(format_args!("user:{user}"));
            }
        }
    }
    if by.key {
        parts.add(format_args!("key:{}", api_key(request)));
    }
    if by.route {
        let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let route = matched.or_else(|| Some(cx.route.get()?.as_str())).unwrap_or("unmatched");
        parts.add(format_args!("route:{} {route}", request.method()));
    }
    Some(())
}

/// What a name is made of, with spaces in between.
struct Parts<'a> {
    name: &'a mut String,
    first: bool,
}

impl Parts<'_> {
    fn add(&mut self, part: std::fmt::Arguments<'_>) {
        if !std::mem::take(&mut self.first) {
            self.name.push(' ');
        }
        // Writing to a string cannot fail.
        self.name.write_fmt(part).unwrap_or_default();
    }
}

/// The [`household`] of an address, as it is written in names.
struct Household(IpAddr);

impl std::fmt::Display for Household {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match household(self.0) {
            IpAddr::V4(ip) => write!(f, "{ip}"),
            IpAddr::V6(ip) => write!(f, "{:x}/64", u128::from(ip) >> 64),
        }
    }
}

/// The hash of the key that was sent. Whoever sends several sends none that counts.
fn api_key(request: &Request<Body>) -> String {
    let mut keys = request.headers().get_all(X_API_KEY).into_iter();
    let (Some(key), None) = (keys.next(), keys.next()) else { return "none".to_owned() };
    hashed(key.as_bytes())
}

/// Tells apart what is too long or too private for the name of a window.
fn hashed(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    hex::encode(&hash.as_ref()[..HASH_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> String {
        Household(text.parse().unwrap()).to_string()
    }

    #[test]
    fn a_household_of_ipv6_is_one_client_and_its_neighbour_another() {
        assert_eq!(named("2001:db8:1:2::1"), named("2001:db8:1:2:ffff::9"));
        assert_ne!(named("2001:db8:1:2::1"), named("2001:db8:1:3::1"));
        assert_eq!(named("::ffff:203.0.113.9"), "203.0.113.9");
        assert_ne!(named("203.0.113.9"), named("203.0.113.8"));
    }

    #[test]
    fn a_key_is_not_in_the_name_that_is_kept() {
        let mut request = Request::new(Body::empty());
        assert_eq!(api_key(&request), "none");
        request.headers_mut().append(X_API_KEY, "hunter2-hunter2".parse().unwrap());
        let hash = api_key(&request);
        assert!(hash.len() == 32 && !hash.contains("hunter2"), "{hash}");
        request.headers_mut().append(X_API_KEY, "another".parse().unwrap());
        assert_eq!(api_key(&request), "none");
    }
}
