//! The public listener of a service under test.

use crate::client::Client;
use chassis::http::tls::Tls;
use chassis::http::{HttpConfig, Listener, Serving};
use chassis::run::Assembled;
use chassis::stop::{self, Stopper};
use std::net::SocketAddr;
use std::sync::Arc;

/// Accepts connections until it is stopped or dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    secure: Option<SocketAddr>,
    stopper: Stopper,
    serving: Serving,
}

impl Listening {
    pub(crate) fn start(assembled: &Assembled, tls: Option<&Arc<Tls>>) -> Self {
        let config = HttpConfig { port: 0, threads: 1, ..assembled.shared().http().clone() };
        let listener = Listener::bind_with(&config, tls).unwrap_or_else(|error| panic!("{error:#}"));
        let (address, secure) = (listener.address(), listener.secure_address());
        let (stopper, stop) = stop::channel();
        let serving = listener.serve(assembled.front(), &config, &stop);
        Self { address, secure, stopper, serving: serving.unwrap_or_else(|error| panic!("{error:#}")) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it speaks HTTPS.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn secure_address(&self) -> SocketAddr {
        self.secure.expect("it speaks HTTPS")
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client over a socket.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::http(self.url())
    }

    /// Stops accepting, as the process would; requests in hand go on.
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// Resolves when no connection is left after the stop.
    pub async fn drained(&self) {
        self.serving.drained().await;
    }

    /// Ends its threads; connections that are still open are cut. Blocks until they have ended.
    pub fn end(self) {
        self.stopper.finish();
        self.serving.join();
    }
}
