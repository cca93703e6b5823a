//! The thread of the operations listener: accepts, answers, and keeps the histograms tidy.

use super::routes::Peer;
use crate::telemetry::Metrics;
use anyhow::Context as _;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

/// How many connections are open at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 64;
/// How long a client may take to send a request's headers, and how long it may keep silent between two requests.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection lasts in all, so that a client that does not read gives its place back.
const LIFETIME: Duration = Duration::from_secs(60);
/// How long an answer under way may take once its connection is to end.
const GRACE: Duration = Duration::from_secs(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
const HEADERS_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

pub(super) struct Server {
    runtime: Runtime,
    listener: TcpListener,
    router: Router,
    metrics: Metrics,
    closing: CancellationToken,
}

impl Server {
    /// Over a listener that is bound and does not block.
    pub(super) fn new(
        listener: std::net::TcpListener,
        router: Router,
        metrics: Metrics,
        closing: CancellationToken,
    ) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.context("the operations runtime cannot be made")?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).context("the operations listener cannot be watched")?
        };
        Ok(Self { runtime, listener, router, metrics, closing })
    }

    /// Answers until it is told to close.
    pub(super) fn run(self) {
        let Self { runtime, listener, router, metrics, closing } = self;
        runtime.block_on(async move {
            let mut connections = JoinSet::new();
            let mut upkeep = interval(UPKEEP_EVERY);
            upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = closing.cancelled() => break,
                    _ = upkeep.tick() => metrics.upkeep(),
                    Some(_) = connections.join_next() => {}
                    accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                        Ok((stream, peer)) => {
                            connections.spawn(answer(stream, peer, router.clone(), closing.clone()));
                        }
                        Err(error) => {
                            tracing::warn!(%error, "the operations listener could not accept");
                            // Out of file descriptors, most likely: asking again at once would only burn the processor.
                            sleep(Duration::from_millis(100)).await;
                        }
                    },
                }
            }
            drop(listener);
            // Each connection hears of the end by itself and takes its grace, no longer.
            while connections.join_next().await.is_some() {}
        });
    }
}

async fn answer(stream: TcpStream, peer: SocketAddr, router: Router, closing: CancellationToken) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_TIMEOUT)
        .max_buf_size(HEADERS_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // How a client's connection ends is the client's business; nothing was accepted that could be lost.
        _ = connection.as_mut() => return,
        () = closing.cancelled() => {}
        () = sleep(LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(timeout(GRACE, connection).await);
}
