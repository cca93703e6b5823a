//! From an accepted connection to its end.

use super::super::HttpConfig;
use super::super::edge::Caller;
use super::super::front::Front;
use super::door::{Kind, to_https};
use crate::stop::Stop;
use axum::body::Body;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::super::tls::Tls;

/// The largest head of a request, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

/// How the connections of one door are served on one thread. Cheap to clone.
#[derive(Clone)]
pub(super) struct Serve {
    kind: Kind,
    front: Front,
    places: Arc<Semaphore>,
    builder: Arc<Builder<TokioExecutor>>,
    patience: Duration,
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

impl Serve {
    pub(super) fn new(kind: Kind, front: &Front, config: &HttpConfig, places: &Arc<Semaphore>) -> Self {
        Self {
            kind,
            front: front.clone(),
            places: places.clone(),
            builder: Arc::new(builder(config)),
            patience: Duration::from_millis(config.header_timeout_ms),
        }
    }

    /// Accepts connections until the stop, and waits for the last one to end.
    #[expect(
        clippy::disallowed_methods,
        reason = "connections are awaited by the graceful shutdown that watches them"
    )]
    pub(super) async fn accept(self, socket: StdListener, stop: &Stop) -> std::io::Result<()> {
        let listener = TcpListener::from_std(socket)?;
        let graceful = GracefulShutdown::new();
        loop {
            let place = tokio::select! {
                place = self.places.clone().acquire_owned() => place.ok(),
                () = stop.stopping() => break,
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stop.stopping() => break,
            };
            let Some((stream, peer)) = settle(accepted).await else { continue };
            let (serve, watcher) = (self.clone(), graceful.watcher());
            tokio::spawn(async move {
                let _place = place;
                if let Err(error) = serve.connection(stream, peer, watcher).await {
                    tracing::debug!(error, "a connection ended with an error");
                }
            });
        }
        drop(listener);
        graceful.shutdown().await;
        Ok(())
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) -> Ended {
        match self.kind.clone() {
            Kind::Plain => self.serve(stream, Caller::Socket(peer.ip()), watcher).await,
            Kind::Redirect(port) => self.redirect(stream, port, watcher).await,
            Kind::Secure(tls) => {
                let stream = tls.accept(stream, self.patience).await?;
                let caller = Caller::Secure(peer.ip(), Tls::client_of(stream.get_ref().1));
                self.serve(stream, caller, watcher).await
            }
        }
    }

    /// Serves a connection to its end.
    async fn serve<S>(self, stream: S, caller: Caller, watcher: Watcher) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let front = &self.front;
        let hsts = match &self.kind {
            Kind::Secure(tls) => tls.hsts().cloned(),
            Kind::Plain | Kind::Redirect(_) => None,
        };
        let answer = |request: Request<Incoming>| {
            let (front, caller, hsts) = (front.clone(), caller.clone(), hsts.clone());
            async move {
                let mut response = front.handle(request.map(Body::new), caller).await;
                if let Some(hsts) = hsts {
                    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
                }
                response
            }
        };
        self.drive(stream, answer, watcher).await
    }

    async fn redirect<S>(self, stream: S, port: u16, watcher: Watcher) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.drive(stream, |request| std::future::ready(to_https(&request, port)), watcher).await
    }

    /// Speaks HTTP to the end of a connection. One that has not brought its first request in time is cut: before it has said
    /// which version of HTTP it speaks, hyper's own timeouts do not count yet.
    async fn drive<S, F>(&self, stream: S, answer: impl Fn(Request<Incoming>) -> F, watcher: Watcher) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let asked = AtomicBool::new(false);
        let service = service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            let answer = answer(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = self.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut connection = pin!(watcher.watch(connection));
        match tokio::time::timeout(self.patience, connection.as_mut()).await {
            Ok(ended) => ended,
            Err(_) if asked.load(Ordering::Relaxed) => connection.await,
            Err(_) => Err("no request in time".into()),
        }
    }
}

fn builder(config: &HttpConfig) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_LIMIT)
        .header_read_timeout(Duration::from_millis(config.header_timeout_ms));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX))
        .max_concurrent_streams(256);
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
