//! The HTTP stack that every service gets: the edge around its router, extractors and replies with one shape.
//!
//! A service writes routes and handlers; everything that is the same for all of them happens in [`Edge`]: ids, trace,
//! deadline, size limit, panics, CORS, compression, security headers, the access line and the metrics.

mod body;
mod caching;
mod client_ip;
mod compress;
mod context;
mod cors;
mod cursor;
mod edge;
pub mod etag;
mod front;
mod guard;
mod json;
mod lane;
mod listener;
pub mod outgoing;
pub mod page;
mod params;
mod record;
mod remember;
mod reply;
mod shed;
pub mod sorted;
pub mod tls;
mod upload;
mod version;
mod work;

pub use body::BodyFault;
pub use caching::Caching;
pub use client_ip::household;
pub(crate) use context::Matched;
pub use context::{Cx, RequestContext};
pub use cors::Cors;
pub use cursor::{Cursor, NotACursor};
pub use edge::{Caller, Edge, EdgeShared};
pub use front::{Behind, Front};
pub use json::Json;
pub(crate) use json::read_body;
pub use lane::{Attending, Lane, Way};
pub use listener::{Listener, Serving};
pub use page::{Page, PageQuery, SortKey, cut_page};
pub use params::{Path, Query};
pub use reply::{Created, Reply, accepted, created, no_content, reply};
pub use shed::Priority;
pub(crate) use shed::Shedder;
pub use upload::Upload;
pub use version::{API_VERSIONS, DEFAULT_API_VERSION};
pub use work::{InHand, origin};

use crate::config::{Mode, Problems, Validate, settings};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Finds one request in the log.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Finds everything that belongs to the same user action.
pub const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// What is left of the caller's deadline, in milliseconds. From outside it can only shorten the configured one.
pub const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");
/// The credential of a calling service.
pub const X_SERVICE_AUTHORIZATION: HeaderName = HeaderName::from_static("x-service-authorization");
/// The addresses that a request came through.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How the client spoke with the first door that it came through: `http` or `https`.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// Stands on an answer to a service that says no because a call of its own failed, with every retry that could help: who
/// gets it does not try again, else each layer would multiply the calls of the one before.
pub const X_RETRIES_SPENT: HeaderName = HeaderName::from_static("x-retries-spent");
/// Stands on a refusal by which a process that has too much to do keeps others served: it is busy, not ill.
pub const X_BUSY: HeaderName = HeaderName::from_static("x-busy");
/// Asks for an answer without compression.
pub const X_NO_COMPRESSION: HeaderName = HeaderName::from_static("x-no-compression");
/// The API version, asked for and answered.
pub const API_VERSION: HeaderName = HeaderName::from_static("api-version");

settings! {
    /// The public listener and what holds for every request.
    pub struct HttpConfig {
        /// Address to listen on. 0.0.0.0 or :: opens it to the network.
        host: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        /// Port of the public listener; 0 takes a free one.
        port: u16 = 8080, env "PORT";
        /// Threads that serve requests, each with a runtime of its own; 0 means one per core.
        threads: usize = 0;
        /// Where clients reach the platform, for links in mail and documents. Empty means the listener's own address.
        public_url: Option<String> = None;
        /// Origins that a browser may call from, for example `https://shop.example`. Never a wildcard.
        allowed_origins: Vec<String> = Vec::new(), env "ALLOWED_ORIGINS";
        /// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
        trusted_proxies: Vec<IpNet> = Vec::new();
        /// Milliseconds until a request must be answered.
        request_timeout_ms: u64 = 30_000;
        /// Milliseconds that a client may take to send its headers.
        header_timeout_ms: u64 = 10_000;
        /// Milliseconds that a client may take to send its body, and a second more for each body_min_rate bytes that have come.
        body_timeout_ms: u64 = 15_000;
        /// Bytes a second that a client has to send of a body that takes longer than body_timeout_ms; 0 gives no more time.
        body_min_rate: u64 = 16_384;
        /// Milliseconds in which a client has to take something of its answer.
        write_timeout_ms: u64 = 30_000;
        /// Milliseconds that a connection is kept without a request.
        idle_timeout_ms: u64 = 60_000;
        /// Largest request body in bytes.
        body_limit: usize = 1_048_576;
        /// Largest request body in bytes where its Content-Type is one of image/*.
        image_limit: usize = 5_242_880;
        /// Connections at once on each thread; further ones wait in the kernel's queue.
        max_connections: usize = 10_000;
        /// Connections at once of one client (an address; of IPv6 a network of 64 bits), on all threads; further ones are closed.
        /// Proxies in trusted_proxies may have any number.
        max_connections_per_client: usize = 1_000;
        /// Requests from outside that this process answers at once at most; further ones are refused with 503. A saturated process
        /// lowers the number by itself.
        max_in_flight: usize = 2_000;
        /// Below this number a saturated process does not go; with the same as max_in_flight it does not adapt.
        min_in_flight: usize = 250;
        /// The process is saturated when most requests that are ready wait longer for their thread, in milliseconds.
        shed_lag_ms: u64 = 100;
        /// The process is saturated when a request waits longer for a database connection, in milliseconds.
        shed_wait_ms: u64 = 1_000;
        /// Whether answers are compressed for clients that accept it.
        compression: bool = true;
        /// The share of requests that have a line in the access log, from 0 to 1. All processes write of the same requests, and an
        /// answer of 500 or above always has its line.
        access_log_ratio: f64 = 1.0;
    }
}

