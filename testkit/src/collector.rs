//! A stand-in for an OpenTelemetry collector: it takes spans, and gives what it took to the test.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes spans until it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    taken: mpsc::UnboundedReceiver<(String, Bytes)>,
    _tasks: JoinSet<()>,
}

impl Collector {
    /// One on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let (sender, taken) = mpsc::unbounded_channel();
        let take = move |request: Request<Body>| {
            let sender = sender.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.expect("a whole body").to_bytes();
                // The test may be over by now.
                drop(sender.send((path, body)));
            }
        };
        let mut tasks = JoinSet::new();
        let serving = axum::serve(listener, Router::new().fallback(take));
        tasks.spawn(async move { serving.await.expect("it serves until it is dropped") });
        Self { address, taken, _tasks: tasks }
    }

    /// What `telemetry.otlp_endpoint` is to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The path and the body of what comes next.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn next(&mut self) -> (String, Bytes) {
        timeout(PATIENCE, self.taken.recv()).await.expect("spans come").expect("the collector runs")
    }
}
