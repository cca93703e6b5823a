//! HTTPS to whoever is no part of the platform: a provider of payments, of models, whatever is reached by a URL and a key.
//!
//! What must hold: certificates are checked against the roots of the web; a key stands in a header that is marked as
//! sensitive, so that no `Debug` shows it; an error says neither where the request went nor what was in it. What it does not
//! do: it sends nothing twice once it was under way, has no deadline for an answer, and hands on neither trace nor identity.
//! Who calls decides on each of these. Services are called through [`peer`](crate::peer).

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::aws_lc_rs;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// There was no answer, or not all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody was reached: nothing was asked.
    #[error("cannot be reached")]
    Unreachable,
    /// The connection broke: what was asked may have taken effect.
    #[error("the connection broke off")]
    BrokeOff,
    /// The answer is longer than whoever asked reads.
    #[error("the answer is too long")]
    TooLong,
}

/// A client for the world outside, over HTTP/1.1 and 2. Cheap to clone; clones share its connections.
#[derive(Debug, Clone)]
pub struct Outgoing(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Outgoing {
    /// A client. Nothing is connected yet.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new() -> anyhow::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_WITHIN));
        connector.set_nodelay(true);
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(aws_lc_rs::default_provider())?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        Ok(Self(Client::builder(TokioExecutor::new()).build(tls)))
    }

    /// Sends a request and gives the answer as soon as its head is there. Dropped before its body has ended, the answer takes
    /// its connection (or its stream, over HTTP/2) with it, by which the other side knows that nobody reads on.
    ///
    /// # Errors
    /// [`NoAnswer::Unreachable`] or [`NoAnswer::BrokeOff`].
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, NoAnswer> {
        let answer = self.0.request(request).await;
        answer.map_err(|error| if error.is_connect() { NoAnswer::Unreachable } else { NoAnswer::BrokeOff })
    }

    /// Sends a request and reads the whole answer, `longest` bytes at most.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    pub async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        longest: usize,
    ) -> Result<Response<Bytes>, NoAnswer> {
        let (head, body) = self.send(request).await?.into_parts();
        let body = Limited::new(body, longest).collect().await.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                NoAnswer::TooLong
            } else {
                NoAnswer::BrokeOff
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

/// The value of an `Authorization` header with this key, marked as sensitive. `None` when it has letters that no header has.
#[must_use]
pub fn bearer(key: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret().trim())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn request(url: &str) -> Request<Full<Bytes>> {
        Request::get(url).body(Full::default()).unwrap()
    }

    /// Answers one connection with these bytes and closes it.
    async fn once(answer: &'static [u8]) -> (String, impl Future<Output = ()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        (url, async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let read = socket.read(&mut [0; 1_024]).await.unwrap();
            assert!(read > 0);
            socket.write_all(answer).await.unwrap();
        })
    }

    #[test]
    fn a_key_is_in_no_debug_output() {
        let value = bearer(&SecretString::from(" sk-secret \n")).unwrap();
        assert_eq!(value.as_bytes(), b"Bearer sk-secret");
        assert!(!format!("{value:?}").contains("sk-secret"));
        assert_eq!(bearer(&SecretString::from("sk\nsecret")), None);
    }

    #[tokio::test]
    async fn whether_anything_was_asked_is_known() {
        let client = Outgoing::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(client.send(request(&closed)).await.unwrap_err(), NoAnswer::Unreachable);

        let (url, serve) = once(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
        let (answer, ()) = tokio::join!(client.exchange(request(&url), 100), serve);
        assert_eq!(answer.unwrap_err(), NoAnswer::BrokeOff);
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_bound() {
        let client = Outgoing::new().unwrap();
        let (url, serve) = once(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour").await;
        let (answer, ()) = tokio::join!(client.exchange(request(&url), 4), serve);
        assert_eq!(answer.unwrap().body(), "four");
        let (url, serve) = once(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfive!").await;
        let (answer, ()) = tokio::join!(client.exchange(request(&url), 4), serve);
        assert_eq!(answer.unwrap_err(), NoAnswer::TooLong);
    }
}