impl HttpConfig {
    /// Time until a request must be answered.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// The port at which clients reach the platform over HTTPS, as far as `public_url` says so.
    pub(crate) fn https_port(&self) -> Option<u16> {
        let url: http::Uri = self.public_url.as_ref()?.parse().ok()?;
        (url.scheme_str() == Some("https")).then(|| url.port_u16().unwrap_or(443))
    }

    /// The largest body of a request with these headers, in bytes.
    pub(crate) fn limit_of(&self, headers: &HeaderMap) -> usize {
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let is_image = kind.get(..6).is_some_and(|kind| kind.eq_ignore_ascii_case(b"image/"));
        if is_image { self.image_limit } else { self.body_limit }
    }
}

impl Validate for HttpConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("request_timeout_ms", self.request_timeout_ms, 1..=3_600_000);
        problems.range("header_timeout_ms", self.header_timeout_ms, 1..=600_000);
        problems.range("body_timeout_ms", self.body_timeout_ms, 1..=3_600_000);
        problems.range("body_min_rate", self.body_min_rate, 0..=1_073_741_824);
        problems.range("write_timeout_ms", self.write_timeout_ms, 1..=3_600_000);
        problems.range("idle_timeout_ms", self.idle_timeout_ms, 1..=3_600_000);
        problems.range("body_limit", self.body_limit, 1_024..=1_073_741_824);
        problems.range("image_limit", self.image_limit, 1_024..=1_073_741_824);
        problems.range("max_connections", self.max_connections, 1..=1_000_000);
        problems.range("max_connections_per_client", self.max_connections_per_client, 1..=1_000_000);
        problems.range("max_in_flight", self.max_in_flight, 1..=1_000_000);
        if self.min_in_flight == 0 || self.min_in_flight > self.max_in_flight {
            problems.add("min_in_flight", "must be between 1 and max_in_flight");
        }
        problems.range("shed_lag_ms", self.shed_lag_ms, 1..=60_000);
        problems.range("shed_wait_ms", self.shed_wait_ms, 1..=60_000);
        problems.range("access_log_ratio", self.access_log_ratio, 0.0..=1.0);
        for origin in &self.allowed_origins {
            if let Err(message) = check_origin(origin) {
                problems.add("allowed_origins", message);
            }
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            problems.add("public_url", "must begin with http:// or https://");
        }
    }
}

/// Whether this is an origin as a browser writes it; the text says what would be one.
///
/// # Errors
/// When it is none, or a wildcard.
pub fn check_origin(origin: &str) -> Result<(), String> {
    if origin == "*" {
        return Err("must list origins: a wildcard would open every user's session to every site".to_owned());
    }
    let uri: http::Uri = origin.parse().map_err(|_| format!("`{origin}` is not an origin"))?;
    let plain = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/") && !origin.ends_with('/');
    let default_port = match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    // It is compared with what browsers write, which is lower case and has no port that goes without saying.
    let as_written = *origin == origin.to_ascii_lowercase() && uri.port_u16() != default_port;
    match (default_port, uri.authority(), plain && as_written) {
        (Some(_), Some(authority), true) if !authority.as_str().contains('@') => Ok(()),
        _ => Err(format!(
            "`{origin}` must be a scheme and a host as a browser writes them, such as https://shop.example: no \
             path, no capital letters, no default port"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_origin_is_refused() {
        assert!(check_origin("*").is_err());
    }

    #[test]
    fn an_image_may_be_larger_than_another_body() {
        let config = HttpConfig { body_limit: 10, image_limit: 50, ..HttpConfig::default() };
        for (kind, limit) in [
            (Some("image/png"), 50),
            (Some("IMAGE/webp; q=1"), 50),
            (Some("application/json"), 10),
            (Some("text/image/png"), 10),
            (Some("image"), 10),
            (None, 10),
        ] {
            let named = kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind)));
            assert_eq!(config.limit_of(&named.into_iter().collect()), limit, "{kind:?}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(check_origin("https://shop.example").is_ok());
        assert!(check_origin("http://localhost:5173").is_ok());
        assert!(check_origin("https://shop.example/").is_err());
        assert!(check_origin("https://shop.example/a").is_err());
        assert!(check_origin("shop.example").is_err());
    }

    #[test]
    fn an_origin_that_no_browser_would_send_is_refused() {
        assert!(check_origin("https://Shop.example").is_err());
        assert!(check_origin("https://shop.example:443").is_err());
        assert!(check_origin("http://shop.example:80").is_err());
        assert!(check_origin("https://ada@shop.example").is_err());
        assert!(check_origin("http://shop.example:443").is_ok());
    }
}
