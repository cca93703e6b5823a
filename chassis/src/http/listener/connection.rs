//! From an accepted connection to its end.

use super::super::HttpConfig;
use super::super::edge::Caller;
use super::super::front::Front;
use super::super::guard;
use super::super::tls::{Acme, Tls};
use super::clients::Clients;
use super::door::{Kind, to_https};
use super::pulse::{Asked, Given, Patience, Pulse, Verdict};
use super::wire::Wire;
use crate::stop::Stop;
use axum::body::Body;
use futures_util::future::{Either, ready};
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep};

/// The largest head of a request, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// What a stream of HTTP/2 keeps for a client that does not take it, in bytes; there are up to [`STREAMS`] of them.
const SEND_BUFFER: usize = 64 * 1024;
const STREAMS: u32 = 256;
/// Streams that were taken back before we saw them, and errors of a client's streams, that a connection survives.
const RESETS: usize = 50;
/// How long a connection that was told to go may still take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How the connections of one door are served on one thread. Cheap to clone.
#[derive(Clone)]
pub(super) struct Serve {
    kind: Kind,
    front: Front,
    places: Arc<Semaphore>,
    clients: Arc<Clients>,
    acme: Option<Arc<Acme>>,
    builder: Arc<Builder<TokioExecutor>>,
    patience: Patience,
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Serve {
    pub(super) fn new(
        kind: Kind,
        front: &Front,
        config: &HttpConfig,
        places: &Arc<Semaphore>,
        clients: &Arc<Clients>,
        acme: &Option<Arc<Acme>>,
    ) -> Self {
        Self {
            kind,
            front: front.clone(),
            places: places.clone(),
            clients: clients.clone(),
            acme: acme.clone(),
            builder: Arc::new(builder()),
            patience: Patience::of(config),
        }
    }

    /// Accepts connections until the stop, and waits for the last one to end.
    #[expect(
        clippy::disallowed_methods,
        reason = "connections are awaited through the channel that each of them holds"
    )]
    pub(super) async fn accept(self, socket: StdListener, stop: &Stop) -> std::io::Result<()> {
        let listener = TcpListener::from_std(socket)?;
        let (open, mut ended) = mpsc::channel::<Infallible>(1);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.stopping() => break,
            };
            let Some((stream, peer)) = settle(accepted).await else { continue };
            let Some(client) = self.clients.enter(peer.ip()) else { continue };
            // Only now: a door to which nobody comes keeps no place from the other one.
            let place = tokio::select! {
                place = self.places.clone().acquire_owned() => place.ok(),
                () = stop.stopping() => break,
            };
            let (serve, stop, open) = (self.clone(), stop.clone(), open.clone());
            tokio::spawn(async move {
                let _held = (place, client, open);
                if let Err(error) = serve.connection(stream, peer, stop).await {
                    tracing::debug!(error, "a connection ended with an error");
                }
            });
        }
        drop((listener, open));
        // Nobody sends anything: it ends when the last connection has.
        ended.recv().await;
        Ok(())
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, stop: Stop) -> Ended {
        let pulse = Pulse::new(self.patience);
        let (wire, back) = Wire::new(stream, pulse.clone());
        let ended = match self.kind.clone() {
            Kind::Plain => self.serve(wire, Caller::Socket(peer.ip()), &pulse, &stop).await,
            Kind::Redirect(port) => {
                let answer = |request: Request<Body>| std::future::ready(to_https(&request, port));
                self.drive(wire, answer, &pulse, &stop).await
            }
            Kind::Secure(tls) => {
                let shaken = tokio::select! {
                    shaken = tls.accept(wire, Duration::from_millis(self.patience.head)) => shaken,
                    // It has not asked for anything yet.
                    () = stop.stopping() => return Ok(()),
                };
                match shaken {
                    Ok(stream) => {
                        pulse.shaken();
                        let caller = Caller::Secure(peer.ip(), Tls::client_of(stream.get_ref().1));
                        self.serve(stream, caller, &pulse, &stop).await
                    }
                    Err(error) => Err(error.into()),
                }
            }
        };
        if pulse.has_unread() || ended.as_ref().is_err_and(|error| is_refusal(&**error)) {
            back.linger().await;
        }
        ended
    }

    /// Serves a connection to its end.
    async fn serve<S>(&self, stream: S, caller: Caller, pulse: &Arc<Pulse>, stop: &Stop) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let hsts = match &self.kind {
            Kind::Secure(tls) => tls.hsts(),
            Kind::Plain | Kind::Redirect(_) => None,
        };
        let answer = |mut request: Request<Body>| {
            guard::mark_hostless(&mut request);
            let (front, caller, hsts) = (self.front.clone(), caller.clone(), hsts.cloned());
            async move {
                let mut response = front.handle(request, caller).await;
                if let Some(hsts) = hsts {
                    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
                }
                response
            }
        };
        self.drive(stream, answer, pulse, stop).await
    }

    /// Speaks HTTP to the end of a connection, or to the end of our patience with it.
    async fn drive<S, F>(
        &self,
        stream: S,
        answer: impl Fn(Request<Body>) -> F,
        pulse: &Arc<Pulse>,
        stop: &Stop,
    ) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let service = service_fn(|request: Request<Incoming>| {
            let in_hand = pulse.ask(request.version() == Version::HTTP_2);
            let challenged = self.acme.as_ref().and_then(|acme| acme.answer(&request));
            let answer = match challenged {
                Some(response) => Either::Left(ready(response)),
                None => Either::Right(answer(request.map(|body| Body::new(Asked::new(body, pulse.clone()))))),
            };
            async move {
                let response = answer.await;
                let in_hand = in_hand.answered();
                Ok::<_, Infallible>(response.map(|body| Given::new(body, in_hand)))
            }
        });
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut timer = pin!(sleep(self.patience.shortest()));
        let mut stopping = pin!(stop.stopping());
        // Set when the connection has been told to go, and when it has to be gone.
        let (mut told, mut last) = (false, None::<Instant>);
        loop {
            tokio::select! {
                ended = connection.as_mut() => return ended,
                () = stopping.as_mut(), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                    continue;
                }
                () = timer.as_mut() => {}
                () = pulse.alarm() => {}
            }
            let now = Instant::now();
            let next = match pulse.look() {
                Verdict::Fine(next) => {
                    // A request may have come before the client heard that it is to go: that one is answered.
                    last = None;
                    now + next
                }
                Verdict::Cut(reason) => return Err(reason.into()),
                Verdict::Close(reason) => {
                    let last = *last.get_or_insert(now + LAST_WORDS);
                    if now >= last {
                        return Err(reason.into());
                    }
                    if !told {
                        told = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    last
                }
            };
            timer.as_mut().reset(next);
        }
    }
}

/// Whether a connection ended because what the client sent is no request or no handshake that we take, so that it has an
/// answer to read.
fn is_refusal(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let handshake = || error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse)
        || handshake() == Some(std::io::ErrorKind::InvalidData)
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // How long a head may take is looked after by the pulse, which does not count the silence before it.
    builder.http1().timer(TokioTimer::new()).max_buf_size(HEAD_LIMIT).header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .max_concurrent_streams(STREAMS);
    builder
}

/// A connection ready to be served. Failing to accept one is never the end of the listener: out of file handles, it
/// waits a little for some to come back instead of spinning.
async fn settle(accepted: std::io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok((stream, peer)) => {
            // Without it the socket only answers later than it could.
            drop(stream.set_nodelay(true));
            Some((stream, peer))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
