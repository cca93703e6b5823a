//! The public listener: one runtime per core, each with its own socket on the same port (`SO_REUSEPORT`).
//!
//! A connection lives and ends on the thread that accepted it, with the client connections that its requests open, so
//! nothing is handed between cores. Binding happens before anything is built, so that an address in use is an error in
//! the first milliseconds; accepting begins with [`Listener::serve`].

use super::HttpConfig;
use super::edge::Caller;
use super::front::Front;
use crate::stop::Stop;
use anyhow::Context as _;
use axum::body::Body;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::{Domain, Protocol, Socket, Type};
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The largest head of a request, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// How long blocking work on a thread may take to end, when the thread does.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Sockets that are bound and do not accept yet.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<StdListener>,
    address: SocketAddr,
}

/// The threads of a listener that accepts.
#[derive(Debug)]
pub struct Serving {
    threads: Vec<JoinHandle<()>>,
    drained: watch::Receiver<usize>,
    release: watch::Sender<bool>,
}

impl Listener {
    /// Binds one socket a thread.
    ///
    /// # Errors
    /// When the address is in use or not this machine's; the message names the setting.
    pub fn bind(config: &HttpConfig) -> anyhow::Result<Self> {
        let wanted = SocketAddr::new(config.host, config.port);
        let hint =
            || format!("cannot listen on {wanted}; set http.port (PORT) or http.host (BOWLINE_HTTP__HOST)");
        // Sharing the port would also share it with another process of the same user: ask for it alone first.
        let address = StdListener::bind(wanted).and_then(|alone| alone.local_addr()).with_context(hint)?;
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let sockets = (0..threads).map(|_| shared_socket(address)).collect::<std::io::Result<Vec<_>>>();
        Ok(Self { sockets: sockets.with_context(hint)?, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts accepting. Connections are drained when `stop` says so; the threads live until [`Serving::join`], because
    /// pooled connections that were opened on them may still be in use. Dropping what is returned cuts everything.
    ///
    /// # Errors
    /// When a thread or its runtime cannot be made.
    pub fn serve(self, front: &Front, config: &HttpConfig, stop: &Stop) -> anyhow::Result<Serving> {
        let (drained_by, drained) = watch::channel(0_usize);
        let drained_by = Arc::new(drained_by);
        let (release, released) = watch::channel(false);
        let mut threads = Vec::with_capacity(self.sockets.len());
        for (number, socket) in self.sockets.into_iter().enumerate() {
            let (front, config, stop, drained_by, mut released) =
                (front.clone(), config.clone(), stop.clone(), drained_by.clone(), released.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let serve = move || {
                let serving = async move {
                    // An error means that the owner is gone, which releases as well.
                    let drained = tokio::select! {
                        drained = accept(socket, &front, &config, &stop) => drained,
                        _ = released.wait_for(|released| *released) => return,
                    };
                    if let Err(error) = drained {
                        tracing::error!(%error, "the public listener cannot accept");
                    }
                    drained_by.send_modify(|threads| *threads += 1);
                    drop(released.wait_for(|released| *released).await);
                };
                runtime.block_on(serving);
                // Dropping it would wait for blocking work that hangs, and the stop has a deadline.
                runtime.shutdown_timeout(LAST_WORDS);
            };
            threads.push(std::thread::Builder::new().name(format!("http-{number}")).spawn(serve)?);
        }
        Ok(Serving { threads, drained, release })
    }
}

impl Serving {
    /// Resolves when every connection has ended after the stop.
    pub async fn drained(&self) {
        let all = self.threads.len();
        // An error means that the threads are gone, so nothing is left to drain.
        drop(self.drained.clone().wait_for(|threads| *threads == all).await);
    }

    /// Ends the threads; connections that are still open are cut.
    pub fn join(self) {
        self.release.send_replace(true);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the public listener panicked");
            }
        }
    }
}

fn shared_socket(address: SocketAddr) -> std::io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4_096)?;
    Ok(socket.into())
}

async fn accept(socket: StdListener, front: &Front, config: &HttpConfig, stop: &Stop) -> std::io::Result<()> {
    let listener = TcpListener::from_std(socket)?;
    let places = Arc::new(Semaphore::new(config.max_connections));
    let graceful = GracefulShutdown::new();
    let builder = builder(config);
    let patience = Duration::from_millis(config.header_timeout_ms);
    loop {
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place.ok(),
            () = stop.stopping() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.stopping() => break,
        };
        let Some((stream, peer)) = settle(accepted).await else { continue };
        let front = front.clone();
        let asked = Arc::new(AtomicBool::new(false));
        let asks = asked.clone();
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            asks.store(true, Ordering::Relaxed);
            let front = front.clone();
            async move {
                Ok::<_, Infallible>(front.handle(request.map(Body::new), Caller::Socket(peer.ip())).await)
            }
        });
        let connection = graceful
            .watch(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned());
        serve(connection, asked, patience, place);
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
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

/// Serves a connection to its end. One that has not brought its first request in time is cut: before it has said which
/// version of HTTP it speaks, hyper's own timeouts do not count yet.
#[expect(
    clippy::disallowed_methods,
    reason = "connections are awaited by the graceful shutdown that watches them"
)]
fn serve<C>(connection: C, asked: Arc<AtomicBool>, patience: Duration, place: Option<OwnedSemaphorePermit>)
where
    C: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    tokio::spawn(async move {
        let _place = place;
        let mut connection = pin!(connection);
        let ended = match tokio::time::timeout(patience, connection.as_mut()).await {
            Ok(ended) => ended,
            Err(_) if asked.load(Ordering::Relaxed) => connection.await,
            Err(_) => Err("no request in time".into()),
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended with an error");
        }
    });
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
