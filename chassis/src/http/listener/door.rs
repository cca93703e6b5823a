//! Where the listener is reached, and how it speaks there.

use super::super::HttpConfig;
use super::super::tls::Tls;
use anyhow::Context as _;
use axum::body::Body;
use http::header::{HOST, LOCATION};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

/// Sockets on one port, one a thread.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) sockets: Vec<StdListener>,
    pub(super) address: SocketAddr,
    pub(super) kind: Kind,
}

/// How much of an answer lies in the kernel ahead of the client, in bytes.
const UNSENT: u32 = 128 * 1024;

/// How a door speaks.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// HTTP.
    Plain,
    /// HTTP, and only to say that this port speaks HTTPS.
    Redirect(u16),
    /// HTTPS.
    Secure(Arc<Tls>),
}

impl Door {
    /// Binds the sockets; `settings` are those that decide about the address.
    pub(super) fn bind(
        wanted: SocketAddr,
        config: &HttpConfig,
        threads: usize,
        kind: Kind,
        settings: &str,
    ) -> anyhow::Result<Self> {
        let hint = || format!("cannot listen on {wanted}; set {settings}");
        // Sharing the port would also share it with another process of the same user: ask for it alone first.
        let address = StdListener::bind(wanted).and_then(|alone| alone.local_addr()).with_context(hint)?;
        let sockets =
            (0..threads).map(|_| shared_socket(address, config)).collect::<std::io::Result<Vec<_>>>();
        Ok(Self { sockets: sockets.with_context(hint)?, address, kind })
    }
}

fn shared_socket(address: SocketAddr, config: &HttpConfig) -> std::io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    // Connections inherit both. What the kernel has taken and the client does not take ends the connection; and little is
    // given to the kernel ahead, so that an answer that is being taken slowly is seen to be.
    socket.set_tcp_user_timeout(Some(Duration::from_millis(config.write_timeout_ms)))?;
    socket.set_tcp_notsent_lowat(UNSENT)?;
    socket.bind(&address.into())?;
    socket.listen(4_096)?;
    Ok(socket.into())
}

/// Sends a client to the same place over HTTPS. Who does not say at which host it thinks to be cannot be sent anywhere.
pub(super) fn to_https<B>(request: &Request<B>, port: u16) -> Response<Body> {
    let named = || request.headers().get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let location = request.uri().authority().cloned().or_else(named).and_then(|authority| {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let port = if port == 443 { String::new() } else { format!(":{port}") };
        HeaderValue::try_from(format!("https://{}{port}{path}", authority.host())).ok()
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    if let Some(location) = location {
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(target: &str, host: Option<&str>, port: u16) -> Option<String> {
        let mut request = Request::builder().uri(target);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let response = to_https(&request.body(()).unwrap(), port);
        let location = response.headers().get(LOCATION)?;
        assert_eq!(response.status(), 308);
        Some(location.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_client_is_sent_to_the_same_place_over_https() {
        assert_eq!(sent("/a?b=c", Some("shop.example:80"), 443).unwrap(), "https://shop.example/a?b=c");
        assert_eq!(sent("/", Some("shop.example"), 8443).unwrap(), "https://shop.example:8443/");
        assert_eq!(sent("/", Some("[::1]:8080"), 8443).unwrap(), "https://[::1]:8443/");
        assert_eq!(
            sent("http://other.example/x", Some("shop.example"), 443).unwrap(),
            "https://other.example/x"
        );
    }

    #[test]
    fn who_names_no_host_is_sent_nowhere() {
        assert_eq!(sent("/", None, 443), None);
        assert_eq!(sent("/", Some("a b"), 443), None);
        assert_eq!(sent("/", Some("evil.example/path"), 443), None);
    }
}
